package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever gets a whole body without the disk gets it verified, wherever the fetch had stopped. */
@Timeout(30)
class DirectReadTest {
    private static final int WRITTEN = 40_000;

    @TempDir
    private Path folder;

    private final byte[] bytes = CacheFixture.randomBytes(100_000, 31);
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private Digest digest;

    @BeforeEach
    void push() {
        digest = upstream.addBlob(bytes);
    }

    private FetchProgress.Degraded stoppedAt(int offset) {
        MessageDigest state = digest.algorithm().newMessageDigest();
        state.update(bytes, 0, offset);
        return new FetchProgress.Degraded(offset, state, OptionalLong.of(bytes.length));
    }

    /** Another body than the blob's, which differs at one place. */
    private void lieAt(int offset) {
        byte[] wrong = bytes.clone();
        wrong[offset] ^= 1;
        upstream.blobs.put(digest, wrong);
    }

    private byte[] readFrom(long position, int stopped, RandomAccessFile written) throws IOException {
        byte[] all = new byte[bytes.length];
        int got = 0;
        try (DirectRead read = new DirectRead(
                digest, upstream, stoppedAt(stopped), OptionalLong.empty(), CacheFixture.FAST, written, _ -> {})) {
            for (int count; (count = read.read(position + got, all, got, 7_000)) >= 0; ) {
                got += count;
            }
        }
        return Arrays.copyOf(all, got);
    }

    @Test
    void wholeBodyIsHashedFromItsBeginningHoweverLittleTheFetchHadWritten() throws IOException {
        assertThat(readFrom(0, WRITTEN, null)).isEqualTo(bytes);
        lieAt(10);
        assertThatThrownBy(() -> readFrom(0, WRITTEN, null)).isInstanceOf(InvalidContentException.class);
        assertThatThrownBy(() -> readFrom(0, bytes.length, null)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void bytesThatTheFetchHadHashedComeFromItsFile() throws IOException {
        Path file = Files.write(folder.resolve("part"), Arrays.copyOf(bytes, WRITTEN));
        lieAt(WRITTEN - 5);
        try (RandomAccessFile written = new RandomAccessFile(file.toFile(), "r")) {
            assertThat(readFrom(WRITTEN - 100, WRITTEN, written))
                    .isEqualTo(Arrays.copyOfRange(bytes, WRITTEN - 100, bytes.length));
            lieAt(WRITTEN + 5);
            assertThatThrownBy(() -> readFrom(WRITTEN - 100, WRITTEN, written))
                    .isInstanceOf(InvalidContentException.class);
        }
    }

    @Test
    void rangeThatNobodyCanVerifyIsPassedOn() throws IOException {
        assertThat(readFrom(WRITTEN - 100, WRITTEN, null))
                .isEqualTo(Arrays.copyOfRange(bytes, WRITTEN - 100, bytes.length));
        assertThat(readFrom(70_000, WRITTEN, null)).isEqualTo(Arrays.copyOfRange(bytes, 70_000, bytes.length));
    }
}
