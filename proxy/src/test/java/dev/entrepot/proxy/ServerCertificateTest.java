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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerCertificateTest {
    @TempDir
    static Path folder;

    private static PemFiles rsa;
    private static PemFiles ec;
    private static PemFiles edwards;

    @BeforeAll
    static void makeCertificates() throws Exception {
        rsa = PemFiles.make(folder, "rsa", "-keyalg", "RSA", "-keysize", "1024");
        ec = PemFiles.make(folder, "ec", "-keyalg", "EC");
        edwards = PemFiles.make(folder, "edwards", "-keyalg", "Ed25519");
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC", "Ed25519"})
    void registryIsServedOverTls(String algorithm) throws Exception {
        PemFiles pem = Map.of("RSA", rsa, "EC", ec, "Ed25519", edwards).get(algorithm);
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

    /** As openssl writes them without being told otherwise, and many tools after it. */
    @ParameterizedTest
    @CsvSource({"ec, openssl ec, BEGIN EC PRIVATE KEY", "rsa, openssl rsa -traditional, BEGIN RSA PRIVATE KEY"})
    void keyInItsOlderFormIsRead(String name, String command, String label) throws Exception {
        PemFiles pem = name.equals("ec") ? ec : rsa;
        Path old = folder.resolve(name + "-old.key");
        List<String> words = new ArrayList<>(List.of(command.split(" ")));
        words.addAll(List.of("-in", pem.key().toString(), "-out", old.toString()));
        Process openssl = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(openssl.waitFor()).isZero();
        assertThat(old).content().contains(label);
        assertThat(ServerCertificate.load(TlsConfig.of(pem.certificate(), old)).fingerprint())
                .isEqualTo(ServerCertificate.load(TlsConfig.of(pem.certificate(), pem.key()))
                        .fingerprint());
    }

    @Test
    void fileWithoutAKeyIsNamedWithWhatToDo() {
        assertThatThrownBy(() -> ServerCertificate.load(TlsConfig.of(ec.certificate(), ec.certificate())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(ec.certificate() + " has no private key in PEM")
                .hasMessageContaining("openssl pkcs8 -topk8 -nocrypt -in " + ec.certificate());
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
