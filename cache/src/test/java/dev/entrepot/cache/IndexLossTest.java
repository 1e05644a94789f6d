package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/** An index that is gone, or not the one that was last used with the files beside it. */
class IndexLossTest {
    private static final int LAYER = 100_000;
    private static final Tag TAG = new Tag("v1");

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/pinned");

    @TempDir
    Path directory;

    @TempDir
    Path backup;

    private CacheFixture fixture;
    private int seed;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private ManifestBytes pull() throws IOException {
        byte[] layer = CacheFixture.randomBytes(LAYER, ++seed);
        ManifestBytes image = CacheFixture.image(upstream, layer);
        upstream.tag(TAG.value(), image);
        PullThrough repository = fixture.repository(upstream);
        repository.manifest(image.digest());
        CacheFixture.readAll(repository, Digest.sha256(layer));
        fixture.awaitIdle();
        return image;
    }

    private Path index() {
        return directory.resolve("index.db");
    }

    private void sql(String statement) throws SQLException {
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + index());
                var run = other.createStatement()) {
            run.execute(statement);
        }
    }

    private void agreesWithTheFiles() throws IOException {
        long bytes = fixture.index.storedBytes();
        long count = fixture.index.storedCount();
        assertThat(IndexComparison.run(fixture.store, fixture.index)).isEqualTo(new IndexComparison.Result(0, 0));
        assertThat(fixture.index.storedBytes()).isEqualTo(bytes);
        assertThat(fixture.index.storedCount()).isEqualTo(count);
    }

    private void restored() throws IOException {
        close();
        Files.copy(backup.resolve("index.db"), index(), StandardCopyOption.REPLACE_EXISTING);
    }

    private void backedUp() throws IOException {
        close();
        Files.copy(index(), backup.resolve("index.db"));
        open();
    }

    @Test
    void olderIndexInPlaceOfTheLastOneIsComparedWithTheFiles() throws IOException {
        pull();
        backedUp();
        pull();
        restored();
        open();
        assertThat(fixture.index.storedCount()).isEqualTo(4);
        agreesWithTheFiles();
    }

    @Test
    void serverThatOpensAnOlderIndexAtOnceLeavesTheComparisonToTheBackground() throws IOException {
        pull();
        backedUp();
        pull();
        restored();
        for (int start = 1; start <= 2; start++) {
            try (ContentStore store = ContentStore.open(directory, fixture.clock);
                    CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                assertThat(index.isCompared()).isFalse();
                assertThat(index.storedCount()).isEqualTo(2);
            }
        }
        open();
        assertThat(fixture.index.storedCount()).isEqualTo(4);
    }

    @Test
    void indexThatWasClosedInGoodOrderIsNotComparedNorIsOneOfAnEarlierProgram() throws Exception {
        pull();
        close();
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            for (int opening = 1; opening <= 2; opening++) {
                try (CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                    assertThat(index.isCompared()).isTrue();
                }
            }
        }
        sql("DELETE FROM meta WHERE key = 'opening'");
        Files.writeString(directory.resolve("store.json"), "{\"version\":1}");
        for (int start = 1; start <= 2; start++) {
            try (ContentStore store = ContentStore.open(directory, fixture.clock);
                    CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                assertThat(index.isCompared()).isTrue();
            }
        }
        open();
    }

    @Test
    void indexThatAnEarlierProgramHasUsedSinceIsComparedOnce() throws IOException {
        pull();
        close();
        Files.writeString(directory.resolve("store.json"), "{\"version\":1}");
        open();
        assertThat(fixture.index.isCompared()).isTrue();
        close();
        try (ContentStore store = ContentStore.open(directory, fixture.clock);
                CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
            assertThat(index.isCompared()).isTrue();
        }
        open();
    }
}
