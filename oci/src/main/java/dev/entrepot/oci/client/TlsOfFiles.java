package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS by settings with files of their own, which may be changed while the program runs: mounted secrets, certificates
 * that are renewed. They are looked at when a connection is made, every ten seconds at most; connections that are open
 * go on. What cannot be read, or is a certificate and another one's key, leaves the former in effect, with a line in
 * the log. Safe for all threads.
 */
final class TlsOfFiles implements TlsSocketStrategy {
    private static final Logger LOG = LoggerFactory.getLogger(TlsOfFiles.class);
    private static final long BETWEEN_LOOKS = Duration.ofSeconds(10).toNanos();
    private static final int MOST_BYTES = 4 << 20;

    private final TlsSettings settings;
    private final LongSupplier nanoTime;
    private final ReentrantLock looking = new ReentrantLock();
    private volatile TlsSocketStrategy inEffect;
    private volatile long lookedAt;
    /** What was in the files when they were last read, be it in vain. */
    private volatile List<Optional<Digest>> seen;

    private TlsOfFiles(TlsSettings settings, LongSupplier nanoTime) throws IOException {
        this.settings = settings;
        this.nanoTime = nanoTime;
        this.lookedAt = nanoTime.getAsLong();
        this.seen = contents();
        this.inEffect = strategy(settings);
    }

    /**
     * How connections get their TLS.
     *
     * @param nanoTime time that does not go back
     * @throws IOException if a file cannot be read or does not hold what it should
     */
    static TlsSocketStrategy of(TlsSettings settings, LongSupplier nanoTime) throws IOException {
        return new TlsOfFiles(settings, nanoTime);
    }

    /** TLS by what is in the files now. */
    static TlsSocketStrategy strategy(TlsSettings settings) throws IOException {
        return ClientTlsStrategyBuilder.create()
                .setSslContext(settings.sslContext())
                .buildClassic();
    }

    @Override
    public SSLSocket upgrade(
            Socket socket, String target, int port, @Nullable Object attachment, @Nullable HttpContext context)
            throws IOException {
        if (nanoTime.getAsLong() - lookedAt >= BETWEEN_LOOKS && looking.tryLock()) {
            try {
                look();
            } finally {
                looking.unlock();
            }
        }
        return inEffect.upgrade(socket, target, port, attachment, context);
    }

    private void look() {
        lookedAt = nanoTime.getAsLong();
        List<Optional<Digest>> now = contents();
        if (now.equals(seen)) {
            return;
        }
        seen = now;
        try {
            inEffect = strategy(settings);
            LOG.info("{} read again, because a file has changed", settings.files());
        } catch (IOException | RuntimeException e) {
            LOG.warn("{} not read again, and the former stays in effect: {}", settings.files(), e.getMessage());
        }
    }

    private List<Optional<Digest>> contents() {
        return settings.files().stream().map(TlsOfFiles::content).toList();
    }

    private static Optional<Digest> content(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Optional.of(Digest.sha256(in.readNBytes(MOST_BYTES)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
