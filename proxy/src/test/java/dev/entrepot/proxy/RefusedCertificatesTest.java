package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.TlsConfig;
import dev.entrepot.config.TlsConfig.ClientCertificates;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefusedCertificatesTest {
    @TempDir
    private static Path folder;

    private static PemFiles server;
    private static PemFiles client;

    private final AtomicLong nanos = new AtomicLong();
    private final RefusedCertificates refused = new RefusedCertificates("registry", nanos::get);
    private final List<String> said = new CopyOnWriteArrayList<>();
    private final Logger log = Logger.getLogger(RefusedCertificates.class.getName());
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord event) {
            said.add(event.getLevel() + " " + new SimpleFormatter().formatMessage(event));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeAll
    static void make() throws Exception {
        server = PemFiles.make(folder, "server", "-keyalg", "EC");
        client = PemFiles.make(folder, "client", "-keyalg", "EC");
    }

    @BeforeEach
    void listen() {
        log.addHandler(handler);
    }

    @AfterEach
    void stop() {
        log.removeHandler(handler);
    }

    private SSLServerSocket taking(PemFiles authority) throws IOException {
        TlsConfig config = new TlsConfig(
                server.certificate(), server.key(), Optional.of(authority.certificate()), ClientCertificates.REQUIRED);
        SSLServerSocket socket = (SSLServerSocket) ServerCertificate.load(config, refused)
                .context()
                .getServerSocketFactory()
                .createServerSocket(0, 0, InetAddress.getLoopbackAddress());
        socket.setNeedClientAuth(true);
        return socket;
    }

    // What the server's side makes of it; the client learns of a refusal only when it reads.
    private static void shake(SSLServerSocket listening, SSLContext shown) throws Exception {
        try (SSLSocket asking = (SSLSocket)
                shown.getSocketFactory().createSocket(listening.getInetAddress(), listening.getLocalPort())) {
            Thread other = Thread.startVirtualThread(() -> {
                try {
                    asking.startHandshake();
                } catch (IOException e) {
                    assertThat(e).isNotNull();
                }
            });
            try (SSLSocket accepted = (SSLSocket) listening.accept()) {
                accepted.startHandshake();
            } finally {
                other.join();
            }
        }
    }

    @Test
    void certificateThatIsTakenIsNeitherCountedNorSaid() throws Exception {
        try (SSLServerSocket socket = taking(client)) {
            shake(socket, client.showingTo(server));
        }
        assertThat(refused.count()).isZero();
        assertThat(said).isEmpty();
    }

    @Test
    void eachRefusalIsCountedAndTheLogSaysThreeAtOnceAndThenOneInAMinute() throws Exception {
        try (SSLServerSocket socket = taking(client)) {
            for (int i = 0; i < 4; i++) {
                assertThatThrownBy(() -> shake(socket, server.showingTo(server)))
                        .isInstanceOf(IOException.class);
            }
            assertThat(said).hasSize(3);
            nanos.addAndGet(Duration.ofMinutes(1).toNanos());
            assertThatThrownBy(() -> shake(socket, server.showingTo(server))).isInstanceOf(IOException.class);
        }
        assertThat(refused.count()).isEqualTo(5);
        assertThat(said)
                .hasSize(4)
                .allSatisfy(line -> assertThat(line)
                        .matches("WARNING the registry port has refused the certificate of \"CN=127.0.0.1\" from"
                                + " 127.0.0.1: [A-Za-z]+Exception: [^;]+; it takes those of the authorities in"
                                + " client-ca"));
    }
}
