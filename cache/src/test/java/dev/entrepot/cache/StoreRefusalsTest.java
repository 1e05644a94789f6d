package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk on which no file can be made, as one without inodes. */
@Timeout(30)
class StoreRefusalsTest {
    @TempDir
    Path directory;

    private final byte[] bytes = CacheFixture.randomBytes(100_000, 1);
    private final Digest digest = Digest.sha256(bytes);
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private CacheFixture cache;
    private PullThrough repository;
    private ManifestBytes image;
    private Path ingest;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        repository = cache.repository(upstream);
        image = CacheFixture.image(upstream, bytes);
        ingest = directory.resolve("ingest");
        Files.delete(ingest);
        Files.createFile(ingest);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private void repair() throws IOException {
        Files.delete(ingest);
        Files.createDirectory(ingest);
    }

    @Test
    void blobThatCouldNotBeStoredIsRememberedUntilOneIs() throws Exception {
        repository.manifest(image.digest());
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.refusals().last()).isPresent();
        StoreRefusals.Refusal refusal = cache.store.refusals().last().orElseThrow();
        assertThat(refusal.kind()).isEqualTo(ContentKind.BLOB);
        assertThat(refusal.at()).isEqualTo(cache.clock.instant());
        assertThat(refusal.why()).isNotEmpty().doesNotContain(directory.toString());

        repair();
        // Small as it is, it says nothing of blobs.
        cache.cache.keep(image, upstream.repository());
        assertThat(cache.store.refusals().last()).isPresent();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.refusals().last()).isEmpty();
    }

    @Test
    void blobThatHasComeAndCannotBeGivenItsNameIsServedAndKeptLaterWithoutBeingFetchedAgain() throws Exception {
        repair();
        repository.manifest(image.digest());
        Path folder = cache.store.layout().content(ContentKind.BLOB, digest).getParent();
        Files.createDirectories(folder.getParent());
        Files.deleteIfExists(folder);
        Files.createFile(folder);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.refusals().last().orElseThrow().kind()).isEqualTo(ContentKind.BLOB);
        assertThat(cache.cache.statistics().degraded()).isEqualTo(1);
        assertThat(cache.store.blobSize(digest)).isEmpty();

        Files.delete(folder);
        upstream.asked.clear();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(digest)).hasValue(bytes.length);
        assertThat(upstream.count("GET blob")).isZero();
        assertThat(cache.store.refusals().last()).isEmpty();
    }

    @Test
    void manifestThatCouldNotBeStoredIsRememberedUntilOneIs() throws Exception {
        assertThat(repository.manifest(image.digest()).content().array()).isEqualTo(image.array());
        assertThat(cache.store.refusals().last().orElseThrow().kind()).isEqualTo(ContentKind.MANIFEST);

        repair();
        cache.cache.keep(image, upstream.repository());
        assertThat(cache.store.refusals().last()).isEmpty();
    }
}
