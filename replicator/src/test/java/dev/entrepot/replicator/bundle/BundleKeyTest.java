package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleKeyTest {
    private static final byte[] DOCUMENT = "an inventory".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    @BeforeEach
    void opensslIsThere() {
        assumeTrue(runs("openssl version"), "there is no openssl");
    }

    private boolean runs(String command) {
        try {
            Process process = new ProcessBuilder(List.of(command.split(" ")))
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("output").toFile())
                    .start();
            process.getOutputStream().close();
            return process.waitFor() == 0;
        } catch (IOException | InterruptedException e) {
            return false;
        }
    }

    private Path made(String command, String file) {
        assertThat(runs(command)).as(command).isTrue();
        return folder.resolve(file);
    }

    private void make(String kind) {
        String options = kind.equals("ed25519") ? "ed25519" : "EC -pkeyopt ec_paramgen_curve:" + kind;
        made("openssl genpkey -algorithm " + options + " -out key.pem", "key.pem");
        made("openssl pkey -in key.pem -pubout -out key.pub", "key.pub");
    }

    @ParameterizedTest
    @ValueSource(strings = {"P-256", "P-384", "P-521", "ed25519"})
    void theSameKeyAndDocumentGiveTheSameSignatureThatOpensslAccepts(String kind) throws Exception {
        make(kind);
        BundleKey key = BundleKey.read(folder.resolve("key.pem"));
        byte[] signature = key.sign(DOCUMENT);
        Files.write(folder.resolve("document"), DOCUMENT);
        Files.write(folder.resolve("document.sig"), signature);

        assertThat(key.sign(DOCUMENT)).isEqualTo(signature);
        assertThat(key.sign("another".getBytes(StandardCharsets.UTF_8))).isNotEqualTo(signature);
        String hash = kind.equals("P-384") ? "sha384" : kind.equals("P-521") ? "sha512" : "sha256";
        assertThat(runs(
                        kind.equals("ed25519")
                                ? "openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in document -sigfile document.sig"
                                : "openssl dgst -" + hash + " -verify key.pub -signature document.sig document"))
                .isTrue();
        BundleTrust trust = BundleTrust.read(folder.resolve("key.pub"));
        assertThat(trust.verifies(DOCUMENT, signature)).isTrue();
        assertThat(trust.verifies("altered".getBytes(StandardCharsets.UTF_8), signature))
                .isFalse();
        assertThat(trust.verifies(DOCUMENT, new byte[0])).isFalse();
        assertThat(trust.verifies(DOCUMENT, "no signature".getBytes(StandardCharsets.UTF_8)))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"P-256", "P-384", "P-521"})
    void aKeyInSec1FormSignsAsTheSameKeyInPkcs8(String curve) throws Exception {
        make(curve);
        Path sec1 = made("openssl ec -in key.pem -out sec1.pem", "sec1.pem");

        assertThat(Files.readString(sec1)).contains("EC PRIVATE KEY");
        assertThat(BundleKey.read(sec1).sign(DOCUMENT))
                .isEqualTo(BundleKey.read(folder.resolve("key.pem")).sign(DOCUMENT));
    }

    @Test
    void aKeyWithItsParametersBeforeItIsRead() throws Exception {
        Path key = made("openssl ecparam -name prime256v1 -genkey -out both.pem", "both.pem");

        assertThat(Files.readString(key)).contains("EC PARAMETERS");
        assertThat(BundleKey.read(key).sign(DOCUMENT)).isNotEmpty();
    }

    @Test
    void ofACertificateTheKeyCounts() throws Exception {
        make("P-256");
        Path certificate = made("openssl req -new -x509 -key key.pem -subj /CN=test -days 1 -out key.crt", "key.crt");

        byte[] signature = BundleKey.read(folder.resolve("key.pem")).sign(DOCUMENT);
        assertThat(BundleTrust.read(certificate).verifies(DOCUMENT, signature)).isTrue();
    }

    @Test
    void anyOfSeveralTrustedKeysIsEnough() throws Exception {
        make("P-256");
        byte[] signature = BundleKey.read(folder.resolve("key.pem")).sign(DOCUMENT);
        String first = Files.readString(folder.resolve("key.pub"));
        make("ed25519");
        Path both = Files.writeString(folder.resolve("both.pub"), Files.readString(folder.resolve("key.pub")) + first);

        assertThat(BundleTrust.read(both).verifies(DOCUMENT, signature)).isTrue();
        assertThat(BundleTrust.read(folder.resolve("key.pub")).verifies(DOCUMENT, signature))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret -out bad.pem # is encrypted",
                "openssl ecparam -name secp256k1 -genkey -noout -out bad.pem # P-256, P-384, P-521",
                "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out bad.pem # openssl genpkey",
                "openssl genpkey -algorithm x25519 -out bad.pem # openssl genpkey",
                "openssl pkey -in key.pem -pubout -out bad.pem # no private key but: PUBLIC KEY",
                "cp document bad.pem # is not a PEM file",
            })
    void aKeyThatCannotBeUsedIsNamedWithWhatToDo(String test) throws Exception {
        make("ed25519");
        Files.write(folder.resolve("document"), DOCUMENT);
        String[] parts = test.split(" # ");
        Path bad = made(parts[0], "bad.pem");

        assertThatThrownBy(() -> BundleKey.read(bad))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining(bad.toString())
                .hasMessageContaining(parts[1])
                .message()
                .satisfies(
                        message -> assertThat(message.toLowerCase(Locale.ROOT)).doesNotContain("null"));
    }

    @Test
    void anEncryptedSec1KeyIsNamedWithWhatToDo() throws Exception {
        make("P-256");
        Path bad = made("openssl ec -in key.pem -aes128 -passout pass:secret -out bad.pem", "bad.pem");

        assertThatThrownBy(() -> BundleKey.read(bad))
                .hasMessageContaining(bad.toString())
                .hasMessageContaining("openssl pkey");
    }

    private static byte[] der(Path pem) throws IOException {
        String base64 = Files.readString(pem)
                .lines()
                .filter(line -> !line.startsWith("-----"))
                .collect(Collectors.joining());
        return Base64.getDecoder().decode(base64);
    }

    // RFC 5958: version 2 of PKCS#8 has the public key behind the private one; openssl does not write it, others do.
    @ParameterizedTest
    @ValueSource(strings = {"8121", "a1230321"})
    void anEd25519KeyWithItsPublicKeyBesideItSignsAsTheSameKeyAlone(String tag) throws Exception {
        make("ed25519");
        byte[] first = der(folder.resolve("key.pem"));
        byte[] point = der(folder.resolve("key.pub"));
        byte[] head = HexFormat.of().parseHex(tag + "00");
        ByteArrayOutputStream second = new ByteArrayOutputStream();
        second.write(0x30);
        second.write(first.length - 2 + head.length + 32);
        second.writeBytes(new byte[] {2, 1, 1});
        second.write(first, 5, first.length - 5);
        second.writeBytes(head);
        second.write(point, point.length - 32, 32);
        Path pem = Files.writeString(
                folder.resolve("second.pem"),
                "-----BEGIN PRIVATE KEY-----\n" + Base64.getEncoder().encodeToString(second.toByteArray())
                        + "\n-----END PRIVATE KEY-----\n");

        byte[] signature = BundleKey.read(pem).sign(DOCUMENT);

        assertThat(signature)
                .isEqualTo(BundleKey.read(folder.resolve("key.pem")).sign(DOCUMENT));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-conv_form compressed", "-param_enc explicit"})
    void anEllipticKeyInAnotherFormIsNamedWithTheCommandThatRewritesIt(String form) throws Exception {
        make("P-256");
        byte[] signature = BundleKey.read(folder.resolve("key.pem")).sign(DOCUMENT);
        Path other = made("openssl ec -in key.pem -pubout " + form + " -out other.pub", "other.pub");

        BundleException refused = catchThrowableOfType(BundleException.class, () -> BundleTrust.read(other));

        assertThat(refused).hasMessageContaining(other.toString());
        String message = String.valueOf(refused.getMessage());
        assertThat(message).contains("openssl ec -pubin -in " + other);
        Path rewritten = made(message.substring(message.indexOf("openssl ec ")), "key.pub");
        assertThat(BundleTrust.read(rewritten).verifies(DOCUMENT, signature)).isTrue();
    }

    @Test
    void theKeysOfTheCorpusAreToldApart() throws Exception {
        Path keys = Path.of("../deploy/interop/corpus/keys");

        assertThat(BundleTrust.read(keys.resolve("cosign.pub")).verifies(DOCUMENT, new byte[70]))
                .isFalse();
        assertThatThrownBy(() -> BundleTrust.read(keys.resolve("notation-acme.crt")))
                .hasMessageContaining("RSA");
    }
}
