package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writing volumes, from content in memory that counts what is asked of it. */
class BundleWriterTest {
    private static final int LARGEST_READ = 256 * 1024;

    @TempDir
    Path folder;

    private final Map<Digest, byte[]> bytes = new HashMap<>();
    private final List<Digest> opened = new ArrayList<>();
    private final Random random = new Random(4);
    private int largestRead;
    private int outages;

    private Inventory inventory(int... sizes) {
        List<Digest> layers = new ArrayList<>();
        List<BundledBlob> blobs = new ArrayList<>();
        for (int size : sizes) {
            byte[] layer = new byte[size];
            random.nextBytes(layer);
            Digest digest = Digest.sha256(layer);
            bytes.put(digest, layer);
            layers.add(digest);
            blobs.add(Inventories.blob(digest, size));
        }
        byte[] manifest = new byte[500];
        random.nextBytes(manifest);
        bytes.put(Digest.sha256(manifest), manifest);
        return Inventories.of(
                List.of(Inventories.manifest(Digest.sha256(manifest), MediaType.OCI_MANIFEST, List.of(), layers)),
                blobs);
    }

    private InputStream open(VolumeEntry entry) throws IOException {
        Digest digest = switch (entry.content()) {
            case VolumeEntry.Content.Manifest manifest -> manifest.digest();
            case VolumeEntry.Content.Blob blob -> blob.digest();
            case VolumeEntry.Content.Constant constant -> {
                bytes.put(Digest.sha256(constant.bytes()), constant.bytes());
                yield Digest.sha256(constant.bytes());
            }
            case VolumeEntry.Content.Fallback fallback -> fallback.digest();
            case VolumeEntry.Content.Part part -> part.blob();
        };
        opened.add(digest);
        return new ByteArrayInputStream(bytes.getOrDefault(digest, new byte[0])) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                largestRead = Math.max(largestRead, length);
                return super.read(buffer, offset, length);
            }
        };
    }

    private static VolumePlan plan(Inventory inventory) throws IOException {
        return VolumePlan.of(inventory, InventoryJson.write(inventory), Optional.empty());
    }

    private List<BundleWriter.Volume> write(Inventory inventory, Path output, VolumeContent content)
            throws IOException {
        BundleWriter writer = new BundleWriter(plan(inventory), output, new ExportProgress(InstantSource.system()));
        List<BundleWriter.Volume> volumes = writer.look(List.of(1));
        writer.write(volumes, content);
        return volumes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.tar", "out"})
    void eachPieceOfContentIsOpenedOnceAndReadThroughOneBuffer(String name) throws IOException {
        Inventory inventory = inventory(3_000_000, 10, 0, 700_000);

        write(inventory, folder.resolve(name), this::open);

        assertThat(opened).doesNotHaveDuplicates().containsAll(inventory.blobs().keySet());
        assertThat(largestRead).isEqualTo(LARGEST_READ);
        opened.clear();
        assertThat(write(inventory, folder.resolve(name), this::open))
                .singleElement()
                .returns(false, BundleWriter.Volume::written);
        assertThat(opened).isEmpty();
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).hasSize(1);
        }
    }

    @Test
    void aTarGoesOnBehindTheLastWholeEntryWhateverIsBehindIt() throws IOException {
        Inventory inventory = inventory(30_000, 40_000, 50_000, 60_000);
        Path whole = folder.resolve("whole.tar");
        write(inventory, whole, this::open);
        byte[] good = Files.readAllBytes(whole);
        List<VolumeEntry> entries = plan(inventory).entries(1);
        for (int attempt = 0; attempt < 40; attempt++) {
            int cut = random.nextInt(good.length + 1);
            byte[] left = Arrays.copyOf(good, cut);
            boolean flipped = cut > 0 && random.nextBoolean();
            int intact = cut;
            if (flipped) {
                intact = random.nextInt(cut);
                left[intact] ^= 1;
            }
            Path output = folder.resolve("out" + attempt + ".tar");
            Files.write(VolumeWriter.aside(output), left);
            opened.clear();

            write(inventory, output, this::open);

            assertThat(Files.readAllBytes(output)).isEqualTo(good);
            assertThat(opened).hasSize(entries.size() - whole(entries, intact));
        }
    }

    private static int whole(List<VolumeEntry> entries, int intactBytes) {
        long end = 0;
        int count = 0;
        for (VolumeEntry entry : entries) {
            end += entry.tarBytes();
            count += end <= intactBytes ? 1 : 0;
        }
        return count;
    }

    @Test
    void aFolderKeepsItsWholeFilesAndNothingElse() throws IOException {
        Inventory inventory = inventory(30_000, 40_000);
        Path output = folder.resolve("out");
        Path aside = VolumeWriter.aside(output);
        Digest first = inventory.blobs().firstEntry().getKey();
        Digest second = inventory.blobs().lastEntry().getKey();
        Path blobs = Files.createDirectories(aside.resolve("blobs/sha256"));
        Files.write(blobs.resolve(first.encoded()), bytes.getOrDefault(first, new byte[0]));
        Files.write(blobs.resolve(second.encoded()), new byte[40_000]);
        Files.writeString(aside.resolve("stray"), "of another bundle");

        write(inventory, output, this::open);

        assertThat(opened).doesNotContain(first).contains(second);
        assertThat(output.resolve("stray")).doesNotExist();
        assertThat(output.resolve("blobs/sha256/" + second.encoded()))
                .hasBinaryContent(bytes.getOrDefault(second, new byte[0]));
    }

    @Test
    void aBodyThatBreaksIsReadAgainFromItsStart() throws IOException {
        Inventory inventory = inventory(600_000);
        Path output = folder.resolve("out.tar");
        write(inventory, output, entry -> {
            InputStream in = open(entry);
            boolean breaks = entry.content() instanceof VolumeEntry.Content.Blob && outages++ < 2;
            return breaks ? broken(in) : in;
        });

        assertThat(outages).isEqualTo(3);
        Path again = folder.resolve("again.tar");
        write(inventory, again, this::open);
        assertThat(Files.mismatch(output, again)).isEqualTo(-1);
    }

    private static InputStream broken(InputStream in) {
        return new InputStream() {
            private boolean begun;

            @Override
            public int read() throws IOException {
                throw new IOException("one byte is not asked for");
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                if (begun) {
                    throw new OutageException(OutageException.Reason.TIMEOUT, "the body broke");
                }
                begun = true;
                return in.read(buffer, offset, length);
            }
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.tar", "out"})
    void twoExportsDoNotWriteOneVolumeAtOneTime(String name) throws IOException {
        Inventory inventory = inventory(30_000, 40_000);
        Path output = folder.resolve(name);
        // Left by a process that was killed.
        Files.writeString(folder.resolve("." + name + ".lock"), "");
        List<String> refusals = new ArrayList<>();
        write(inventory, output, entry -> {
            if (entry.content() instanceof VolumeEntry.Content.Blob) {
                BundleException refused =
                        catchThrowableOfType(BundleException.class, () -> write(inventory(500), output, this::open));
                refusals.add(String.valueOf(refused.getMessage()));
            }
            return open(entry);
        });

        assertThat(refusals).hasSize(2).allMatch(message -> message.contains("another export is writing " + output));
        assertThat(write(inventory, output, this::open))
                .as("it is whole")
                .singleElement()
                .returns(false, BundleWriter.Volume::written);
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).hasSize(1);
        }
    }

    @Test
    void volumesThatHaveNoRoomAreRefusedBeforeAnythingIsWritten() throws IOException {
        Inventory inventory = Inventories.layers(List.of(1L << 55));

        assertThatThrownBy(() -> write(inventory, folder.resolve("out.tar"), this::open))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("not enough room in " + folder)
                .hasMessageContaining("nothing was written");
        assertThat(opened).isEmpty();
        assertThat(folder).isEmptyDirectory();
    }
}
