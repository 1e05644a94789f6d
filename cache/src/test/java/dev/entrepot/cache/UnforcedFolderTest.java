package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files whose names the disk does not confirm. A folder that may be written to and not be read takes a file, and cannot
 * be opened to be forced; except by root, for whom all may be read.
 */
class UnforcedFolderTest {
    @TempDir
    Path directory;

    private Optional<Path> unreadable = Optional.empty();

    private void makeUnreadable(Path folder) throws IOException {
        unreadable = Optional.of(folder);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("-wx------"));
        assumeFalse(Files.isReadable(folder), "root may read everything");
    }

    @AfterEach
    void makeReadable() throws IOException {
        if (unreadable.isPresent()) {
            Files.setPosixFilePermissions(unreadable.get(), PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    void fileIsThereWhoseFolderCouldNotBeForced() throws IOException {
        Path folder = Files.createDirectory(directory.resolve("folder"));
        makeUnreadable(folder);
        Path temporary = directory.resolve("temporary");
        assertThatThrownBy(() -> Durability.write(temporary, folder.resolve("file"), new byte[3]))
                .isInstanceOf(Durability.NotForcedException.class);
        assertThat(folder.resolve("file")).hasSize(3);
        assertThat(temporary).doesNotExist();
    }

    @Test
    void manifestWhoseFolderCouldNotBeForcedIsKeptAndCounted() throws IOException {
        FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
        ManifestBytes image = CacheFixture.image(upstream, new byte[100]);
        try (CacheFixture cache = new CacheFixture(directory)) {
            makeUnreadable(cache.store
                    .layout()
                    .content(ContentKind.MANIFEST, image.digest())
                    .getParent());
            assertThat(cache.cache.keep(image, upstream.repository())).isTrue();
            assertThat(cache.store.refusals().last()).isEmpty();
            assertThat(cache.index.contents().storedBytes()).isEqualTo(image.sizeBytes());
        }
    }

    @Test
    void listOfPinsWhoseFolderCouldNotBeForcedIsWrittenAgain() throws IOException {
        Repository repository = Repository.parse("docker.io/library/pinned");
        Path file = directory.resolve("pins.json");
        try (CacheFixture cache = new CacheFixture(directory)) {
            makeUnreadable(directory);
            cache.evictor.pins().pin(Pin.all(repository, new Tag("v1")));
            makeReadable();
            PinList list = new PinList(cache.store.layout());
            assertThat(list.read()).contains(List.of(Pin.all(repository, new Tag("v1"))));
            Files.setLastModifiedTime(file, FileTime.fromMillis(0));
            cache.index.pinListing().catchUp();
            assertThat(Files.getLastModifiedTime(file)).isGreaterThan(FileTime.fromMillis(0));
        }
    }
}
