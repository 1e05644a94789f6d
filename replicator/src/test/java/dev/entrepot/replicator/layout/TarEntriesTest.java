package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidContentException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tars as other tools write them, and as somebody writes them who means harm. */
final class TarEntriesTest {
    private static final String LONG = "blobs/sha512/" + "a1".repeat(64);

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("some.tar");
    }

    private static void put(TarArchiveOutputStream out, TarArchiveEntry entry, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        entry.setSize(bytes.length);
        out.putArchiveEntry(entry);
        out.write(bytes);
        out.closeArchiveEntry();
    }

    private static byte[] tar(int longNames, int largeNumbers) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream out = new TarArchiveOutputStream(bytes, StandardCharsets.UTF_8.name())) {
            out.setLongFileMode(longNames);
            out.setBigNumberMode(largeNumbers);
            out.putArchiveEntry(new TarArchiveEntry("blobs/"));
            out.closeArchiveEntry();
            TarArchiveEntry old = new TarArchiveEntry("./oci-layout");
            old.setUserId(3_000_000_000L);
            put(out, old, "marker");
            put(out, new TarArchiveEntry(LONG), "content under a long name");
            TarArchiveEntry link = new TarArchiveEntry("link", TarConstants.LF_SYMLINK);
            link.setLinkName(LONG);
            out.putArchiveEntry(link);
            out.closeArchiveEntry();
            put(out, new TarArchiveEntry("empty"), "");
            put(out, new TarArchiveEntry("index.json"), "first");
            put(out, new TarArchiveEntry("index.json"), "second");
        }
        return bytes.toByteArray();
    }

    private String content(LayoutTar.Slice slice) throws IOException {
        byte[] all = Files.readAllBytes(file);
        return new String(all, (int) slice.offset(), (int) slice.bytes(), StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @CsvSource({
        TarArchiveOutputStream.LONGFILE_POSIX + "," + TarArchiveOutputStream.BIGNUMBER_POSIX,
        TarArchiveOutputStream.LONGFILE_GNU + "," + TarArchiveOutputStream.BIGNUMBER_STAR
    })
    void filesAreFoundByTheirNames(int longNames, int largeNumbers) throws IOException {
        Files.write(file, tar(longNames, largeNumbers));

        Map<String, LayoutTar.Slice> entries = TarEntries.of(file);

        assertThat(entries).containsOnlyKeys("oci-layout", LONG, "empty", "index.json");
        assertThat(content(entries.get("oci-layout"))).isEqualTo("marker");
        assertThat(content(entries.get(LONG))).isEqualTo("content under a long name");
        assertThat(content(entries.get("empty"))).isEmpty();
        assertThat(content(entries.get("index.json"))).isEqualTo("second");
    }

    private void header(RandomAccessFile out, String name, char type, long size) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, (byte) type);
        entry.setSize(size);
        byte[] block = new byte[512];
        entry.writeEntryHeader(block);
        out.write(block);
    }

    @ParameterizedTest
    @ValueSource(chars = {'L', 'K', 'x', 'g'})
    void descriptionOfSomeGigabytesIsNotRead(char type) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            header(out, "././@LongLink", type, 3_000_000_000L);
            out.setLength(3_100_000_000L);
        }

        assertThatThrownBy(() -> TarEntries.of(file))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("some.tar")
                .hasMessageContaining("3000000000 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-5", "9223372036854775807", "99999999999999999999", "1e3"})
    void impossibleSizesNameTheFile(String size) throws IOException {
        String record = " size=" + size + "\n";
        String records = (record.length() + 2) + record;
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            header(out, "pax", 'x', records.length());
            out.write(records.getBytes(StandardCharsets.UTF_8));
            out.seek(1024);
            header(out, "index.json", '0', 5);
            out.setLength(4096);
        }

        assertThatThrownBy(() -> TarEntries.of(file))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("some.tar");
    }

    @Test
    void endlessNameIsNotKept() throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            header(out, "././@LongLink", 'L', 5_000);
            out.write("n".repeat(5_000).getBytes(StandardCharsets.UTF_8));
            out.seek(512 + 5_120);
            header(out, "short", '0', 1);
            out.setLength(16_384);
        }

        assertThatThrownBy(() -> TarEntries.of(file)).hasMessageContaining("names are longer than is read");
    }

    @Test
    void sparseFilesAreLeftOut() throws IOException {
        String records = "22 GNU.sparse.major=1\n";
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            header(out, "pax", 'x', records.length());
            out.write(records.getBytes(StandardCharsets.UTF_8));
            out.seek(1024);
            header(out, "GNUSparseFile.0/holes", '0', 512);
            out.seek(2048);
            header(out, "plain", '0', 1);
            out.setLength(8192);
        }

        assertThat(TarEntries.of(file)).containsOnlyKeys("plain");
    }

    @Test
    void damageIsEitherSeenOrHarmless() throws IOException {
        byte[] whole = tar(TarArchiveOutputStream.LONGFILE_POSIX, TarArchiveOutputStream.BIGNUMBER_POSIX);
        Random random = new Random(7);
        int seen = 0;
        for (int attempt = 0; attempt < 500; attempt++) {
            byte[] damaged = whole.clone();
            for (int i = 0; i < 4; i++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            Files.write(file, damaged);
            try {
                TarEntries.of(file)
                        .values()
                        .forEach(slice ->
                                assertThat(slice.offset() + slice.bytes()).isBetween(0L, (long) damaged.length));
            } catch (InvalidContentException e) {
                seen++;
            }
        }
        assertThat(seen).isPositive();
    }

    @Test
    void tarThatIsCutOffWithinAFileIsRefused() throws IOException {
        byte[] whole = tar(TarArchiveOutputStream.LONGFILE_POSIX, TarArchiveOutputStream.BIGNUMBER_POSIX);
        Files.write(file, whole);
        LayoutTar.Slice content = TarEntries.of(file).get(LONG);
        Files.write(file, Arrays.copyOf(whole, (int) content.offset() + 3));

        assertThatThrownBy(() -> TarEntries.of(file)).hasMessageContaining("ends behind the end of the file");
    }
}
