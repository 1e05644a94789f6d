package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.CrashProcess;
import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What exports leave in the data folder for those after them. */
class SavedExportsTest {
    @TempDir
    private Path data;

    private static SavedExports.Saved saved(long layer) throws Exception {
        Inventory inventory = Inventories.layers(List.of(layer));
        return new SavedExports.Saved(inventory, InventoryJson.write(inventory), Optional.empty(), "out.tar");
    }

    @Test
    void anExportThatAnotherProcessIsWritingIsNeitherReplacedNorAbandoned() throws Exception {
        SavedExports exports = new SavedExports(data);
        SavedExports.Saved export = saved(100);
        exports.save(export, "request");
        try (Closeable _ = exports.lock(export)) {
            assertThatThrownBy(() -> exports.save(export, "another request"))
                    .isInstanceOf(BundleException.class)
                    .hasMessageContaining("is being written");
            assertThatThrownBy(() -> exports.abandon("request")).isInstanceOf(BundleException.class);
            assertThat(exports.unfinished("request")).isPresent();
        }
        exports.abandon("request");
        assertThat(exports.unfinished("request")).isEmpty();
        exports.save(export, "another request");
        assertThat(exports.unfinished("another request")).isPresent();
    }

    /** Tries to lock an export of a data folder, in a process of its own. */
    private static final class Locking {
        static void main(String[] arguments) throws Exception {
            SavedExports exports = new SavedExports(Path.of(arguments[0]));
            try (Closeable _ = exports.lock(exports.unfinished("request").orElseThrow())) {
                System.out.println("locked");
            } catch (BundleException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void lockOfAnExportHoldsAgainstAnotherProcess() throws Exception {
        SavedExports exports = new SavedExports(data);
        SavedExports.Saved export = saved(100);
        exports.save(export, "request");
        try (Closeable _ = exports.lock(export);
                CrashProcess other = CrashProcess.start(Locking.class, data.toString())) {
            assertThat(other.awaitExit()).isZero();
            assertThat(other.output()).containsExactly("another process is writing bundle " + export.id());
        }
        try (CrashProcess other = CrashProcess.start(Locking.class, data.toString())) {
            assertThat(other.awaitExit()).isZero();
            assertThat(other.output()).containsExactly("locked");
        }
    }

    @Test
    void ofTwoThatSaveOneExportAtOnceTheSecondIsToldSo() throws Exception {
        SavedExports.Saved export = saved(100);
        for (int round = 0; round < 20; round++) {
            Path folder = Files.createDirectory(data.resolve("round " + round));
            CyclicBarrier both = new CyclicBarrier(2);
            Callable<Boolean> save = () -> {
                both.await();
                try {
                    new SavedExports(folder).save(export, "request");
                    return true;
                } catch (BundleException e) {
                    assertThat(e).hasMessage("another process is writing bundle " + export.id());
                    return false;
                }
            };
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<Boolean>> saves = threads.invokeAll(List.of(save, save));
                assertThat(List.of(saves.getFirst().get(), saves.getLast().get()))
                        .contains(true);
            }
            assertThat(new SavedExports(folder).unfinished("request")).isPresent();
            assertThat(folder.resolve("exports")).isDirectoryNotContaining("glob:**/.incoming-*");
        }
    }

    @Test
    void exportsThatAreSavedAnewAtOnceFailOnlyBecauseAnotherProcessWritesThem() throws Exception {
        List<SavedExports.Saved> exports = List.of(saved(100), saved(100), saved(200), saved(300));
        SavedExports folder = new SavedExports(data);
        Callable<Boolean> saving = () -> {
            for (int round = 0; round < 100; round++) {
                SavedExports.Saved export = exports.get(round % exports.size());
                try {
                    folder.save(export, "request " + export.id());
                    folder.unfinished("another request");
                    folder.lock(export).close();
                } catch (BundleException e) {
                    assertThat(e).hasMessageContaining("bundle " + export.id()).hasMessageContaining("writ");
                }
            }
            return true;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> saved : threads.invokeAll(List.of(saving, saving, saving, saving))) {
                assertThat(saved.get()).isTrue();
            }
        }
        assertThat(data.resolve("exports")).isDirectoryNotContaining("glob:**/.incoming-*");
    }

    @Test
    void lockOfAnExportThatHasBeenTakenAwayIsNoneOfTheOneInItsPlace() throws Exception {
        SavedExports exports = new SavedExports(data);
        SavedExports.Saved export = saved(100);
        exports.save(export, "request");
        SavedExports.LockFile late = SavedExports.lockFile(exports.place(export));
        exports.save(export, "request");
        exports.lock(export).close();

        assertThatThrownBy(() -> SavedExports.locked(late, exports.place(export), export.id()))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("another process is writing");

        assertThat(late.channel().isOpen()).isFalse();
        exports.lock(export).close();
    }

