package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptPartsTest {
    @TempDir
    private Path folder;

    @Test
    void whoIsInterruptedIsNotToldToMakeRoom() throws Exception {
        byte[] bytes = {1, 2, 3};
        Path volume = Files.write(folder.resolve("volume"), bytes);
        Placement.Part part = new Placement.Part(1, bytes.length, Digest.sha256(bytes));
        Path kept = folder.resolve("kept");
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() ->
                            new KeptParts(kept).keep(Inventories.LAYER, 1, part, new Slice(volume, 0, bytes.length)))
                    .isInstanceOf(InterruptedIOException.class)
                    .hasMessage("interrupted while part 1 of the blob " + Inventories.LAYER + " was kept in " + kept);
        } finally {
            assertThat(Thread.interrupted()).as("is still set").isTrue();
        }
        assertThat(kept).isEmptyDirectory();
    }
}
