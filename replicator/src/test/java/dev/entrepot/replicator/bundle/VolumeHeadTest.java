package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The beginning of a volume, which may be anybody's file. */
class VolumeHeadTest {
    private static final long HUGE = 7L << 30;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private Packed packed = null;

    @BeforeEach
    void pack() throws Exception {
        Shapes app = new Shapes(source.repository("app"));
        app.tag("v1", app.image("amd64"));
        packed = new Packed.Packing(source)
                .image("app", "v1")
                .signedBy(Packed.keyPair(folder, "key"))
                .pack();
    }

    @Test
    void theInventoryIsReadOutOfATarAndOutOfAFolder() throws Exception {
        Path tar = packed.tars(folder.resolve("tars")).getFirst();
        Path inFolder = packed.folders(folder.resolve("folders")).getFirst();
        for (Path volume : new Path[] {tar, inFolder}) {
            SavedExports.Saved head = VolumeHead.read(volume);

            assertThat(head.document()).isEqualTo(packed.plan.document());
            assertThat(BundleTrust.read(folder.resolve("key.pub"))
                            .verifies(head.document(), head.signature().orElseThrow()))
                    .isTrue();
            assertThat(head.name()).isEqualTo(volume.getFileName().toString());
        }
        byte[] damaged = packed.tar(1);
        damaged[3] ^= 1;
        assertThat(VolumeHead.read(Files.write(tar, damaged)).document()).isEqualTo(packed.plan.document());
    }

    // A long name, of GNU and of POSIX: who reads tars for their names takes them into memory before anything else.
    @ParameterizedTest
    @ValueSource(strings = {"L", "K", "x", "g", "0"})
    void anEntryOfGigabytesBeforeTheInventoryTakesNoMemory(String type) throws Exception {
        byte[] header = TarHeader.of("././@LongLink", HUGE);
        header[156] = (byte) type.charAt(0);
        Arrays.fill(header, 148, 156, (byte) ' ');
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        byte[] digits = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(digits, 0, header, 148, digits.length);
        Path hostile = folder.resolve("hostile.tar");
        try (RandomAccessFile out = new RandomAccessFile(hostile.toFile(), "rw")) {
            out.write(header);
            out.setLength(HUGE + 2048);
            out.seek(HUGE + 512);
            out.write(packed.tar(1));
        }

        assertThatThrownBy(() -> VolumeHead.read(hostile))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("is no volume of a bundle")
                .hasMessageContaining(hostile.toString());
    }

    @Test
    void anInventoryThatSaysItIsLongerThanAnyIsNotRead() throws Exception {
        byte[] tar = packed.tar(1);
        int at = packed.plan.entries(1).subList(0, 3).stream()
                .mapToInt(entry -> (int) entry.tarBytes())
                .sum();
        System.arraycopy(TarHeader.of(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES + 1L), 0, tar, at, 512);
        Path hostile = Files.write(folder.resolve("hostile.tar"), tar);

        assertThatThrownBy(() -> VolumeHead.read(hostile))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("allowed are " + BundleLimits.DOCUMENT_BYTES);
    }
}
