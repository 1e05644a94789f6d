package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.UnreadableBlobException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptBlobTest {
    private static final int BAD_FROM = 4_000;

    @TempDir
    private Path folder;

    private final byte[] bytes = CacheFixture.randomBytes(10_000, 3);
    private final Digest digest = Digest.sha256(bytes);
    private final AtomicInteger told = new AtomicInteger();

    /** A file of which the disk does not give what is behind an offset. */
    private static final class BadFile extends RandomAccessFile {
        BadFile(Path file) throws IOException {
            super(file.toFile(), "r");
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (getFilePointer() + length > BAD_FROM) {
                throw new IOException("Input/output error");
            }
            return super.read(buffer, offset, length);
        }
    }

    private KeptBlob opened(Path file) throws IOException {
        return new KeptBlob(digest, new BlobFile(new BadFile(file), Files.size(file)), file, told::incrementAndGet);
    }

    @Test
    void whatCannotBeReadIsNamedWithItsFileAndTold() throws Exception {
        Path file = Files.write(folder.resolve("kept"), bytes);
        KeptBlob blob = opened(file);
        byte[] buffer = new byte[2_000];

        assertThat(blob.read(2_000, buffer, 0, 2_000)).isEqualTo(2_000);
        assertThat(told).hasValue(0);
        assertThatThrownBy(() -> blob.read(4_000, buffer, 0, 2_000))
                .isInstanceOf(UnreadableBlobException.class)
                .hasMessageContainingAll(digest.toString(), file.toString(), "from byte 4000 on", "Input/output error");
        assertThat(told).hasValue(1);
        blob.close();
    }

    @Test
    void fileThatWasClosedSaysNothingOfTheDisk() throws Exception {
        KeptBlob blob = opened(Files.write(folder.resolve("kept"), bytes));
        blob.close();

        assertThatThrownBy(() -> blob.read(4_000, new byte[2_000], 0, 2_000))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(UnreadableBlobException.class);
        assertThat(told).hasValue(0);
    }
}
