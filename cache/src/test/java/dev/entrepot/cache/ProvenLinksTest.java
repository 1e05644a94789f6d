package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/** What opens what is kept to a repository of another upstream, and what does not. */
@Timeout(30)
class ProvenLinksTest {
    private static final int SIZE = 100_000;

    @TempDir
    private Path directory;

    private final byte[] bytes = CacheFixture.randomBytes(SIZE, 5);
    private final Digest digest = Digest.sha256(bytes);
    private CacheFixture cache;
    private FakeUpstream owner;
    private FakeUpstream other;
    private PullThrough owning;
    private PullThrough reading;
    private ManifestBytes image;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        owner = new FakeUpstream("up.test/private/app");
        other = new FakeUpstream("evil.test/a/b");
        owning = cache.repository(owner);
        reading = cache.repository(other);
        image = CacheFixture.image(owner, bytes);
        owning.manifest(image.digest());
        assertThat(CacheFixture.readAll(owning, digest)).isEqualTo(bytes);
        cache.awaitIdle();
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private static ManifestBytes put(FakeUpstream upstream, MediaType type, String json) throws IOException {
        ManifestBytes manifest = ManifestBytes.of(type, json.getBytes(StandardCharsets.UTF_8));
        upstream.manifests.put(manifest.digest(), manifest);
        return manifest;
    }

    // One that is not among what the upstream has: it was put together by who knows the digest.
    private ManifestBytes naming(Digest named) throws IOException {
        String descriptor = "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" + named
                + "\",\"size\":" + SIZE + "}";
        return put(
                other,
                MediaType.OCI_MANIFEST,
                "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_MANIFEST + "\",\"config\":" + descriptor
                        + ",\"layers\":[" + descriptor + "]}");
    }

