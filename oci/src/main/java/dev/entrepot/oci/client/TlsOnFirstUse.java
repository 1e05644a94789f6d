package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * TLS with the platform's authorities, set up when the first connection needs it: reading a hundred certificates is
 * what no start should wait for. Settings with files of their own are read at once, so that a mistake in them is found
 * at the start. Safe for all threads.
 */
final class TlsOnFirstUse implements TlsSocketStrategy {
    private final ReentrantLock making = new ReentrantLock();
    private volatile @Nullable TlsSocketStrategy made;

    private TlsOnFirstUse() {}

    /**
     * How connections get their TLS.
     *
     * @param nanoTime time that does not go back
     * @throws IOException if a file of the settings cannot be read or does not hold what it should
     */
    static TlsSocketStrategy of(TlsSettings settings, LongSupplier nanoTime) throws IOException {
        return settings.equals(TlsSettings.DEFAULT) ? new TlsOnFirstUse() : TlsOfFiles.of(settings, nanoTime);
    }

    @Override
    public SSLSocket upgrade(
            Socket socket, String target, int port, @Nullable Object attachment, @Nullable HttpContext context)
            throws IOException {
        return made().upgrade(socket, target, port, attachment, context);
    }

    private TlsSocketStrategy made() throws IOException {
        TlsSocketStrategy known = made;
        if (known != null) {
            return known;
        }
        making.lock();
        try {
            TlsSocketStrategy first = made;
            if (first == null) {
                first = TlsOfFiles.strategy(TlsSettings.DEFAULT);
                made = first;
            }
            return first;
        } finally {
            making.unlock();
        }
    }
}