    @Test
    void nobodyTakesAwayAnExportThatAnotherHasTheLockOf() throws Exception {
        SavedExports.Saved export = saved(100);
        SavedExports folder = new SavedExports(data);
        folder.save(export, "request");
        Callable<Boolean> saving = () -> {
            for (int round = 0; round < 100; round++) {
                try {
                    folder.save(export, "request");
                    try (Closeable _ = folder.lock(export)) {
                        for (int look = 0; look < 3; look++) {
                            assertThat(folder.unfinished("request")).isPresent();
                        }
                    }
                } catch (BundleException e) {
                    assertThat(e).hasMessageContaining("writ");
                }
            }
            return true;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> saved : threads.invokeAll(List.of(saving, saving, saving, saving))) {
                assertThat(saved.get()).isTrue();
            }
        }
        assertThat(data.resolve("exports")).isDirectoryNotContaining("glob:**/.incoming-*");
    }

    @Test
    void whatAProcessThatWasKilledLeftIsSweptWhenItIsOld() throws Exception {
        Path exports = Files.createDirectories(data.resolve("exports"));
        Path old = Files.createDirectory(exports.resolve(".incoming-old"));
        Files.writeString(old.resolve("inventory.json"), "half");
        Path young = Files.createDirectory(exports.resolve(".incoming-young"));
        FileTime now = Files.getLastModifiedTime(young);
        Files.setLastModifiedTime(old, FileTime.from(now.toInstant().minus(Duration.ofHours(2))));

        new SavedExports(data).save(saved(100), "request");

        assertThat(old).doesNotExist();
        assertThat(young).exists();
    }

    @Test
    void aPrefixOfTwoIdsIsNotTakenForNone() throws Exception {
        SavedExports exports = new SavedExports(data);
        SavedExports.Saved export = saved(100);
        exports.save(export, "request");
        String id = export.id().encoded();
        Path twin = Files.createDirectory(data.resolve("exports").resolve(id.substring(0, 10) + "0".repeat(54)));
        Files.copy(data.resolve("exports").resolve(id).resolve("inventory.json"), twin.resolve("inventory.json"));

        assertThatThrownBy(() -> exports.find(id.substring(0, 8)))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("ids of 2 exports begin with " + id.substring(0, 8));
        assertThat(exports.find(id)).isPresent();
    }

    private static SavedExports.Saved signed(SavedExports.Saved export, String signature, String name) {
        return new SavedExports.Saved(
                export.inventory(), export.document(), Optional.of(signature.getBytes(StandardCharsets.UTF_8)), name);
    }

    @Test
    void exportsOfOneBundleThatAreSignedDifferentlyAreKeptBesideEachOther() throws Exception {
        SavedExports exports = new SavedExports(data);
        SavedExports.Saved unsigned = saved(100);
        SavedExports.Saved first = signed(unsigned, "first", "first.tar");
        SavedExports.Saved second = signed(unsigned, "second", "second.tar");
        String id = unsigned.id().encoded();
        exports.save(first, "first");
        exports.save(unsigned, "unsigned");
        exports.save(second, "second");
        exports.save(signed(unsigned, "first", "again.tar"), "again");

        assertThat(exports.of(unsigned.id()))
                .extracting(SavedExports.Saved::name)
                .containsExactlyInAnyOrder("out.tar", "again.tar", "second.tar");
        assertThat(exports.unfinished("first")).as("saved anew").isEmpty();
        try (Closeable _ = exports.lock(second)) {
            exports.abandon("unsigned");
        }
        exports.finish(second);
        assertThat(exports.unfinished("unsigned")).isEmpty();
        assertThat(exports.unfinished("second")).isEmpty();
        assertThat(exports.unfinished("again")).map(SavedExports.Saved::name).hasValue("again.tar");
        assertThatThrownBy(() -> exports.find(id.substring(0, 12)))
                .isInstanceOf(BundleException.class)
                .hasMessageContainingAll("was exported 3 times", id + "-unsigned (out.tar)", "(second.tar)");
        assertThat(exports.find("sha256:" + id + "-unsigned"))
                .map(SavedExports.Saved::name)
                .hasValue("out.tar");
        String mark = Digest.sha256("first".getBytes(StandardCharsets.UTF_8)).encoded();
        assertThat(exports.find(id + "-" + mark.substring(0, 4)))
                .map(SavedExports.Saved::name)
                .hasValue("again.tar");
    }
}