    @Test
    void manifestThatNamesABlobOfAnotherUpstreamDoesNotOpenIt() throws IOException {
        reading.manifest(naming(digest).digest());

        assertThatThrownBy(() -> reading.statBlob(digest)).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> CacheFixture.readAll(reading, digest)).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> reading.keepBlob(digest)).isInstanceOf(NotFoundException.class);
        assertThat(other.asked).contains("HEAD blob " + digest);
    }

    @Test
    void indexThatNamesAManifestOfAnotherUpstreamDoesNotOpenIt() throws IOException {
        ManifestBytes index = put(
                other,
                MediaType.OCI_INDEX,
                "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_INDEX + "\",\"manifests\":[{\"mediaType\":\""
                        + MediaType.OCI_MANIFEST + "\",\"digest\":\"" + image.digest() + "\",\"size\":"
                        + image.sizeBytes() + "}]}");
        reading.manifest(index.digest());

        assertThatThrownBy(() -> reading.manifest(image.digest())).isInstanceOf(NotFoundException.class);
    }

    @Test
    void blobThatIsJustComingFromAnotherUpstreamIsNotOpenedEither() throws IOException {
        byte[] coming = CacheFixture.randomBytes(SIZE, 6);
        Digest underWay = Digest.sha256(coming);
        owning.manifest(CacheFixture.image(owner, coming).digest());
        reading.manifest(naming(underWay).digest());
        owner.permits = new Semaphore(1000);
        try (BlobContent first = owning.openBlob(underWay).content()) {
            assertThatThrownBy(() -> reading.openBlob(underWay)).isInstanceOf(NotFoundException.class);
            other.statedSizes.put(underWay, 15L);
            assertThatThrownBy(() -> reading.openBlob(underWay)).isInstanceOf(NotFoundException.class);
            owner.permits.release(SIZE);
            assertThat(CacheFixture.readFrom(first, 0)).isEqualTo(coming);
        }
    }

    @Test
    void blobThatAnotherUpstreamSaysItHasIsAskedForOnce() throws IOException {
        other.blobs.put(digest, bytes);
        reading.manifest(naming(digest).digest());

        assertThat(reading.statBlob(digest).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(CacheFixture.readAll(reading, digest)).isEqualTo(bytes);
        assertThat(CacheFixture.readAll(reading, digest)).isEqualTo(bytes);
        assertThat(other.count("HEAD blob " + digest)).isEqualTo(1);
        assertThat(other.count("GET blob " + digest)).isZero();
        cache.index.flush();
        cache.close();
        cache = new CacheFixture(directory);
        assertThat(CacheFixture.readAll(cache.repository(other), digest)).isEqualTo(bytes);
        assertThat(other.count("HEAD blob " + digest)).isEqualTo(1);
    }

    @Test
    void imageOfTheSameUpstreamIsServedWithoutAskingIt() throws IOException {
        FakeUpstream sibling = new FakeUpstream("up.test/private/other");
        sibling.manifests.put(image.digest(), image);
        PullThrough beside = cache.repository(sibling);
        beside.manifest(image.digest());
        sibling.asked.clear();
        owner.asked.clear();

        assertThat(CacheFixture.readAll(beside, digest)).isEqualTo(bytes);
        assertThat(beside.statBlob(digest).verdict()).isEqualTo(Verdict.HIT);
        assertThat(CacheFixture.readAll(owning, digest)).isEqualTo(bytes);
        assertThat(owning.manifest(image.digest()).verdict()).isEqualTo(Verdict.HIT);
        assertThat(sibling.asked).isEmpty();
        assertThat(owner.asked).isEmpty();
    }

    // The content is lost here and fetched anew for an upstream that others have; nobody else can be asked by then.
    private FakeUpstream sibling() {
        FakeUpstream sibling = new FakeUpstream("up.test/private/other");
        sibling.manifests.putAll(owner.manifests);
        sibling.blobs.putAll(owner.blobs);
        other.manifests.putAll(owner.manifests);
        other.blobs.putAll(owner.blobs);
        return sibling;
    }

    private void outage(FakeUpstream upstream) {
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.SERVER_ERROR, "down by the test"));
    }

    private void fetchedAnewForTheOther() throws IOException {
        cache.awaitIdle();
        cache.store.deleteBlob(digest);
        cache.index.contents().removed(digest);
        reading.manifest(image.digest());
        assertThat(CacheFixture.readAll(reading, digest)).isEqualTo(bytes);
        cache.awaitIdle();
    }

    @Test
    void blobThatAHitHasProvenIsServedOfflineAfterAnotherUpstreamHasSentItAnew() throws IOException {
        FakeUpstream sibling = sibling();
        PullThrough beside = cache.repository(sibling);
        beside.manifest(image.digest());
        assertThat(CacheFixture.readAll(beside, digest)).isEqualTo(bytes);
        assertThat(sibling.count("GET blob " + digest)).isZero();
        fetchedAnewForTheOther();
        outage(owner);
        outage(sibling);

        assertThat(CacheFixture.readAll(owning, digest)).isEqualTo(bytes);
        assertThat(CacheFixture.readAll(beside, digest)).isEqualTo(bytes);
        assertThat(beside.statBlob(digest).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void blobThatASiblingHasFollowedIsServedOfflineAfterAnotherUpstreamHasSentItAnew() throws IOException {
        FakeUpstream sibling = sibling();
        PullThrough beside = cache.repository(sibling);
        beside.manifest(image.digest());
        cache.store.deleteBlob(digest);
        cache.index.contents().removed(digest);
        owner.permits = new Semaphore(1000);
        try (BlobContent first = owning.openBlob(digest).content();
                BlobContent followed = beside.openBlob(digest).content()) {
            owner.permits.release(SIZE);
            assertThat(CacheFixture.readFrom(first, 0)).isEqualTo(bytes);
            assertThat(CacheFixture.readFrom(followed, 0)).isEqualTo(bytes);
        }
        assertThat(sibling.count("GET blob " + digest)).isZero();
        fetchedAnewForTheOther();
        outage(sibling);

        assertThat(CacheFixture.readAll(beside, digest)).isEqualTo(bytes);
    }

    @Test
    void manifestThatAHitHasProvenIsServedOfflineAfterATagOfAnotherUpstreamHasBroughtItAnew() throws IOException {
        ManifestBytes index = put(
                owner,
                MediaType.OCI_INDEX,
                "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_INDEX + "\",\"manifests\":[{\"mediaType\":\""
                        + MediaType.OCI_MANIFEST + "\",\"digest\":\"" + image.digest() + "\",\"size\":"
                        + image.sizeBytes() + "}]}");
        FakeUpstream sibling = sibling();
        PullThrough beside = cache.repository(sibling);
        beside.manifest(index.digest());
        assertThat(beside.manifest(image.digest()).verdict()).isEqualTo(Verdict.HIT);
        other.tag("v1", image);
        reading.manifest(new Tag("v1"));
        outage(sibling);

        assertThat(beside.manifest(image.digest()).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void tagProvesWhatASiblingHasFetchedForGood() throws IOException {
        FakeUpstream sibling = sibling();
        sibling.tag("v1", image);
        PullThrough beside = cache.repository(sibling);
        beside.manifest(new Tag("v1"));

        assertThat(cache.index.links().get(sibling.repository(), image.digest()).map(Link::proven))
                .contains(true);
    }

    @Test
    void hitsOfWhatIsProvenByNowWriteNothing() throws Exception {
        FakeUpstream sibling = sibling();
        PullThrough beside = cache.repository(sibling);
        beside.manifest(image.digest());
        CacheFixture.readAll(beside, digest);
        cache.index.flush();
        assertThat(cache.index.links().get(sibling.repository(), digest).map(Link::proven))
                .contains(true);
        try (Connection watching = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                var statement = watching.createStatement()) {
            statement.execute("CREATE TRIGGER counted BEFORE UPDATE ON links BEGIN"
                    + " INSERT OR REPLACE INTO meta (key, value) VALUES ('link written', 1); END");
        }
        CacheFixture.readAll(beside, digest);
        beside.manifest(image.digest());
        beside.statBlob(digest);
        cache.index.flush();

        assertThat(cache.index.number("link written")).isEmpty();
    }

    @Test
    void headThatStatesAnotherSizeIsNoProof() {
        other.statedSizes.put(digest, 15L);

        assertThatThrownBy(() -> reading.statBlob(digest)).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> CacheFixture.readAll(reading, digest)).isInstanceOf(NotFoundException.class);
        assertThat(cache.index.links().get(reading.repository(), digest)).isEmpty();
    }

    @Test
    void fetchThatFindsTheBlobKeptDoesNotBelieveAHeadThatStatesAnotherSizeEither() throws Exception {
        other.blobs.put(digest, bytes);
        other.statedSizes.put(digest, 15L);
        BlobFetches.Joined begun = cache.cache
                .fetches()
                .join(
                        digest,
                        other.repository(),
                        Optional.empty(),
                        other,
                        true,
                        OptionalLong.empty(),
                        true,
                        Optional.empty());
        cache.awaitIdle();

        assertThat(begun.fetch().progress().failure()).isEmpty();
        assertThat(other.count("GET blob " + digest)).isEqualTo(1);
    }

    @Test
    void headThatStatesAnotherSizeIsNotBelievedWhereTheBlobIsThere() throws IOException {
        other.blobs.put(digest, bytes);
        other.statedSizes.put(digest, 15L);

        assertThat(CacheFixture.readAll(reading, digest)).isEqualTo(bytes);
    }

    @Test
    void blobThatHadAllComeForAnotherUpstreamWhenTheProcessWasKilledIsNotOpenedEither() throws IOException {
        byte[] left = CacheFixture.randomBytes(SIZE, 7);
        Digest whole = Digest.sha256(left);
        Files.write(new StoreLayout(directory).partial(whole), left);
        reading.manifest(naming(whole).digest());

        assertThatThrownBy(() -> CacheFixture.readAll(reading, whole)).isInstanceOf(NotFoundException.class);
        assertThat(other.asked).contains("HEAD blob " + whole);
    }

    @Test
    void blobThatHadAllComeIsFinishedWithoutTheUpstreamOfARepositoryThatIsProvenToHaveIt() throws IOException {
        Files.move(
                cache.store.layout().content(ContentKind.BLOB, digest),
                cache.store.layout().partial(digest));
        int asked = owner.asked.size();
        assertThat(CacheFixture.readAll(owning, digest)).isEqualTo(bytes);
        assertThat(owner.asked).hasSize(asked);
    }
}
