package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateKey;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys as openssl writes them. */
class PrivateKeyFileTest {
    @TempDir
    private Path folder;

    private void run(String command) throws Exception {
        Process process = new ProcessBuilder(List.of(command.split(" ")))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(process.waitFor()).as(command).isZero();
    }

    private Path key(String command) throws Exception {
        run(command + " -out key.pem");
        return folder.resolve("key.pem");
    }

    @ParameterizedTest
    @ValueSource(strings = {"prime256v1", "secp384r1", "secp521r1"})
    void keyOfACurveIsTheSameInSec1AsInPkcs8(String curve) throws Exception {
        Path sec1 = key("openssl ecparam -name " + curve + " -genkey");
        assertThat(sec1).content().contains("BEGIN EC PARAMETERS", "BEGIN EC PRIVATE KEY");
        run("openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem");
        ECPrivateKey read = (ECPrivateKey) PrivateKeyFile.read(sec1);
        ECPrivateKey pkcs8 = (ECPrivateKey) PrivateKeyFile.read(folder.resolve("pkcs8.pem"));
        assertThat(read.getS()).isEqualTo(pkcs8.getS());
        assertThat(read.getParams().getOrder()).isEqualTo(pkcs8.getParams().getOrder());
    }

    @Test
    void keyOfRsaIsTheSameInPkcs1AsInPkcs8() throws Exception {
        run("openssl genpkey -algorithm RSA -out pkcs8.pem");
        Path pkcs1 = key("openssl rsa -traditional -in pkcs8.pem");
        assertThat(pkcs1).content().contains("BEGIN RSA PRIVATE KEY");
        assertThat(PrivateKeyFile.read(pkcs1))
                .isEqualTo(PrivateKeyFile.read(folder.resolve("pkcs8.pem")))
                .isInstanceOf(RSAPrivateKey.class);
    }

    @Test
    void keyBesideItsCertificateIsRead() throws Exception {
        Path key = key("openssl ecparam -name prime256v1 -genkey -noout");
        run("openssl req -new -x509 -key key.pem -subj /CN=test -days 1 -out key.crt");
        Path both = Files.writeString(
                folder.resolve("both.pem"), Files.readString(folder.resolve("key.crt")) + Files.readString(key));
        assertThat(PrivateKeyFile.read(both).getEncoded())
                .isEqualTo(PrivateKeyFile.read(key).getEncoded());
    }

    @Test
    void ed25519IsRead() throws Exception {
        assertThat(PrivateKeyFile.read(key("openssl genpkey -algorithm ed25519"))
                        .getAlgorithm())
                .isEqualTo("EdDSA");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "openssl genpkey -algorithm x25519",
                "openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret",
                "openssl genrsa -aes256 -passout pass:secret",
            })
    void otherKeysAreRefusedWithWhatToDo(String command) throws Exception {
        Path key = key(command);
        assertThatThrownBy(() -> PrivateKeyFile.read(key))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(key.toString())
                .hasMessageContaining(
                        command.contains("pass")
                                ? "is encrypted; write it without a password"
                                : "openssl pkcs8 -topk8 -nocrypt -in " + key + " -out NEW");
    }

    @ParameterizedTest
    @CsvSource({
        "'', no private key in PEM",
        "'-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----', neither RSA nor EC nor EdDSA",
        "'-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----', does not name its curve",
        "'-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV\n-----END RSA PRIVATE KEY-----', private key",
        "'-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nc2VjcmV0\n-----END RSA PRIVATE KEY-----', is encrypted",
        "'-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----', (OPENSSH)",
    })
    void whatIsNoKeyIsRefusedAndNotQuoted(String text, String said) throws IOException {
        Path key = Files.writeString(folder.resolve("x.pem"), text);
        assertThatThrownBy(() -> PrivateKeyFile.read(key))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(key + " has ")
                .hasMessageContaining(said)
                .hasMessageNotContaining("c2Vjc")
                .hasNoCause();
    }
}
