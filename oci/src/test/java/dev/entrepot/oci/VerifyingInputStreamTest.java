package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class VerifyingInputStreamTest {
    private static final byte[] BYTES = new byte[1000];
    private static final Digest DIGEST = Digest.sha256(BYTES);

    private static VerifyingInputStream over(byte[] bytes, Digest expected, OptionalLong size) throws IOException {
        return new VerifyingInputStream(new ByteArrayInputStream(bytes), expected, size);
    }

    @Property(tries = 200)
    void handsOnWhatIsRightHoweverItIsRead(
            @ForAll byte[] bytes, @ForAll @IntRange(min = 1, max = 64) int step, @ForAll boolean sized)
            throws IOException {
        OptionalLong size = sized ? OptionalLong.of(bytes.length) : OptionalLong.empty();
        VerifyingInputStream in = over(bytes, Digest.of(DigestAlgorithm.SHA512, bytes), size);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[step];
        for (int n = in.read(buffer); n >= 0; n = step == 1 ? readOne(in, buffer) : in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        assertThat(out.toByteArray()).isEqualTo(bytes);
        assertThat(in.read()).isEqualTo(-1);
    }

    private static int readOne(VerifyingInputStream in, byte[] buffer) throws IOException {
        int c = in.read();
        buffer[0] = (byte) c;
        return c < 0 ? -1 : 1;
    }

    @Property(tries = 200)
    void neverEndsInOrderAfterAnyChange(
            @ForAll @Size(min = 1, max = 200) byte[] bytes, @ForAll @IntRange(max = 199) int at, @ForAll boolean sized)
            throws IOException {
        byte[] changed = bytes.clone();
        changed[at % bytes.length] ^= 1;
        OptionalLong size = sized ? OptionalLong.of(bytes.length) : OptionalLong.empty();
        assertThatThrownBy(() -> over(changed, Digest.sha256(bytes), size).readAllBytes())
                .isInstanceOf(InvalidContentException.class);
    }

    @Test
    void tooShortFailsAtTheEndAndNamesTheSizes() throws IOException {
        VerifyingInputStream in = over(Arrays.copyOf(BYTES, 999), DIGEST, OptionalLong.of(1000));
        assertThat(in.readNBytes(999)).hasSize(999);
        assertThatThrownBy(in::read)
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContainingAll("999", "1000", DIGEST.toString());
    }

    @Test
    void neverHandsOnMoreThanTheDeclaredSize() throws IOException {
        VerifyingInputStream in = over(Arrays.copyOf(BYTES, 1001), DIGEST, OptionalLong.of(1000));
        assertThat(in.readNBytes(1000)).hasSize(1000);
        assertThatThrownBy(in::read).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void skippedBytesAreVerifiedToo() throws IOException {
        VerifyingInputStream good = over(BYTES, DIGEST, OptionalLong.of(1000));
        assertThat(good.skip(5000)).isEqualTo(1000);
        byte[] wrong = BYTES.clone();
        wrong[3] = 1;
        VerifyingInputStream bad = over(wrong, DIGEST, OptionalLong.of(1000));
        assertThatThrownBy(() -> bad.skip(5000)).isInstanceOf(InvalidContentException.class);
        assertThat(over(BYTES, DIGEST, OptionalLong.empty()).skip(-1)).isZero();
    }

    @Test
    void failureIsFinal() throws IOException {
        VerifyingInputStream in = over(new byte[] {1}, Digest.sha256(new byte[0]), OptionalLong.empty());
        assertThatThrownBy(in::readAllBytes).isInstanceOf(InvalidContentException.class);
        assertThatThrownBy(in::read)
                .as("although nothing more has the digest of nothing")
                .isInstanceOf(InvalidContentException.class);
    }

    @Test
    void excessIsFinal() throws IOException {
        VerifyingInputStream in = over(Arrays.copyOf(BYTES, 1001), DIGEST, OptionalLong.of(1000));
        assertThatThrownBy(in::readAllBytes).isInstanceOf(InvalidContentException.class);
        assertThatThrownBy(in::read).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void emptyContentIsContent() throws IOException {
        assertThat(over(new byte[0], Digest.sha256(new byte[0]), OptionalLong.of(0))
                        .readAllBytes())
                .isEmpty();
        assertThatThrownBy(() -> over(new byte[0], DIGEST, OptionalLong.empty()).read())
                .isInstanceOf(InvalidContentException.class);
    }

    @Test
    void whatCannotBeVerifiedIsRefusedAtOnce() {
        assertThatThrownBy(() -> over(BYTES, Digest.parse("blake3:" + "0".repeat(64)), OptionalLong.empty()))
                .isInstanceOf(InvalidContentException.class);
    }
}
