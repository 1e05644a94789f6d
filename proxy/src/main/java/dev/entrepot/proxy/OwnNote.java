package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.proxy.replication.ServerNote;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The note of this server in its data folder: commands on the same folder find the server by it, and ask it instead of
 * failing at the lock.
 *
 * @param port where the registry API listens
 * @param adminPort where the admin API listens
 */
record OwnNote(EntrepotConfig config, String instance, ServedAccess access, int port, int adminPort) {
    private static final Logger LOG = LoggerFactory.getLogger(OwnNote.class);

    /** Leaves it until everything is closed, and leaves it anew when the admin API shows another certificate. */
    void leave(Closings open) throws IOException {
        Path directory = config.cache().directory();
        note().write(directory);
        access.whenAdminCertificateChanges(() -> {
            try {
                note().write(directory);
            } catch (IOException e) {
                LOG.error("commands on {} do not know the new certificate: {}", directory, e.toString());
            }
        });
        open.push(() -> note().remove(directory));
    }

    private ServerNote note() {
        ServerConfig server = config.server();
        return new ServerNote(
                url(server.adminTls().isPresent(), server.admin(), adminPort),
                instance,
                access.localToken(),
                Optional.of(url(server.tls().isPresent(), server.listen(), port)),
                access.adminFingerprint());
    }

    // From this machine.
    private static URI url(boolean tls, ListenAddress configured, int port) {
        String host = configured.host().orElse("127.0.0.1");
        String shown = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
        return URI.create((tls ? "https://" : "http://") + new ListenAddress(Optional.of(shown), port));
    }
}
