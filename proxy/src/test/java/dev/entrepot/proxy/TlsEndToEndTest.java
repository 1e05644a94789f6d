package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.http.RawConnection;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Certificates of the server that change while it runs, and certificates of clients. */
class TlsEndToEndTest {
    @TempDir
    private static Path made;

    private static PemFiles one;
    private static PemFiles two;

    @TempDir
    private Path folder;

    @BeforeAll
    static void make() throws Exception {
        one = PemFiles.make(made, "one", "-keyalg", "EC");
        two = PemFiles.make(made, "two", "-keyalg", "EC");
    }

    @BeforeEach
    void install() throws Exception {
        install(one);
    }

    private void install(PemFiles files) throws Exception {
        Files.copy(files.certificate(), folder.resolve("tls.crt"), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(files.key(), folder.resolve("tls.key"), StandardCopyOption.REPLACE_EXISTING);
    }

    private MirrorFixture mirror(String tls, String rest) throws Exception {
        return MirrorFixture.started(folder, """
                default-upstream: none
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s, tls: {certificate: "%1$s/tls.crt", key: "%1$s/tls.key"%2$s}}
                %3$s
                """.formatted(folder, tls, rest));
    }

    private static SSLSocket connected(SSLContext context, MirrorFixture mirror) throws Exception {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", mirror.port());
        socket.setSoTimeout(20_000);
        socket.startHandshake();
        return socket;
    }

    private static String ping(SSLSocket socket) throws Exception {
        socket.getOutputStream().write("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        StringBuilder answer = new StringBuilder();
        while (answer.indexOf("{}") < 0) {
            int c = in.read();
            assertThat(c).isNotNegative();
            answer.append((char) c);
        }
        return answer.substring(0, answer.indexOf("\r\n"));
    }

    private static X509Certificate shown(MirrorFixture mirror, PemFiles trusted) throws Exception {
        try (SSLSocket socket = connected(trusted.trusting(), mirror)) {
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    @Test
    void aChangedCertificateIsShownToNewHandshakesAndConnectionsGoOn() throws Exception {
        try (MirrorFixture mirror = mirror("", "");
                SSLSocket before = connected(one.trusting(), mirror)) {
            assertThat(ping(before)).isEqualTo("HTTP/1.1 200 OK");
            install(two);
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reloads_total") == 1);

            X509Certificate now = shown(mirror, two);
            assertThat(mirror.metric("entrepot_certificate_expiry_timestamp_seconds{listener=\"registry\"}"))
                    .isEqualTo(now.getNotAfter().toInstant().getEpochSecond());
            assertThatThrownBy(() -> shown(mirror, one)).isInstanceOf(IOException.class);
            assertThat(ping(before)).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void aBadCertificateLeavesTheFormerAndIsSaid() throws Exception {
        try (MirrorFixture mirror = mirror("", "")) {
            Files.copy(two.key(), folder.resolve("tls.key"), StandardCopyOption.REPLACE_EXISTING);
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reload_failures_total") == 1);
            assertThat(shown(mirror, one)).isNotNull();
            assertThat(mirror.metric("entrepot_files_outdated")).isEqualTo(1);
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
            assertThat(mirror.admin("/readyz").body()).contains("note: the certificate cannot be read again");

            install(two);
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reloads_total") == 1);
            assertThat(mirror.metric("entrepot_files_outdated")).isZero();
            assertThat(shown(mirror, two)).isNotNull();
        }
    }

    @Test
    void connectionsThatHaveEndedAreClosed() throws Exception {
        try (MirrorFixture mirror = mirror("", "")) {
            try (SSLSocket left = connected(one.trusting(), mirror)) {
                assertThat(ping(left)).isEqualTo("HTTP/1.1 200 OK");
                assertThat(mirror.metric("entrepot_connections")).isEqualTo(1);
            }
            MirrorFixture.await(() -> mirror.metric("entrepot_connections") == 0);
            try (Socket socket = new Socket("127.0.0.1", mirror.port())) {
                RawConnection client = new RawConnection(
                        one.trusting().getSocketFactory().createSocket(socket, "127.0.0.1", mirror.port(), true));
                assertThat(client.get("/v2/", "Connection: close").status()).isEqualTo(200);
                MirrorFixture.await(() -> mirror.metric("entrepot_connections") == 0);
                socket.setSoTimeout(20_000);
                assertThat(socket.getInputStream().readAllBytes())
                        .as("what closes TLS, and then the end of the connection")
                        .hasSizeBetween(1, 100);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "PUT /v2/a/manifests/x HTTP/1.1, this is a pull-through mirror",
        "nothing that is a request, the request could not be read",
    })
    void whoSendsABodyIsAnsweredAndThenCutOffHoweverMuchItSends(String line, String answer) throws Exception {
        String piece = "x".repeat(16 * 1024);
        try (MirrorFixture mirror = mirror("", "");
                Socket socket = new Socket("127.0.0.1", mirror.port())) {
            RawConnection client = new RawConnection(
                    one.trusting().getSocketFactory().createSocket(socket, "127.0.0.1", mirror.port(), true));
            client.send(line + "\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        client.send(piece);
                    }
                } catch (IOException e) {
                    // It is cut off.
                }
            });
            assertThat(client.read(false).text()).contains(answer);
            assertThat(sender.join(Duration.ofSeconds(20))).isTrue();
        }
    }

    private static HttpResponse<String> get(SSLContext context, MirrorFixture mirror, String path) throws Exception {
        try (HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(context)
                .build()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("https://" + mirror.host() + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    @Test
    void theCommonNameOfACertificateIsTheUser() throws Exception {
        try (TestRegistry upstream = TestRegistry.started()) {
            Bundle image = new Images(5).image(100, 10);
            upstream.push("team/app", image, "v1");
            String rest = """
                    upstreams: {registry.test: {url: "%s"}}
                    access: [{users: ["127.0.0.1"], repositories: ["registry.test/team/*"]}]
                    """.formatted(upstream.uri());
            try (MirrorFixture mirror = mirror(", client-ca: \"" + two.certificate() + "\"", rest)) {
                String app = "/v2/registry.test/team/app/manifests/v1";
                assertThat(get(two.showingTo(one), mirror, app).statusCode()).isEqualTo(200);
                HttpResponse<String> nobody = get(one.trusting(), mirror, app);
                assertThat(nobody.statusCode()).isEqualTo(403);
                assertThat(nobody.body()).contains("clients without a name may not pull registry.test/team/app");
                assertThat(get(two.showingTo(one), mirror, "/v2/registry.test/other/x/manifests/v1")
                                .statusCode())
                        .isEqualTo(403);
            }
        }
    }

    @Test
    void aCertificateOfAnotherAuthorityOrNoneIsRefusedWhereOneIsRequired() throws Exception {
        String required = ", client-ca: \"" + two.certificate() + "\", client-certificates: required";
        try (MirrorFixture mirror = mirror(required, "")) {
            assertThat(get(two.showingTo(one), mirror, "/v2/").statusCode()).isEqualTo(200);
            assertThatThrownBy(() -> get(one.trusting(), mirror, "/v2/")).isInstanceOf(IOException.class);
            assertThat(mirror.metric("entrepot_tls_refused_total{listener=\"registry\"}"))
                    .as("none was shown")
                    .isZero();
            assertThatThrownBy(() -> get(one.showingTo(one), mirror, "/v2/")).isInstanceOf(IOException.class);
            assertThat(mirror.metric("entrepot_tls_refused_total{listener=\"registry\"}"))
                    .isPositive();
            assertThat(mirror.metric("entrepot_tls_refused_total{listener=\"admin\"}"))
                    .isZero();
        }
    }

    @Test
    void changedAuthoritiesOfClientsAreReadAgain() throws Exception {
        Path authority = folder.resolve("clients.pem");
        Files.copy(one.certificate(), authority);
        String required = ", client-ca: \"" + authority + "\", client-certificates: required";
        try (MirrorFixture mirror = mirror(required, "")) {
            assertThat(get(one.showingTo(one), mirror, "/v2/").statusCode()).isEqualTo(200);
            assertThatThrownBy(() -> get(two.showingTo(one), mirror, "/v2/")).isInstanceOf(IOException.class);

            Files.copy(two.certificate(), authority, StandardCopyOption.REPLACE_EXISTING);
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reloads_total") == 1);

            assertThat(get(two.showingTo(one), mirror, "/v2/").statusCode()).isEqualTo(200);
            assertThatThrownBy(() -> get(one.showingTo(one), mirror, "/v2/")).isInstanceOf(IOException.class);
        }
    }
}
