package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin API over TLS, with certificates that change and certificates of clients. */
class AdminTlsEndToEndTest {
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

    private MirrorFixture mirror(String access) throws Exception {
        return MirrorFixture.started(folder, """
                builtin-upstreams: false
                server:
                  listen: "127.0.0.1:0"
                  admin: "127.0.0.1:0"
                  drain: 1s
                  admin-tls: {certificate: "%1$s/tls.crt", key: "%1$s/tls.key"}
                  admin-access: {%2$s}
                """.formatted(folder, access));
    }

    private static HttpResponse<String> ask(SSLContext context, MirrorFixture mirror, String method, String path)
            throws Exception {
        try (HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(context)
                .build()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + mirror.adminPort() + path))
                            .method(method, HttpRequest.BodyPublishers.noBody())
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    private static int status(SSLContext context, MirrorFixture mirror, String method, String path) throws Exception {
        return ask(context, mirror, method, path).statusCode();
    }

    private String trustedBy(MirrorFixture mirror, PemFiles files) {
        try {
            return ask(files.trusting(), mirror, "GET", "/metrics").body();
        } catch (Exception e) {
            return "";
        }
    }

    private CommandRunner.Result stats() {
        return new CommandRunner(folder).run("cache", "stats", "--json");
    }

    @Test
    void commandsAndBrowsersReachItByTlsAndAChangedCertificateIsTakenUpByBoth() throws Exception {
        try (MirrorFixture mirror = mirror("")) {
            assertThat(trustedBy(mirror, one))
                    .contains("entrepot_certificate_expiry_timestamp_seconds{listener=\"admin\"} ")
                    .doesNotContain("entrepot_certificate_expiry_timestamp_seconds{listener=\"registry\"");
            assertThat(stats().code()).as(stats().err()).isZero();
            assertThatThrownBy(() -> mirror.admin("/healthz")).isInstanceOf(IOException.class);

            install(two);
            MirrorFixture.await(() -> trustedBy(mirror, two).contains("entrepot_files_reloads_total 1"));
            assertThat(trustedBy(mirror, one)).isEmpty();
            assertThat(stats().code()).as(stats().err()).isZero();
            assertThat(stats().out()).startsWith("{");
        }
    }

    @Test
    void commandsKnowAChangedCertificateAlsoWhereThereWasNoRoomToSaySoAtFirst() throws Exception {
        try (MirrorFixture mirror = mirror("")) {
            Path inTheWay = folder.resolve("data/server.json.tmp/file");
            Files.createDirectory(inTheWay.getParent());
            Files.createFile(inTheWay);
            install(two);
            MirrorFixture.await(() -> !trustedBy(mirror, two).isEmpty());
            assertThat(stats().code()).isEqualTo(1);

            Files.delete(inTheWay);
            MirrorFixture.await(() -> stats().code() == 0);
            mirror.stop();
            assertThat(folder.resolve("data/server.json")).doesNotExist();
        }
    }

    @Test
    void commandsSendTheirTokenToNobodyElse() throws Exception {
        try (MirrorFixture mirror = mirror("read-token: reading")) {
            Path note = folder.resolve("data/server.json");
            String other = "sha256:" + "0".repeat(64);
            Files.writeString(note, Files.readString(note).replaceFirst("sha256:[0-9a-f]{64}", other));
            CommandRunner.Result refused = stats();
            assertThat(refused.code()).isEqualTo(1);
            assertThat(refused.out()).isEmpty();
            mirror.stop();
        }
    }

    @Test
    void aClientWithACertificateMayWhatItsUserMay() throws Exception {
        String access = "client-ca: \"" + two.certificate() + "\", operate-token: operating, operators: [somebody]";
        try (MirrorFixture mirror = mirror(access)) {
            assertThat(status(two.showingTo(one), mirror, "GET", "/cache/stats"))
                    .isEqualTo(200);
            assertThat(status(two.showingTo(one), mirror, "POST", "/cache/scrub"))
                    .isEqualTo(403);
            assertThat(status(one.trusting(), mirror, "GET", "/cache/stats")).isEqualTo(401);
            assertThatThrownBy(() -> status(one.showingTo(one), mirror, "GET", "/cache/stats"))
                    .isInstanceOf(IOException.class);
        }
        try (MirrorFixture mirror = mirror("client-ca: \"" + two.certificate() + "\", operators: [\"127.0.0.1\"]")) {
            assertThat(status(two.showingTo(one), mirror, "POST", "/cache/scrub"))
                    .isEqualTo(200);
        }
    }

    @Test
    void whereACertificateIsRequiredOnlyCommandsOnTheFolderAndWhatIsOpenNeedNone() throws Exception {
        String access = "client-ca: \"" + two.certificate()
                + "\", client-certificates: required, read-token: reading, open: [healthz]";
        try (MirrorFixture mirror = mirror(access)) {
            assertThat(status(two.showingTo(one), mirror, "POST", "/cache/scrub"))
                    .isEqualTo(200);
            assertThat(status(one.trusting(), mirror, "GET", "/healthz")).isEqualTo(200);
            HttpResponse<String> refused = ask(one.trusting(), mirror, "GET", "/cache/stats");
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(refused.body()).contains("a certificate is required");
            assertThat(stats().code()).as(stats().err()).isZero();
        }
    }
}
