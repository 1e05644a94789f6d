package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.CrashProcess;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

    /**
     * Takes the lock and gives it back for a second, on two threads, and says whether it ever had it beside another.
     */
    private static final class Locking {
        static void main(String[] arguments) throws Exception {
            Path place = Path.of(arguments[0]);
            Path there = place.resolveSibling("there");
            long end = System.nanoTime() + 1_000_000_000;
            Callable<Integer> locking = () -> {
                int beside = 0;
                while (System.nanoTime() < end) {
                    Optional<WriteLock> lock = WriteLock.beside(place);
                    if (lock.isPresent()) {
                        try (WriteLock _ = lock.get()) {
                            Files.createFile(there);
                            Thread.sleep(1);
                            Files.delete(there);
                        } catch (FileAlreadyExistsException e) {
                            beside++;
                        }
                    }
                }
                return beside;
            };
            try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
                for (Future<Integer> beside : threads.invokeAll(List.of(locking, locking))) {
                    System.out.println(beside.get());
                }
            }
        }
    }

    @Test
    void threadThatIsTooLateForALockDoesNotGiveItFreeForAnotherProcess() throws Exception {
        String place = folder.resolve("images").toString();
        try (CrashProcess one = CrashProcess.start(Locking.class, place);
                CrashProcess other = CrashProcess.start(Locking.class, place)) {
            for (CrashProcess process : List.of(one, other)) {
                assertThat(process.awaitExit()).isZero();
                assertThat(process.output()).containsExactly("0", "0");
            }
        }
    }
}
