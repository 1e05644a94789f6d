package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Handshakes with a server that has a certificate of its own for localhost, and takes that same certificate from
 * clients.
 */
class TlsSettingsTest {
    private static final String OK = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    private static final char[] PASSWORD = "password".toCharArray();

    @TempDir
    static Path folder;

    private static Path certificate;
    private static Path key;
    private static SSLContext context;

    private final TestWorld world = new TestWorld();
    private SSLServerSocket server;
    private volatile String answer = OK;
    private final List<Certificate> shown = new CopyOnWriteArrayList<>();

    private static KeyStore own;
    private static KeyStore other;
    private static Path otherCertificate;
    private static Path otherKey;

    @BeforeAll
    static void makeCertificates() throws Exception {
        KeyStore keys = keys("server");
        own = keys;
        certificate = pem("CERTIFICATE", keys.getCertificate("k").getEncoded());
        key = pem("PRIVATE KEY", keys.getKey("k", PASSWORD).getEncoded());
        other = keys("other");
        otherCertificate = pem("other CERTIFICATE", other.getCertificate("k").getEncoded());
        otherKey = pem("other PRIVATE KEY", other.getKey("k", PASSWORD).getEncoded());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("c", keys.getCertificate("k"));
        trusted.setCertificateEntry("o", other.getCertificate("k"));
        KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("PKIX");
        keyManagers.init(keys, PASSWORD);
        TrustManagerFactory trustManagers = TrustManagerFactory.getInstance("PKIX");
        trustManagers.init(trusted);
        context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    }

    private static KeyStore keys(String name) throws Exception {
        Path store = folder.resolve(name + ".p12");
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        Process process = new ProcessBuilder(List.of(
                        keytool,
                        "-genkeypair",
                        "-alias",
                        "k",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=test",
                        "-ext",
                        "SAN=dns:localhost",
                        "-validity",
                        "2",
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "password"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(process.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        return keys;
    }

    private static Path pem(String name, byte[] der) throws IOException {
        String label = name.replace("other ", "");
        String text = "-----BEGIN " + label + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + label + "-----\n";
        return Files.writeString(folder.resolve(name.replace(' ', '-') + ".pem"), text);
    }

    private void listen(boolean needsClientCertificate) throws IOException {
        server = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress());
        server.setNeedClientAuth(needsClientCertificate);
        Thread.ofVirtual().start(this::serve);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (!server.isClosed()) {
            try (Socket socket = server.accept()) {
                socket.getInputStream().read(new byte[4096]);
                if (server.getNeedClientAuth()) {
                    shown.add(((SSLSocket) socket).getSession().getPeerCertificates()[0]);
                }
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                continue;
            }
        }
    }

    private void ping(String host, TlsSettings tls) throws IOException {
        RegistryEndpoint endpoint = TestWorld.endpoint("https://" + host + ":" + server.getLocalPort())
                .withTls(tls);
        try (RegistryClient client = new RegistryClient(endpoint, world.environment())) {
            client.ping();
        }
    }

    private void assertRefused(String host, TlsSettings tls) {
        assertThatThrownBy(() -> ping(host, tls))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TLS));
    }

    @Test
    void trustsOwnAuthoritiesOnlyWhereTold() throws IOException {
        listen(false);
        assertRefused("localhost", TlsSettings.DEFAULT);

        ping("localhost", TlsSettings.DEFAULT.withAuthorities(certificate));
    }

    @Test
    void alwaysChecksTheHostName() throws IOException {
        listen(false);
        assertRefused("127.0.0.1", TlsSettings.DEFAULT.withAuthorities(certificate));
    }

