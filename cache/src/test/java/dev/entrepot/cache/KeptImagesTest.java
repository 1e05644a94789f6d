package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptImagesTest {
    private static final Repository APP = Repository.parse("docker.io/library/app");
    private static final Tag TAG = new Tag("v1");

    private final FakeUpstream upstream = new FakeUpstream(APP.toString());

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private KeptImages images;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory);
        images = new KeptImages(fixture.store, fixture.index, fixture.evictor.pins());
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private ManifestBytes pulled() throws IOException {
        ManifestBytes image = CacheFixture.image(upstream, CacheFixture.randomBytes(1000, 1));
        upstream.tag(TAG.value(), image);
        fixture.repository(upstream).manifest(TAG);
        return image;
    }

    @Test
    void blobsThatNobodyAskedForAreNotKept() throws IOException {
        ManifestBytes image = pulled();
        Descriptor layer = Manifest.parse(image).blobs().get(1);
        CacheFixture.readAll(fixture.repository(upstream), layer.digest());
        fixture.awaitIdle();
        KeptImage found = images.find(APP, TAG).orElseThrow();
        KeptImage.Node root = found.manifests().getFirst();
        assertThat(root.kept()).isTrue();
        assertThat(root.blobs()).extracting(KeptImage.Blob::kept).containsExactly(false, true);
        assertThat(root.referrersAsOf()).isEmpty();
        assertThat(found.tag()).isPresent();
        assertThat(images.find(APP, image.digest()).orElseThrow().tag()).isEmpty();
    }

    @Test
    void listsAreToldTheArtifactTypeOfAManifestThatIsKeptUnlessItIsLarge() throws IOException {
        ManifestBytes image = pulled();
        String type = Manifest.parse(image).artifactType().orElseThrow();
        assertThat(images.artifactType(image.digest(), image.sizeBytes())).contains(type);
        assertThat(images.artifactType(image.digest(), KeptImages.MOST_LISTED_BYTES + 1))
                .isEmpty();
        Digest stranger = Digest.sha256("not kept".getBytes(StandardCharsets.US_ASCII));
        assertThat(images.artifactType(stranger, 10)).isEmpty();
    }

    @Test
    void manifestThatIsFoundBadWhenItIsLookedAtIsToBeFetchedAnew() throws IOException {
        ManifestBytes image = pulled();
        Files.write(fixture.store.layout().content(ContentKind.MANIFEST, image.digest()), new byte[3]);
        assertThat(images.find(APP, TAG).orElseThrow().manifests().getFirst().kept())
                .isFalse();
        assertThat(fixture.index.contents().isStored(image.digest())).isFalse();
        try (Scrub scrub =
                new Scrub(fixture.store, fixture.index, Duration.ofDays(30), 1_000_000, fixture.clock, pause -> {})) {
            List<Digest> asked = new ArrayList<>();
            scrub.heal((owner, kind, lost) -> asked.add(lost));
            scrub.healAgain();
            assertThat(asked).containsExactly(image.digest());
        }
    }

    @Test
    void manifestThatAnotherRepositoryHasIsNotShownForThisOne() throws IOException {
        ManifestBytes image = pulled();
        assertThat(images.find(Repository.parse("docker.io/library/other"), image.digest()))
                .isEmpty();
    }

    @Test
    void cosignsTagsAreFoundAndWhatTheyNameNeedNotBeKept() throws IOException {
        ManifestBytes image = pulled();
        Digest signature = Digest.sha256("a signature".getBytes(StandardCharsets.US_ASCII));
        Tag tag = new Tag(image.digest().referrersTag().value() + ".sig");
        fixture.index.tags().put(APP, tag, new TagRecord(signature, fixture.clock.instant(), fixture.clock.instant()));
        KeptImage found = images.find(APP, TAG).orElseThrow();
        assertThat(found.manifests().getFirst().tags()).containsEntry(tag, signature);
        KeptImage.Node named = found.manifests().get(1);
        assertThat(named.descriptor().digest()).isEqualTo(signature);
        assertThat(named.kept()).isFalse();
    }

    @Test
    void lookingIsNoUse() throws IOException {
        ManifestBytes image = pulled();
        fixture.index.flush();
        Instant before = lastUsed(image);
        fixture.clock.advance(Duration.ofHours(1));
        images.find(APP, TAG);
        fixture.index.flush();
        assertThat(lastUsed(image)).isEqualTo(before);
    }

    @Test
    void lastUseIsThatOfTheLastPullAlsoOnceItIsWritten() throws IOException {
        ManifestBytes image = pulled();
        fixture.index.flush();
        lastUsed(image);
        fixture.clock.advance(Duration.ofHours(1));
        fixture.repository(upstream).manifest(image.digest());
        assertThat(lastUsed(image)).isEqualTo(fixture.clock.instant());
        fixture.index.flush();
        assertThat(lastUsed(image)).isEqualTo(fixture.clock.instant());
    }

    private Instant lastUsed(ManifestBytes image) throws IOException {
        return images.find(APP, image.digest())
                .orElseThrow()
                .manifests()
                .getFirst()
                .lastUsed()
                .orElseThrow();
    }
}
