package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigestTest {
    private static final String EMPTY_SHA256 =
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    @Test
    void knownDigests() {
        assertThat(Digest.sha256(new byte[0])).hasToString(EMPTY_SHA256);
        assertThat(Digest.sha256("{}".getBytes(StandardCharsets.US_ASCII)))
                .hasToString("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assertThat(Digest.of(DigestAlgorithm.SHA512, new byte[0]).encoded())
                .startsWith("cf83e1357eefb8bd")
                .hasSize(128);
    }

    @Property(tries = 100)
    void printsAndParsesBack(@ForAll byte[] bytes, @ForAll boolean longer) {
        Digest digest = Digest.of(longer ? DigestAlgorithm.SHA512 : DigestAlgorithm.SHA256, bytes);
        assertThat(Digest.parse(digest.toString())).isEqualTo(digest);
        assertThat(ManifestReference.parse(digest.toString())).isEqualTo(digest);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "sha256",
                "sha256:",
                "sha256:abc",
                "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550",
                "sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "sha256:../../../../../../../../../../../../../../../../etc/passwd00000000",
                "sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "sha256+:00",
                "a..b:00",
                "private:a/b",
                "private:a.b",
                "private:a\n",
                "private\n:a"
            })
    void malformedDigestIsRefused(String text) {
        assertThatThrownBy(() -> Digest.parse(text))
                .isInstanceOf(InvalidNameException.class)
                .hasMessageStartingWith("invalid digest");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
                "md5:d41d8cd98f00b204e9800998ecf8427e",
                "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"
            })
    void unknownAlgorithmIsANameButCannotBeVerified(String text) {
        Digest digest = Digest.parse(text);
        assertThat(digest).hasToString(text);
        assertThat(digest.algorithm().isVerifiable()).isFalse();
        assertThatThrownBy(() -> digest.algorithm().newMessageDigest()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void overlongDigestIsRefused() {
        assertThatThrownBy(() -> Digest.parse("private:" + "a".repeat(257))).isInstanceOf(InvalidNameException.class);
        assertThatThrownBy(() -> Digest.parse("a".repeat(65) + ":a")).isInstanceOf(InvalidNameException.class);
    }

    @Test
    void referrersTagIsCutAndEscaped() {
        assertThat(Digest.parse(EMPTY_SHA256).referrersTag()).hasToString(EMPTY_SHA256.replace(':', '-'));
        Digest sha512 = Digest.of(DigestAlgorithm.SHA512, new byte[0]);
        assertThat(sha512.referrersTag())
                .hasToString("sha512-" + sha512.encoded().substring(0, 64));
        assertThat(Digest.parse("a+b:x=y").referrersTag()).hasToString("a-b-x-y");
        assertThat(Digest.parse("q".repeat(40) + ":x").referrersTag()).hasToString("q".repeat(32) + "-x");
    }

    @Test
    void ordersByAlgorithmThenText() {
        Digest sha512 = Digest.of(DigestAlgorithm.SHA512, new byte[0]);
        assertThat(Digest.parse(EMPTY_SHA256)).isLessThan(sha512).isEqualByComparingTo(Digest.parse(EMPTY_SHA256));
        assertThat(sha512.shortForm()).isEqualTo("cf83e1357eef");
    }
}