    @Test
    void showsAClientCertificate() throws IOException {
        listen(true);
        TlsSettings trusting = TlsSettings.DEFAULT.withAuthorities(certificate);
        assertThatThrownBy(() -> ping("localhost", trusting)).isInstanceOf(OutageException.class);

        ping("localhost", trusting.withClientCertificate(certificate, key));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void showsTheClientCertificateWhereTheRegistryLeadsOnlyToNamedTokenServices(boolean named) throws IOException {
        listen(true);
        try (SSLServerSocket elsewhere = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            elsewhere.setWantClientAuth(true);
            List<Boolean> certificates = new CopyOnWriteArrayList<>();
            Thread.ofVirtual().start(() -> {
                while (!elsewhere.isClosed()) {
                    try (SSLSocket socket = (SSLSocket) elsewhere.accept()) {
                        socket.getInputStream().read(new byte[4096]);
                        certificates.add(hasPeer(socket));
                        socket.getOutputStream().write(OK.getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException e) {
                        continue;
                    }
                }
            });
            String other = "localhost:" + elsewhere.getLocalPort();
            answer = "HTTP/1.1 307 X\r\nLocation: https://" + other
                    + "/there\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            RegistryEndpoint endpoint = TestWorld.endpoint("https://localhost:" + server.getLocalPort())
                    .withTls(TlsSettings.DEFAULT.withAuthorities(certificate).withClientCertificate(certificate, key))
                    .withTrustedRealmHosts(named ? Set.of(RegistryHost.parse(other)) : Set.of());
            try (RegistryClient client = new RegistryClient(endpoint, world.environment())) {
                client.ping();
            }
            assertThat(certificates).containsExactly(named);
        }
    }

    /** The tickets for later sessions that TLS 1.3 sends are no such bytes. */
    @Test
    void connectionIsKeptUnlessBytesCameThatNobodyAskedFor() throws Exception {
        AtomicInteger connections = new AtomicInteger();
        BlockingQueue<SSLSocket> idle = new LinkedBlockingQueue<>();
        try (SSLServerSocket keeping = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            server = keeping;
            Thread.ofVirtual().start(() -> {
                while (!keeping.isClosed()) {
                    try (SSLSocket socket = (SSLSocket) keeping.accept()) {
                        connections.incrementAndGet();
                        // What is written is at the client when the write returns.
                        socket.setTcpNoDelay(true);
                        byte[] ok = OK.replace("Connection: close\r\n", "").getBytes(StandardCharsets.US_ASCII);
                        while (socket.getInputStream().read(new byte[4096]) > 0) {
                            socket.getOutputStream().write(ok);
                            idle.add(socket);
                        }
                    } catch (IOException e) {
                        continue;
                    }
                }
            });
            RegistryEndpoint endpoint = TestWorld.endpoint("https://localhost:" + keeping.getLocalPort())
                    .withTls(TlsSettings.DEFAULT.withAuthorities(certificate));
            try (RegistryClient client = new RegistryClient(endpoint, world.environment())) {
                for (int i = 0; i < 5; i++) {
                    client.ping();
                    SSLSocket socket = idle.take();
                    if (i == 2) {
                        assertThat(connections).hasValue(1);
                        String unasked = "HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n";
                        socket.getOutputStream().write(unasked.getBytes(StandardCharsets.US_ASCII));
                    }
                }
            }
        }
        assertThat(connections).hasValue(2);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.write(to, Files.readAllBytes(from));
    }

    private void pingLater(RegistryClient client) throws IOException {
        world.advance(Duration.ofSeconds(10));
        client.ping();
    }

    @Test
    void showsTheClientCertificateThatTookThePlaceOfAnother(@TempDir Path secret) throws Exception {
        Path shownCertificate = secret.resolve("tls.crt");
        Path shownKey = secret.resolve("tls.key");
        copy(certificate, shownCertificate);
        copy(key, shownKey);
        listen(true);
        Certificate former = own.getCertificate("k");
        Certificate renewed = other.getCertificate("k");
        RegistryEndpoint endpoint = TestWorld.endpoint("https://localhost:" + server.getLocalPort())
                .withTls(TlsSettings.DEFAULT
                        .withAuthorities(certificate)
                        .withClientCertificate(shownCertificate, shownKey));
        try (RegistryClient client = new RegistryClient(endpoint, world.environment())) {
            client.ping();
            copy(otherCertificate, shownCertificate);
            client.ping();
            pingLater(client);
            assertThat(shown).as("without its key").containsExactly(former, former, former);

            copy(otherKey, shownKey);
            pingLater(client);
            assertThat(shown).hasSize(4).last().isEqualTo(renewed);

            Files.writeString(shownCertificate, "nothing");
            pingLater(client);
            Files.delete(shownKey);
            pingLater(client);
            assertThat(shown).hasSize(6).last().isEqualTo(renewed);

            copy(certificate, shownCertificate);
            copy(key, shownKey);
            pingLater(client);
            assertThat(shown).hasSize(7).last().isEqualTo(former);
        }
    }

    @Test
    void trustsAuthoritiesThatTookThePlaceOfOthers(@TempDir Path secret) throws Exception {
        Path authorities = secret.resolve("ca.crt");
        copy(otherCertificate, authorities);
        listen(false);
        RegistryEndpoint endpoint = TestWorld.endpoint("https://localhost:" + server.getLocalPort())
                .withTls(TlsSettings.DEFAULT.withAuthorities(authorities));
        try (RegistryClient client = new RegistryClient(endpoint, world.environment())) {
            assertThatThrownBy(client::ping).isInstanceOf(OutageException.class);
            copy(certificate, authorities);
            pingLater(client);
            copy(otherCertificate, authorities);
            world.advance(Duration.ofSeconds(10));
            assertThatThrownBy(client::ping).isInstanceOf(OutageException.class);
        }
    }

    @Test
    void refusesTheKeyOfAnotherCertificate() throws IOException {
        listen(false);
        assertThatThrownBy(() -> ping("localhost", TlsSettings.DEFAULT.withClientCertificate(certificate, otherKey)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(otherKey + " is not the key of the certificate in " + certificate);
    }

    private static boolean hasPeer(SSLSocket socket) {
        try {
            return socket.getSession().getPeerCertificates().length > 0;
        } catch (SSLPeerUnverifiedException e) {
            return false;
        }
    }

    @Test
    void saysWhichFileIsWrong() throws IOException {
        listen(false);
        assertThatThrownBy(() -> ping("localhost", TlsSettings.DEFAULT.withAuthorities(key)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(key.toString());
        assertThatThrownBy(() -> ping("localhost", TlsSettings.DEFAULT.withClientCertificate(certificate, certificate)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(certificate.toString())
                .hasMessageContaining("openssl pkcs8 -topk8 -nocrypt -in " + certificate);
    }
}
