package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteConfig;

/** What a pin protects and serves after its index was damaged, while no upstream can be asked. */
class IndexSalvageTest {
    private static final int LAYER = 100_000;
    private static final long CAPACITY = 1_000_000;
    private static final Tag TAG = new Tag("v1");
    private static final Digest NOWHERE = Digest.sha256(new byte[] {42});

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/pinned");
    private final FakeUpstream others = new FakeUpstream("docker.io/library/others");

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private int seed;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory, CacheFixture.FAST, CAPACITY);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private ManifestBytes image(FakeUpstream of) throws IOException {
        return CacheFixture.image(of, CacheFixture.randomBytes(LAYER, ++seed), CacheFixture.randomBytes(LAYER, ++seed));
    }

    private void pull(FakeUpstream of, ManifestBytes manifest) throws IOException {
        PullThrough repository = fixture.repository(of);
        repository.manifest(manifest.digest());
        for (Descriptor blob : Manifest.parse(manifest).blobs()) {
            assertThat(Digest.sha256(CacheFixture.readAll(repository, blob.digest())))
                    .isEqualTo(blob.digest());
        }
        fixture.awaitIdle();
        fixture.clock.advance(Duration.ofMinutes(2));
    }

    private ManifestBytes pulledAndPinned() throws IOException {
        ManifestBytes pinned = image(upstream);
        upstream.tag(TAG.value(), pinned);
        fixture.repository(upstream).manifest(TAG);
        pull(upstream, pinned);
        fixture.evictor.pins().pin(Pin.all(upstream.repository(), TAG));
        return pinned;
    }

    private void spoilAndOpen() throws Exception {
        closeAndSpoil();
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
    }

    // At the end of the file, where the links of the others are.
    private void closeAndSpoil() throws Exception {
        for (int i = 0; i < 3000; i++) {
            Digest digest = Digest.sha256(new byte[] {(byte) i, (byte) (i >> 8)});
            fixture.index.links().add(others.repository(), List.of(new Link(digest, OptionalLong.of(i), false)));
        }
        close();
        sql("UPDATE meta SET value = 0 WHERE key = 'clean'");
        Path file = directory.resolve("index.db");
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 40_000, bytes.length, (byte) 0x5a);
        Files.write(file, bytes);
    }

    private void sql(String statement) throws SQLException {
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                var run = other.createStatement()) {
            run.execute(statement);
        }
    }

    @Test
    void pinnedTagOfADamagedIndexIsKeptUnderPressureAndServedWithoutItsUpstream() throws Exception {
        ManifestBytes pinned = pulledAndPinned();
        ManifestBytes signature = image(upstream);
        upstream.referrers.put(pinned.digest(), new Referrers(Referrers.Origin.API, List.of(signature.descriptor())));
        fixture.repository(upstream).referrers(pinned.digest());
        pull(upstream, signature);
        spoilAndOpen();
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "off by the test"));
        for (int i = 0; i < 7; i++) {
            pull(others, image(others));
        }
        fixture.makeRoom(LAYER);
        assertThat(fixture.evictor.evictions()).isPositive();
        assertThat(fixture.repository(upstream).manifest(TAG).content().digest())
                .isEqualTo(pinned.digest());
        pull(upstream, pinned);
        assertThat(fixture.repository(upstream)
                        .referrers(pinned.digest())
                        .content()
                        .descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(signature.digest());
        pull(upstream, signature);
        assertThat(fixture.evictor
                        .pins()
                        .graph(Pin.all(upstream.repository(), TAG))
                        .isComplete())
                .isTrue();
    }

    @Test
    void tagsOfPinsThatOnlyTheListHasAreKeptToo() throws Exception {
        ManifestBytes pinned = pulledAndPinned();
        close();
        sql("DROP TABLE pins");
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
        assertThat(fixture.index.pins().all()).hasSize(1);
        assertThat(fixture.index.tags().get(upstream.repository(), TAG).map(TagRecord::digest))
                .contains(pinned.digest());
        for (Descriptor blob : Manifest.parse(pinned).blobs()) {
            assertThat(fixture.evictor.pins().isPinned(blob.digest())).isTrue();
        }
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "off by the test"));
        assertThat(fixture.repository(upstream).manifest(TAG).content().digest())
                .isEqualTo(pinned.digest());
        pull(upstream, pinned);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pinThatTheListHasNarrowerStaysAsWideAsTheIndexHasIt(boolean damaged) throws Exception {
        pulledAndPinned();
        Pin wide = Pin.all(upstream.repository(), TAG);
        if (damaged) {
            closeAndSpoil();
        } else {
            close();
        }
        Pin narrow = new Pin(upstream.repository(), TAG, List.of(Platform.parse("linux/s390x")), false);
        new PinList(new StoreLayout(directory)).write(PinList.encode(List.of(narrow)));
        if (!damaged) {
            // As an older index is that was put in its place.
            sql("UPDATE meta SET value = 1 WHERE key = 'opening'");
        }
        open();
        assertThat(fixture.index.wasRebuilt()).isEqualTo(damaged);
        assertThat(fixture.index.pins().all()).containsExactly(wide);
    }

    @Test
    void formerImageOfAPinnedTagThatWasDeniedIsKeptToo() throws Exception {
        ManifestBytes pinned = pulledAndPinned();
        upstream.manifests.remove(TAG);
        assertThatThrownBy(() -> fixture.repository(upstream).manifest(TAG)).isInstanceOf(IOException.class);
        spoilAndOpen();
        assertThat(fixture.evictor
                        .pins()
                        .graph(Pin.all(upstream.repository(), TAG))
                        .root())
                .contains(pinned.digest());
    }

    @Test
    void onlyWhatIsUnderPinsAndMakesSenseIsTakenOver() throws Exception {
        ManifestBytes pinned = pulledAndPinned();
        Repository repository = upstream.repository();
        ManifestBytes other = image(others);
        others.tag("v2", other);
        fixture.repository(others).manifest(new Tag("v2"));
        fixture.index
                .tags()
                .put(
                        repository,
                        new Tag("gone"),
                        new TagRecord(NOWHERE, fixture.clock.instant(), fixture.clock.instant()));
        fixture.index.links().add(repository, List.of(new Link(NOWHERE, OptionalLong.of(1), false)));
        fixture.index.flush();
        String into = "INSERT INTO tags (repository, tag, digest, checked_at, first_seen_at) SELECT repository, ";
        sql(into + "'NOT/A TAG', digest, checked_at, first_seen_at FROM tags WHERE tag = 'v1'");
        sql(into + "'cut', x'', checked_at, first_seen_at FROM tags WHERE tag = 'v1'");
        sql("INSERT INTO tag_history SELECT repository, 'v1', x'5a' FROM tags WHERE tag = 'v1'");
        sql("INSERT INTO documents SELECT repository, digest, 0, x'5a' FROM tags WHERE tag = 'v1'");
        spoilAndOpen();
        assertThat(fixture.index.tags().knownIn(repository)).containsExactly(TAG);
        assertThat(fixture.index.links().get(repository, pinned.digest())).isPresent();
        assertThat(fixture.index.links().get(repository, NOWHERE)).isEmpty();
        assertThat(fixture.index.tags().history(repository, TAG)).isEqualTo(TagHistory.NONE);
        assertThat(fixture.index.lists().referrers(repository, pinned.digest())).isEmpty();
        assertThat(fixture.index.tags().knownIn(others.repository())).isEmpty();
        assertThat(fixture.index.links().get(others.repository(), other.digest()))
                .isEmpty();
    }

    @Test
    void rebuildByHandTakesTheSameOverAndPutsTheDamagedOneAsideOnce() throws Exception {
        ManifestBytes pinned = pulledAndPinned();
        closeAndSpoil();
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            try (CacheIndex index = CacheIndex.rebuild(store, fixture.clock)) {
                assertThat(index.tags().get(upstream.repository(), TAG).map(TagRecord::digest))
                        .contains(pinned.digest());
                assertThat(index.pins().all()).hasSize(1);
            }
            assertThat(store.layout().damagedIndex(1)).exists();
            assertThat(store.layout().damagedIndex(2)).doesNotExist();
        }
        open();
    }
}
