package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriteLockTest {
    @TempDir
    Path folder;

    @Test
    void fileIsLockedOnceAndAgainWhenItWasGivenFree() throws IOException {
        Path place = folder.resolve("images");
        WriteLock lock = WriteLock.beside(place).orElseThrow();
        assertThat(WriteLock.beside(place)).isEmpty();

        lock.close();

        assertThat(WriteLock.fileBeside(place)).doesNotExist();
        WriteLock.beside(place).orElseThrow().close();
    }

    @Test
    void lockThatIsLostIsInTheWayOfNoOtherFile() throws IOException {
        for (int i = 0; i < 20; i++) {
            Path lost = folder.resolve("lost-" + i);
            assertThat(WriteLock.of(lost)).isPresent();
            Files.delete(lost);
        }
        System.gc();

        for (int i = 0; i < 100; i++) {
            WriteLock.of(Files.createFile(folder.resolve("another-" + i))).orElseThrow();
        }
    }
}
