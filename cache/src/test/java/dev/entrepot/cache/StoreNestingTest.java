package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No store is made in another, or around one. */
class StoreNestingTest {
    @TempDir
    Path given;

    private Path folder;

    @BeforeEach
    void makeAStore() throws IOException {
        // Wherever the folder of the tests is itself behind a link.
        folder = given.toRealPath();
        open("group/store");
        Files.createSymbolicLink(folder.resolve("link"), Path.of("group/store"));
        Files.createSymbolicLink(folder.resolve("deep"), Path.of("group/store/blobs"));
        Files.createSymbolicLink(folder.resolve("group/store/out"), folder.resolve("elsewhere"));
        Files.createDirectory(folder.resolve("elsewhere"));
    }

    private void open(String name) throws IOException {
        ContentStore.open(folder.resolve(name), Clock.systemUTC()).close();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "group/store/blobs",
                "group/store/x",
                "group/store/x/y/z",
                "group/../group/store/x",
                "link/x",
                "deep",
                "deep/../x",
                "group/store/out",
                "group/store/out/x",
            })
    void folderInAStoreIsRefusedAndNothingIsMade(String name) throws IOException {
        List<Path> before = files();

        assertThatThrownBy(() -> open(name))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the cache directory " + folder.resolve(name) + " is in the store at ")
                .hasMessageContaining(" " + folder.resolve("group/store") + ",")
                .hasMessageContaining("name a folder outside it");
        assertThatThrownBy(() -> ContentStore.refuseNested(folder.resolve(name)))
                .hasMessageContaining(" is in the store at ");

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void newFolderAroundAStoreIsRefusedAndNothingIsMade() throws IOException {
        List<Path> before = files();

        assertThatThrownBy(() -> open("group"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the cache directory " + folder.resolve("group") + " has the store at "
                        + folder.resolve("group/store") + " in it")
                .hasMessageContaining("or a folder of its own");

        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"group/store", "link", "group/other", "group/store-2", "elsewhere", "elsewhere/x"})
    void storeItselfAndWhatIsBesideItAreOpened(String name) throws IOException {
        open(name);
        open(name);
        open("group/store");
    }

    @Test
    void fileOfTheSameNameAboveMakesNoStore() throws IOException {
        Files.writeString(folder.resolve("store.json"), "{\"shops\": []}");

        open("new");
        open("group/store");
    }

    @Test
    void storeThatGotAnotherOneInItBeforeGoesOnBeingServed() throws IOException {
        open("elsewhere/x");
        Files.move(folder.resolve("elsewhere"), folder.resolve("group/store/quarantine/elsewhere"));

        open("group/store");
        assertThatThrownBy(() -> open("group/store/quarantine/elsewhere/x"))
                .hasMessageContaining(" is in the store at " + folder.resolve("group/store"));
    }
}
