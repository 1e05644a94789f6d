package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.proxy.replication.ServerNote;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(2);

    /** Leaves it until everything is closed, and leaves it anew when the admin API shows another certificate. */
    void leave(Closings open) throws IOException {
        Path directory = config.cache().directory();
        note().write(directory);
        Left left = new Left(this, directory);
        access.whenAdminCertificateChanges(left::renew);
        open.push(left::remove);
    }

    /** The note that was left. Safe for all threads. */
    private static final class Left {
        private final OwnNote own;
        private final Path directory;
        private final CountDownLatch removed = new CountDownLatch(1);
        private boolean retrying;

        Left(OwnNote own, Path directory) {
            this.own = own;
            this.directory = directory;
        }

        synchronized void renew() {
            if (!retrying && !isWritten(true)) {
                retrying = true;
                Thread.ofVirtual().name("server-note").start(this::retry);
            }
        }

        // Until there is room again: without the note, no command on the folder believes this server.
        private void retry() {
            try {
                while (!removed.await(BETWEEN_TRIES.toMillis(), TimeUnit.MILLISECONDS)) {
                    synchronized (this) {
                        if (isWritten(false)) {
                            retrying = false;
                            return;
                        }
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        // Also true where it is not to be there any more.
        private synchronized boolean isWritten(boolean told) {
            if (removed.getCount() == 0) {
                return true;
            }
            try {
                own.note().write(directory);
                return true;
            } catch (IOException e) {
                if (told) {
                    LOG.error(
                            "commands on {} do not know the new certificate; it is tried again: {}",
                            directory,
                            e.toString());
                }
                return false;
            }
        }

        synchronized void remove() throws IOException {
            removed.countDown();
            own.note().remove(directory);
        }
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
