package dev.entrepot.proxy;

import dev.entrepot.proxy.http.RequestRates;
import dev.entrepot.proxy.http.Text;
import java.net.InetAddress;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificates of clients that a port refuses. That happens in the handshake of TLS, of which the server (Helidon
 * 4.5.0) says nothing: no request comes of it, and the client learns little more than that it is refused. So it is
 * counted here, and the log says why: three at once, and then one in a minute. Who shows none where one is required
 * never gets here. Safe for all threads.
 */
final class RefusedCertificates {
    private static final Logger LOG = LoggerFactory.getLogger(RefusedCertificates.class);
    private static final double LINES_PER_SECOND = 1.0 / 60;
    private static final int LINES_AT_ONCE = 3;
    private static final int MAX_WORDS = 300;

    private final String listener;
    private final RequestRates<String> lines;
    private final AtomicLong count = new AtomicLong();

    /**
     * Of one port.
     *
     * @param listener which, for the log
     */
    RefusedCertificates(String listener, LongSupplier nanoClock) {
        this.listener = listener;
        this.lines = new RequestRates<>(LINES_PER_SECOND, LINES_AT_ONCE, nanoClock);
    }

    /** How many there were. */
    long count() {
        return count.get();
    }

    /** These, of which each refusal of a client is noted; they decide as before. */
    TrustManager[] watched(TrustManager[] managers) {
        return Arrays.stream(managers)
                .map(manager -> manager instanceof X509ExtendedTrustManager one ? new Watched(one) : manager)
                .toArray(TrustManager[]::new);
    }

    private void refused(X509Certificate[] chain, Optional<InetAddress> client, CertificateException why) {
        count.incrementAndGet();
        if (lines.take(listener).isEmpty()) {
            LOG.warn(
                    "the {} port has refused the certificate of \"{}\" from {}: {}; it takes those of the authorities in"
                            + " client-ca",
                    listener,
                    chain.length == 0
                            ? ""
                            : Text.printable(chain[0].getSubjectX500Principal().getName(), MAX_WORDS),
                    client.map(InetAddress::getHostAddress).orElse("an unknown address"),
                    Text.printable(words(why), MAX_WORDS));
        }
    }

    // What is thrown says that the path is invalid, and what that comes from says why.
    private static String words(Throwable why) {
        Throwable first = why;
        while (first.getCause() != null) {
            first = first.getCause();
        }
        return first.getClass().getSimpleName() + ": " + first.getMessage();
    }

    private final class Watched extends X509ExtendedTrustManager {
        private final X509ExtendedTrustManager manager;

        Watched(X509ExtendedTrustManager manager) {
            this.manager = manager;
        }

        private interface Check {
            void run() throws CertificateException;
        }

        private void check(X509Certificate[] chain, Optional<InetAddress> client, Check check)
                throws CertificateException {
            try {
                check.run();
            } catch (CertificateException e) {
                refused(chain, client, e);
                throw e;
            }
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
                throws CertificateException {
            check(
                    chain,
                    Optional.ofNullable(socket.getInetAddress()),
                    () -> manager.checkClientTrusted(chain, authType, socket));
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
                throws CertificateException {
            check(chain, Optional.empty(), () -> manager.checkClientTrusted(chain, authType, engine));
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            check(chain, Optional.empty(), () -> manager.checkClientTrusted(chain, authType));
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
                throws CertificateException {
            manager.checkServerTrusted(chain, authType, socket);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
                throws CertificateException {
            manager.checkServerTrusted(chain, authType, engine);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            manager.checkServerTrusted(chain, authType);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return manager.getAcceptedIssuers();
        }
    }
}
