package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Root leaves no files in the store of another user. */
class StoreOwnerTest {
    // None that the machine has a name for.
    private static final int OTHER = 1_234_567;

    @TempDir
    Path given;

    private Path folder() throws IOException {
        return given.toRealPath().resolve("data");
    }

    private StoreOwner owner() throws IOException {
        return StoreOwner.of(new StoreLayout(folder())).orElseThrow();
    }

    private void assumeRoot() throws IOException {
        assumeTrue(Files.getAttribute(given, "unix:uid").equals(StoreOwner.ROOT), "only root gives files away");
    }

    private void makeStore() throws IOException {
        ContentStore.open(folder(), Clock.systemUTC()).close();
    }

    private void give(Path path, int uid) throws IOException {
        for (Path one : paths(path)) {
            Files.setAttribute(one, "unix:uid", uid);
            Files.setAttribute(one, "unix:gid", uid);
        }
    }

    private static List<Path> paths(Path path) throws IOException {
        try (Stream<Path> found = Files.walk(path)) {
            return found.toList();
        }
    }

    private Map<Path, FileTime> files() throws IOException {
        Map<Path, FileTime> files = new TreeMap<>();
        for (Path path : paths(given)) {
            files.put(path, Files.getLastModifiedTime(path));
        }
        return files;
    }

    @Test
    void storeOfAnotherUserIsRefusedToRootAndNothingIsMade() throws IOException {
        assumeRoot();
        makeStore();
        give(folder(), OTHER);
        Map<Path, FileTime> before = files();

        assertThatThrownBy(() -> ContentStore.open(folder(), Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the cache directory " + folder() + " belongs to the user " + OTHER + ",")
                .hasMessageContaining("setpriv --reuid=" + OTHER + " --regid=" + OTHER + " --clear-groups ...")
                .hasMessageContaining("chown -R 0:0 " + folder() + "/.");
        assertThatThrownBy(() -> ContentStore.refuseForeign(folder())).hasMessageContaining("belongs to the user");

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void emptyFolderOfAnotherUserIsRefusedToRootToo() throws IOException {
        assumeRoot();
        give(Files.createDirectory(folder()), OTHER);

        assertThatThrownBy(() -> ContentStore.open(folder(), Clock.systemUTC()))
                .hasMessageContaining("belongs to the user " + OTHER);

        assertThat(folder()).isEmptyDirectory();
    }

    @Test
    void storeThatOnlyRootHasUsedIsOpenedToRootWhoeversTheFolderIs() throws IOException {
        assumeRoot();
        makeStore();
        Files.setAttribute(folder(), "unix:uid", OTHER);

        makeStore();
    }

    @Test
    void whoseAFileIsThatIsMadeShowsInOneThatIsGoneAtOnce() throws IOException {
        Files.createDirectory(folder());
        int own = (int) Files.getAttribute(folder(), "unix:uid");
        Map<Path, FileTime> before = files();

        assertThat(StoreOwner.ownsWhatIsMade(folder(), own)).isTrue();
        assertThat(StoreOwner.ownsWhatIsMade(folder(), OTHER)).isFalse();
        assertThat(StoreOwner.ownsWhatIsMade(folder().resolve("missing"), own)).isFalse();

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void rootServesAStoreOfAnotherUser() throws IOException {
        assumeRoot();
        makeStore();
        give(folder(), OTHER);

        ContentStore.openForServing(folder(), Clock.systemUTC()).close();

        assertThat(Files.getAttribute(folder().resolve("store.json"), "unix:uid"))
                .isEqualTo(StoreOwner.ROOT);
    }

    @Test
    void ownStoreAndFolderAreOpenedAndSoIsANewOne() throws IOException {
        makeStore();
        makeStore();
        assertThatCode(() -> ContentStore.refuseForeign(given)).doesNotThrowAnyException();
        assertThatCode(() -> ContentStore.refuseForeign(given.resolve("missing")))
                .doesNotThrowAnyException();
        assertThat(StoreOwner.foreign(new StoreLayout(folder()))).isEmpty();
    }

    @Test
    void storeBelongsToWhoeverMadeItsLockAndAFolderWithoutOneToItsOwner() throws IOException {
        makeStore();
        int own = (int) Files.getAttribute(given, "unix:uid");
        assertThat(owner().uid()).isEqualTo(own);

        Files.delete(folder().resolve("lock"));
        assertThat(owner().uid()).isEqualTo(own);
        assertThat(owner().folder()).isEqualTo(folder());

        assertThat(StoreOwner.of(new StoreLayout(given.resolve("missing")))).isEmpty();
    }

    @Test
    void ownerWithAHighNumberIsShownByIt() throws IOException {
        assumeRoot();
        makeStore();
        give(folder(), (int) 4_000_000_000L);

        assertThat(owner().uid()).isEqualTo(4_000_000_000L);
        assertThat(owner().refusal())
                .contains("belongs to the user 4000000000,", "setpriv --reuid=4000000000 --regid=4000000000 ");
    }

    @Test
    void ownerWithANameIsNamedAndAskedForByIt() {
        StoreOwner owner = new StoreOwner(Path.of("/data"), 998, 997, "mirror");

        assertThat(owner.refusal())
                .startsWith("the cache directory /data belongs to mirror (user 998),")
                .contains("(sudo -u mirror ...)");
        assertThat(owner.warning())
                .contains("a server of mirror cannot be started on it any more", "chown -R 0:0 /data/.");
    }

    @Test
    void folderOfAServiceWithADynamicUserIsKnownByItsPlace() {
        assertThat(StoreOwner.ofDynamicUser(Path.of("/var/lib/private/entrepot")))
                .contains("entrepot");
        assertThat(StoreOwner.ofDynamicUser(Path.of("/var/lib/private/entrepot/data")))
                .contains("entrepot");
        assertThat(StoreOwner.ofDynamicUser(Path.of("/var/lib/private"))).isEmpty();
        assertThat(StoreOwner.ofDynamicUser(Path.of("/var/lib/entrepot"))).isEmpty();
    }

    @Test
    void fileSystemsWhereAllBelongsToTheOwnerOfTheMountHaveNoOwnersOfTheirOwn() {
        assertThat(List.of("vfat", "exfat", "cifs")).noneMatch(StoreOwner::hasOwners);
        assertThat(List.of("ext4", "xfs", "overlay", "tmpfs", "nfs4")).allMatch(StoreOwner::hasOwners);
    }
}
