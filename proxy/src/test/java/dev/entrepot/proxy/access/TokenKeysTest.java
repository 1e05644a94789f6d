package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenKeysTest {
    @TempDir
    private Path folder;

    private Path file(byte[] key) throws IOException {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key);
        return Files.writeString(
                folder.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n");
    }

    /** A key as openssl writes it: PKCS#8 around a key of RFC 5915, with the public one at its end. */
    private static byte[] asOpensslWritesIt(KeyPair pair) throws IOException {
        byte[] spki = pair.getPublic().getEncoded();
        byte[] point = Arrays.copyOfRange(spki, spki.length - 65, spki.length);
        byte[] scalar = ((ECPrivateKey) pair.getPrivate()).getS().toByteArray();
        byte[] secret = new byte[32];
        int count = Math.min(32, scalar.length);
        System.arraycopy(scalar, scalar.length - count, secret, 32 - count, count);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(HexFormat.of().parseHex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"));
        out.write(secret);
        out.write(HexFormat.of().parseHex("a144034200"));
        out.write(point);
        return out.toByteArray();
    }

    @Test
    void readsAKeyOnP256WithThePublicOneThatIsInTheFile() throws Exception {
        KeyPair made = TokenKeys.made();
        KeyPair read = TokenKeys.read(file(asOpensslWritesIt(made)));
        assertThat(((ECPublicKey) read.getPublic()).getW()).isEqualTo(((ECPublicKey) made.getPublic()).getW());
    }

    @Test
    void refusesAPublicKeyThatIsNotThatOfThePrivateOne() throws Exception {
        byte[] mixed = asOpensslWritesIt(TokenKeys.made());
        byte[] other = asOpensslWritesIt(TokenKeys.made());
        System.arraycopy(other, other.length - 64, mixed, mixed.length - 64, 64);
        Path file = file(mixed);
        assertThatThrownBy(() -> TokenKeys.read(file)).isInstanceOf(IOException.class);
    }

    @Test
    void readsAnRsaKeyAndRefusesAShortOne() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair rsa = generator.generateKeyPair();
        assertThat(TokenKeys.read(file(rsa.getPrivate().getEncoded())).getPublic())
                .isEqualTo(rsa.getPublic());
        generator.initialize(1024);
        PrivateKey brief = generator.generateKeyPair().getPrivate();
        Path file = file(brief.getEncoded());
        assertThatThrownBy(() -> TokenKeys.read(file)).hasMessageContaining("RSA of 2048 bits or more");
    }

    @Test
    void refusesWhatIsNoKeyAndNamesTheFileAlone() throws Exception {
        Path file = Files.writeString(folder.resolve("x.pem"), "-----BEGIN EC PRIVATE KEY-----\nsecret\n");
        assertThatThrownBy(() -> TokenKeys.read(file))
                .hasMessageContaining("x.pem")
                .hasMessageNotContaining("secret");
    }
}
