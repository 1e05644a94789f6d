package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A database that somebody else holds, so that nothing can be written to it. */
@Timeout(60)
class SlowIndexTest {
    private static final int FULL = 32 * 1024;

    @TempDir
    Path directory;

    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;
    private Connection holder;

    @BeforeEach
    void open() throws IOException, SQLException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
        holder = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("index.db"));
        holder.createStatement().execute("BEGIN IMMEDIATE");
    }

    @AfterEach
    void close() throws IOException, SQLException {
        holder.close();
        cache.close();
    }

    private void noteMuch() {
        for (int i = 0; i < FULL; i++) {
            cache.index.contents().stored(Digest.sha256(new byte[] {1}), ContentKind.BLOB, 1, Optional.empty());
        }
    }

    private void release() throws Exception {
        holder.close();
        for (int i = 0; i < 400 && cache.index.isFull(); i++) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    @Test
    void whatCannotBeNotedIsPassedThroughAndNotStored() throws Exception {
        noteMuch();
        assertThat(cache.index.isFull()).isTrue();
        byte[] bytes = CacheFixture.randomBytes(100_000, 1);
        ManifestBytes image = CacheFixture.image(upstream, bytes);

        assertThat(repository.manifest(image.digest()).content().array()).isEqualTo(image.array());
        assertThat(CacheFixture.readAll(repository, Digest.sha256(bytes))).isEqualTo(bytes);
        cache.awaitIdle();

        assertThat(cache.store.containsManifest(image.digest())).isFalse();
        assertThat(cache.store.blobSize(Digest.sha256(bytes))).isEmpty();
        assertThat(cache.index.contents().storedCount()).isEqualTo(1);
        assertThat(cache.store.refusals().last().orElseThrow().why()).contains("the index");
        release();
        assertThat(CacheFixture.readAll(repository, Digest.sha256(bytes))).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(Digest.sha256(bytes))).isPresent();
    }
}
