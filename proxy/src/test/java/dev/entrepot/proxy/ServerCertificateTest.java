package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerCertificateTest {
    @TempDir
    static Path folder;

    private static PemFiles rsa;
    private static PemFiles ec;

    @BeforeAll
    static void makeCertificates() throws Exception {
        rsa = PemFiles.make(folder, "rsa", "-keyalg", "RSA", "-keysize", "1024");
        ec = PemFiles.make(folder, "ec", "-keyalg", "EC");
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC"})
    void registryIsServedOverTls(String algorithm) throws Exception {
        PemFiles pem = algorithm.equals("RSA") ? rsa : ec;
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, """
                server:
                  listen: 127.0.0.1:0
                  admin: 127.0.0.1:0
                  tls: {certificate: "%s", key: "%s"}
                """.formatted(pem.certificate(), pem.key()));
        try (Mirror mirror = Mirror.start(
                        ConfigLoader.load(Optional.of(file), folder, Map.of()).config(),
                        ClientEnvironment.system("test"),
                        new ByteArrayOutputStream());
                HttpClient client =
                        HttpClient.newBuilder().sslContext(pem.trusting()).build()) {
            HttpRequest ping = HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + mirror.port() + "/v2/"))
                    .build();
            HttpResponse<String> answer = client.send(ping, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
        }
    }

    @Test
    void keyOfAnotherCertificateIsRefused() {
        assertThatThrownBy(() -> ServerCertificate.load(TlsConfig.of(ec.certificate(), rsa.key())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("rsa.key is not that of");
    }

    @Test
    void missingFileIsNamed() {
        TlsConfig config = TlsConfig.of(folder.resolve("no.crt"), folder.resolve("no.key"));
        assertThatThrownBy(() -> ServerCertificate.load(config))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no.crt");
    }
}
