package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What pins protect. Long, because each way in which a pinned graph can lose something is one case over the same small
 * disk.
 */
class PinnedGraphsTest {
    private static final int LAYER = 100_000;
    private static final long CAPACITY = 1_000_000;
    private static final Tag TAG = new Tag("v1");

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/pinned");

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private PullThrough repository;
    private int seed;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory, CacheFixture.FAST, CAPACITY);
        repository = fixture.repository(upstream);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private ManifestBytes image() throws IOException {
        return CacheFixture.image(
                upstream, CacheFixture.randomBytes(LAYER, ++seed), CacheFixture.randomBytes(LAYER + 1, ++seed));
    }

    private ManifestBytes tagged() throws IOException {
        ManifestBytes manifest = image();
        upstream.tag(TAG.value(), manifest);
        return manifest;
    }

    /** Pulls as a client does that has all it wants; then so much time passes that nothing runs any more. */
    private void pull(ManifestBytes manifest) throws IOException {
        repository.manifest(manifest.digest());
        for (Descriptor blob : Manifest.parse(manifest).blobs()) {
            CacheFixture.readAll(repository, blob.digest());
        }
        fixture.awaitIdle();
        fixture.clock.advance(Duration.ofMinutes(2));
    }

    private void pullOthers() throws IOException {
        for (int i = 0; i < 7; i++) {
            pull(image());
        }
        fixture.makeRoom(LAYER);
    }

    private boolean isWhole(ManifestBytes manifest) throws IOException {
        boolean whole = fixture.index.contents().isStored(manifest.digest());
        for (Descriptor blob : Manifest.parse(manifest).blobs()) {
            whole &= fixture.store.blobSize(blob.digest()).isPresent();
        }
        return whole;
    }

    private Pin pin() {
        return Pin.all(upstream.repository(), TAG);
    }

    @Test
    void pinnedImageIsNeverEvictedAndOthersAre() throws IOException {
        ManifestBytes pinned = tagged();
        ManifestBytes other = image();
        repository.manifest(TAG);
        pull(pinned);
        pull(other);
        fixture.evictor.pins().pin(pin());
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
        assertThat(isWhole(other)).isFalse();
        assertThat(fixture.evictor.pinnedBytes()).isGreaterThan(2 * LAYER).isLessThan(2 * LAYER + 2000);
        assertThat(fixture.evictor.usedBytes()).isLessThanOrEqualTo(CAPACITY);
    }

    @Test
    void pinOutlivesTheProcessAndUnpinnedImagesGo() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor
                .pins()
                .pin(new Pin(upstream.repository(), TAG, List.of(Platform.parse("linux/arm64/v8")), false));
        close();
        open();
        assertThat(fixture.evictor.pins().pins()).singleElement().satisfies(pin -> {
            assertThat(pin.reference()).isEqualTo(TAG);
            assertThat(pin.platforms()).containsExactly(Platform.parse("linux/arm64/v8"));
            assertThat(pin.referrers()).isFalse();
        });
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
        assertThat(fixture.evictor.pins().unpin(upstream.repository(), TAG)).isTrue();
        assertThat(fixture.evictor.pins().unpin(upstream.repository(), TAG)).isFalse();
        assertThat(fixture.evictor.pins().pins()).isEmpty();
        pullOthers();
        assertThat(isWhole(pinned)).isFalse();
    }

    @Test
    void manifestThatIsLostDoesNotTakeTheProtectionOfItsLayersAway() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor.pins().pin(pin());
        pullOthers();
        fixture.store.deleteManifest(pinned.digest());
        fixture.index.contents().removed(pinned.digest());
        upstream.tag("other", image());
        repository.manifest(new Tag("other"));
        pullOthers();
        for (Descriptor blob : Manifest.parse(pinned).blobs()) {
            assertThat(fixture.store.blobSize(blob.digest())).isPresent();
        }
        assertThat(fixture.evictor.pins().missing(pin()))
                .extracting(Descriptor::digest)
                .containsExactly(pinned.digest());
    }

    @Test
    void whatCannotBeReadKeepsWhatWasProtectedAndWhatWasMovedDoesNot() {
        Digest old = Digest.sha256(new byte[] {1});
        Digest layer = Digest.sha256(new byte[] {2});
        PinnedGraph before = new PinnedGraph(pin(), Optional.of(old), Set.of(old, layer), List.of(), false);
        PinnedGraph unread = new PinnedGraph(pin(), Optional.empty(), Set.of(), List.of(), true);
        assertThat(unread.with(before).digests()).containsExactlyInAnyOrder(old, layer);
        PinnedGraph moved = new PinnedGraph(pin(), Optional.of(layer), Set.of(layer), List.of(), true);
        assertThat(moved.with(before).digests()).containsExactly(layer);
        PinnedGraph unknown = new PinnedGraph(pin(), Optional.empty(), Set.of(), List.of(), false);
        assertThat(unknown.with(before).digests()).containsExactlyInAnyOrder(old, layer);
        assertThat(unknown.with(before).root()).contains(old);
    }

    @Test
    void whatIsMissingOfAPinIsNamedAndProtectedOnceItComes() throws IOException {
        ManifestBytes pinned = tagged();
        PinnedGraphs pins = fixture.evictor.pins();
        pins.pin(pin());
        assertThat(pins.graph(pin()).root()).isEmpty();
        assertThat(pins.graph(pin()).isComplete()).isFalse();
        repository.manifest(TAG);
        List<Descriptor> blobs = Manifest.parse(pinned).blobs();
        assertThat(pins.missing(pin())).extracting(Descriptor::digest).containsExactlyElementsOf(digests(blobs));
        pullOthers();
        pull(pinned);
        assertThat(pins.missing(pin())).isEmpty();
        assertThat(pins.graph(pin()).isComplete()).isTrue();
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
    }

    @Test
    void whatTheUpstreamDeniesIsStillPinnedAlsoAfterARestart() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor.pins().pin(pin());
        upstream.manifests.remove(TAG);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(NotFoundException.class);
        fixture.evictor.pins().pin(Pin.all(upstream.repository(), image().digest()));
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
        close();
        open();
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
        assertThat(fixture.evictor.pins().graph(pin()).root()).contains(pinned.digest());
    }

    @Test
    void whatIsServedUnderAPinnedTagIsProtectedWhileWhatItNamesIsTooYoung() throws IOException {
        ManifestBytes served = tagged();
        repository.manifest(TAG);
        pull(served);
        fixture.rule = CacheFixture.with(CacheFixture.SETTINGS, Duration.ofDays(3), Duration.ZERO, false);
        fixture.clock.advance(Duration.ofDays(3));
        fixture.evictor.pins().pin(pin());
        ManifestBytes young = tagged();
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(served.digest());
        pullOthers();
        assertThat(isWhole(served)).isTrue();
        // Also if somebody has pulled it by its digest.
        pull(young);
        pullOthers();
        assertThat(isWhole(served)).isTrue();
        assertThat(isWhole(young)).isTrue();
        fixture.clock.advance(Duration.ofDays(3));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(young.digest());
        tagged();
        fixture.clock.advance(Duration.ofMinutes(2));
        repository.manifest(TAG);
        // What the disk holds is read for the policy behind the scenes, which may take longer than one round.
        for (int round = 0; round < 50 && isWhole(served); round++) {
            pullOthers();
        }
        assertThat(isWhole(young)).isTrue();
        assertThat(isWhole(served)).isFalse();
    }

    @Test
    void whatWasServedUnderAPinnedTagMayGoOnceWhatItNamesIsOldEnoughAlsoIfNothingElseChanges() throws IOException {
        ManifestBytes served = tagged();
        repository.manifest(TAG);
        pull(served);
        fixture.rule = CacheFixture.with(CacheFixture.SETTINGS, Duration.ofDays(3), Duration.ZERO, false);
        fixture.clock.advance(Duration.ofDays(3));
        fixture.evictor.pins().pin(pin());
        ManifestBytes young = tagged();
        repository.manifest(TAG);
        pull(young);
        PinnedGraphs pins = fixture.evictor.pins();
        assertThat(pins.isPinned(served.digest())).isTrue();
        assertThat(pins.isPinned(young.digest())).isTrue();
        fixture.clock.advance(Duration.ofDays(4));
        assertThat(pins.isPinned(young.digest())).isTrue();
        assertThat(pins.isPinned(served.digest())).isFalse();
    }

    @Test
    void layersOfAManifestThatCannotBeReadForAMomentAreProtectedOnceItCan() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        pull(pinned);
        Path file = fixture.store.layout().content(ContentKind.MANIFEST, pinned.digest());
        Path elsewhere = directory.resolve("elsewhere");
        Digest layer = Manifest.parse(pinned).blobs().getFirst().digest();
        fixture.evictor.pins().pin(pin());
        close();
        open();
        // As long as the disk fails it: what is no file is put aside.
        Files.move(file, elsewhere);
        Files.createSymbolicLink(file, file);
        assertThat(fixture.evictor.pins().isPinned(layer)).isFalse();
        Files.delete(file);
        Files.move(elsewhere, file);
        assertThat(fixture.index.contents().isStored(pinned.digest())).isTrue();
        fixture.clock.advance(Duration.ofMinutes(1));
        assertThat(fixture.evictor.pins().isPinned(layer)).isTrue();
    }

    @Test
    void manifestThatIsInMemoryAloneIsWrittenAgainWhenAPinIsCompleted() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor.pins().pin(pin());
        fixture.store.deleteManifest(pinned.digest());
        fixture.index.contents().removed(pinned.digest());
        PullThrough background = fixture.cache.alwaysAsking(upstream);
        assertThat(background.keepManifest(TAG).digest()).isEqualTo(pinned.digest());
        assertThat(fixture.store.containsManifest(pinned.digest())).isTrue();
        assertThat(fixture.evictor.pins().graph(pin()).isComplete()).isTrue();
    }

    @Test
    void manifestThatTheDiskRefusesIsNotSaidToBeKept() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        fixture.store.deleteManifest(pinned.digest());
        Path place = fixture.store.layout().content(ContentKind.MANIFEST, pinned.digest());
        Files.delete(place.getParent());
        Files.createFile(place.getParent());
        PullThrough background = fixture.cache.alwaysAsking(upstream);
        assertThatThrownBy(() -> background.keepManifest(TAG)).hasMessageContaining("cannot be kept on the disk");
        assertThat(background.manifest(TAG).content().array()).isEqualTo(pinned.array());
    }

    @Test
    void pinOfATagThatIsOfflineIsCompletedWithoutAskingForTheTag() throws IOException {
        ManifestBytes pinned = tagged();
        repository.manifest(TAG);
        fixture.tagRule = Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, Duration.ZERO, true));
        upstream.asked.clear();
        PullThrough background = fixture.cache.alwaysAsking(upstream);
        assertThat(background.keepManifest(TAG).digest()).isEqualTo(pinned.digest());
        assertThat(upstream.asked).isEmpty();
        assertThatThrownBy(() -> background.manifest(TAG)).hasMessageContaining("offline");
    }

    @Test
    void pinOfATagDecidesAboutTheDigestsThatItNamesListsAndHasNamed() throws IOException {
        ManifestBytes amd = image();
        ManifestBytes arm = image();
        ManifestBytes former = tagged();
        repository.manifest(TAG);
        ManifestBytes index = index(amd, "amd64", arm, "arm64");
        upstream.tag(TAG.value(), index);
        fixture.clock.advance(Duration.ofMinutes(2));
        repository.manifest(TAG);
        PinnedGraphs pins = fixture.evictor.pins();
        pins.pin(new Pin(upstream.repository(), TAG, List.of(Platform.parse("linux/arm64")), true));
        for (ManifestBytes covered : List.of(amd, arm, former, index)) {
            assertThat(pins.covers(upstream.repository(), covered.digest())).isTrue();
        }
        assertThat(pins.covers(upstream.repository(), image().digest())).isFalse();
    }

    private static List<Digest> digests(List<Descriptor> descriptors) {
        return descriptors.stream().map(Descriptor::digest).toList();
    }

    @Test
    void pinOfATagFollowsTheTag() throws IOException {
        ManifestBytes before = tagged();
        repository.manifest(TAG);
        pull(before);
        fixture.evictor.pins().pin(pin());
        ManifestBytes after = tagged();
        fixture.clock.advance(Duration.ofHours(1));
        repository.manifest(TAG);
        pull(after);
        pullOthers();
        assertThat(isWhole(after)).isTrue();
        assertThat(isWhole(before)).isFalse();
    }

    @Test
    void imageThatAPinnedTagNamedBeforeStaysWholeUntilTheNextOneIs() throws IOException {
        ManifestBytes before = tagged();
        repository.manifest(TAG);
        pull(before);
        fixture.evictor.pins().pin(pin());
        ManifestBytes after = tagged();
        fixture.clock.advance(Duration.ofHours(1));
        repository.manifest(TAG);
        assertThat(fixture.evictor.pins().missing(pin()))
                .extracting(Descriptor::digest)
                .hasSize(2)
                .isSubsetOf(digests(Manifest.parse(after).blobs()));
        fixture.clock.advance(Duration.ofHours(1));
        pullOthers();
        assertThat(isWhole(before)).isTrue();
        close();
        open();
        pullOthers();
        assertThat(isWhole(before)).isTrue();
        pull(after);
        pullOthers();
        assertThat(isWhole(after)).isTrue();
        assertThat(isWhole(before)).isFalse();
    }

    @Test
    void lastWholeImageOfAPinnedTagOutlivesOthersOfWhichOnlyTheManifestCame() throws IOException {
        ManifestBytes whole = tagged();
        repository.manifest(TAG);
        pull(whole);
        fixture.evictor.pins().pin(pin());
        for (int move = 0; move < 2; move++) {
            tagged();
            fixture.clock.advance(Duration.ofHours(1));
            repository.manifest(TAG);
            fixture.evictor.pins().missing(pin());
        }
        fixture.clock.advance(Duration.ofHours(1));
        pullOthers();
        assertThat(isWhole(whole)).isTrue();
    }

    @Test
    void onlyTheWantedPlatformsOfAnIndexArePinned() throws IOException {
        ManifestBytes amd = image();
        ManifestBytes arm = image();
        ManifestBytes index = index(amd, "amd64", arm, "arm64");
        upstream.tag(TAG.value(), index);
        repository.manifest(TAG);
        pull(amd);
        pull(arm);
        fixture.evictor.pins().pin(new Pin(upstream.repository(), TAG, List.of(Platform.parse("linux/arm64")), true));
        pullOthers();
        assertThat(fixture.index.contents().isStored(index.digest())).isTrue();
        assertThat(isWhole(arm)).isTrue();
        assertThat(isWhole(amd)).isFalse();
    }

    private static ManifestBytes index(ManifestBytes one, String first, ManifestBytes two, String second)
            throws IOException {
        String json = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_INDEX + "\",\"manifests\":["
                + child(one, first) + "," + child(two, second) + "]}";
        return ManifestBytes.of(MediaType.OCI_INDEX, json.getBytes(StandardCharsets.UTF_8));
    }

    private static String child(ManifestBytes manifest, String architecture) {
        return "{\"mediaType\":\"" + manifest.mediaType() + "\",\"digest\":\"" + manifest.digest() + "\",\"size\":"
                + manifest.sizeBytes() + ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" + architecture + "\"}}";
    }

    @Test
    void referrersArePinnedWithTheirSubject() throws IOException {
        ManifestBytes pinned = tagged();
        ManifestBytes signature = image();
        upstream.referrers.put(pinned.digest(), new Referrers(Referrers.Origin.API, List.of(signature.descriptor())));
        repository.manifest(TAG);
        pull(pinned);
        pull(signature);
        fixture.evictor.pins().pin(pin());
        repository.referrers(pinned.digest());
        pullOthers();
        assertThat(isWhole(pinned)).isTrue();
        assertThat(isWhole(signature)).isTrue();
    }

    @Test
    void referrerThatArrivedAMomentAgoStaysAlsoIfItCameByATagOfCosigns() throws IOException {
        ManifestBytes pinned = tagged();
        ManifestBytes listed = image();
        ManifestBytes signature = image();
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor.pins().pin(pin());
        assertThat(fixture.evictor.pins().isPinned(pinned.digest())).isTrue();
        upstream.referrers.put(pinned.digest(), new Referrers(Referrers.Origin.API, List.of(listed.descriptor())));
        Tag cosign = new Tag(pinned.digest().referrersTag() + ".sig");
        upstream.tag(cosign.value(), signature);
        pull(listed);
        pull(signature);
        repository.referrers(pinned.digest());
        repository.manifest(cosign);
        fixture.clock.advance(Duration.ofHours(1));
        pullOthers();
        assertThat(isWhole(listed)).isTrue();
        assertThat(isWhole(signature)).isTrue();
    }

    @Test
    void onlyThePinsThatAChangeConcernsAreWalkedAgain() throws IOException {
        PinnedGraphs pins = fixture.evictor.pins();
        List<Tag> walked = new ArrayList<>();
        pins.heed(rulesAskedBy(walked), fixture.clock);
        List<ManifestBytes> images = new ArrayList<>();
        for (Tag tag : List.of(new Tag("one"), new Tag("two"), new Tag("three"))) {
            ManifestBytes image = image();
            images.add(image);
            upstream.tag(tag.value(), image);
            repository.manifest(tag);
            pins.pin(Pin.all(upstream.repository(), tag));
            assertThat(pins.isPinned(image.digest())).isTrue();
            assertThat(walked).containsExactly(tag);
            walked.clear();
        }
        ManifestBytes signature = image();
        Digest subject = images.getFirst().digest();
        upstream.referrers.put(subject, new Referrers(Referrers.Origin.API, List.of(signature.descriptor())));
        repository.referrers(subject);
        assertThat(pins.isPinned(signature.digest())).isTrue();
        assertThat(walked).containsExactly(new Tag("one"));
        walked.clear();
        fixture.clock.advance(Duration.ofHours(1));
        repository.referrers(subject);
        repository.referrers(image().digest());
        assertThat(pins.isPinned(signature.digest())).isTrue();
        assertThat(walked).isEmpty();
        List<Descriptor> blobs = Manifest.parse(images.getLast()).blobs();
        for (Descriptor blob : blobs) {
            CacheFixture.readAll(repository, blob.digest());
            fixture.awaitIdle();
            assertThat(pins.isPinned(blob.digest())).isTrue();
        }
        // Once it is whole, not with each of its blobs.
        assertThat(walked).containsExactly(new Tag("three"));
        walked.clear();
        assertThat(pins.unpin(upstream.repository(), new Tag("two"))).isTrue();
        assertThat(pins.isPinned(images.get(1).digest())).isFalse();
        assertThat(walked).isEmpty();
        pins.rulesChanged();
        pins.refresh();
        assertThat(walked).containsExactlyInAnyOrder(new Tag("one"), new Tag("three"));
    }

    // Which is what each walk of a pinned tag does.
    private static CacheRules rulesAskedBy(List<Tag> tags) {
        return new CacheRules() {
            @Override
            public CacheSettings of(Repository repository) {
                return CacheFixture.SETTINGS;
            }

            @Override
            public CacheSettings of(Repository repository, Tag tag) {
                tags.add(tag);
                return CacheFixture.SETTINGS;
            }

            @Override
            public Optional<String> offlineBy(RegistryHost registry) {
                return Optional.empty();
            }
        };
    }

    @Test
    void blobOfTwoImagesCountsOnceAndStaysWhileEitherIsPinned() throws IOException {
        byte[] shared = CacheFixture.randomBytes(LAYER, 1000);
        ManifestBytes one = CacheFixture.image(upstream, shared, CacheFixture.randomBytes(LAYER, 1001));
        ManifestBytes two = CacheFixture.image(
                upstream, shared, CacheFixture.randomBytes(LAYER, 1002), CacheFixture.randomBytes(LAYER, 1003));
        pull(one);
        pull(two);
        long manifests = one.sizeBytes() + two.sizeBytes();
        assertThat(fixture.evictor.usedBytes() - manifests).isBetween(4L * LAYER, 4L * LAYER + 50);
        PinnedGraphs pins = fixture.evictor.pins();
        pins.pin(Pin.all(upstream.repository(), one.digest()));
        pins.pin(Pin.all(upstream.repository(), two.digest()));
        assertThat(fixture.evictor.pinnedBytes() - manifests).isBetween(4L * LAYER, 4L * LAYER + 50);
        pins.unpin(upstream.repository(), two.digest());
        pullOthers();
        assertThat(isWhole(one)).isTrue();
        assertThat(isWhole(two)).isFalse();
    }

    @Test
    void imageThatIsBeingPulledIsNotHalfEvicted() throws IOException {
        ManifestBytes running = image();
        List<Descriptor> blobs = Manifest.parse(running).blobs();
        repository.manifest(running.digest());
        CacheFixture.readAll(repository, blobs.get(1).digest());
        fixture.awaitIdle();
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isFalse();
        assertThat(fixture.store.blobSize(blobs.get(1).digest())).isPresent();
        fixture.clock.advance(RunningGraphs.PATIENCE);
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
        assertThat(fixture.store.blobSize(blobs.get(1).digest())).isEmpty();
    }

    @Test
    void manifestsThatAnIndexListsAreHeldUntilOneOfThemIsAskedFor() throws IOException {
        ManifestBytes amd = image();
        ManifestBytes arm = image();
        ManifestBytes index = index(amd, "amd64", arm, "arm64");
        upstream.tag("multi", index);
        pull(amd);
        pull(arm);
        repository.manifest(new Tag("multi"));
        fixture.makeRoom(CAPACITY - 1000);
        assertThat(fixture.index.contents().isStored(index.digest())).isTrue();
        assertThat(fixture.index.contents().isStored(amd.digest())).isTrue();
        assertThat(fixture.index.contents().isStored(arm.digest())).isTrue();
        fixture.clock.advance(RunningGraphs.FIRST_PATIENCE);
        assertThat(fixture.makeRoom(CAPACITY - 10)).isTrue();
        assertThat(fixture.index.contents().isStored(amd.digest())).isFalse();
    }

    @Test
    void secondPullOfTheSameImageIsWaitedForToo() throws IOException {
        ManifestBytes image = image();
        List<Descriptor> blobs = Manifest.parse(image).blobs();
        repository.manifest(image.digest());
        for (Descriptor blob : blobs.subList(0, blobs.size() - 1)) {
            CacheFixture.readAll(repository, blob.digest());
        }
        repository.manifest(image.digest());
        CacheFixture.readAll(repository, blobs.getLast().digest());
        fixture.awaitIdle();
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isFalse();
        assertThat(fixture.store.blobSize(blobs.getFirst().digest())).isPresent();
        assertThat(fixture.store.find(ContentKind.MANIFEST, image.digest())).isPresent();
        for (Descriptor blob : blobs) {
            CacheFixture.readAll(repository, blob.digest());
        }
        fixture.awaitIdle();
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
    }

    @Test
    void imageWhoseManifestIsOnlyLookedAtIsHeldForAMoment() throws IOException {
        ManifestBytes image = image();
        pull(image);
        repository.manifest(image.digest());
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isFalse();
        fixture.clock.advance(RunningGraphs.FIRST_PATIENCE);
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
    }

    @Test
    void imageOfWhichOnlyTheNameIsAskedForIsNotHeld() throws IOException {
        ManifestBytes image = image();
        upstream.tag("asked", image);
        pull(image);
        assertThat(repository.describe(new Tag("asked")).content().digest()).isEqualTo(image.digest());
        repository.describe(image.digest());
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
    }

    @Test
    void pullThatBeginsWithAQuestionForTheNameIsOverWithItsLastBlob() throws IOException {
        ManifestBytes image = image();
        upstream.tag("asked", image);
        repository.describe(new Tag("asked"));
        repository.manifest(image.digest());
        for (Descriptor blob : Manifest.parse(image).blobs()) {
            CacheFixture.readAll(repository, blob.digest());
        }
        fixture.awaitIdle();
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
    }

    @Test
    void imageIsHeldWhileALayerIsReadForLong() throws IOException {
        ManifestBytes image = image();
        List<Descriptor> blobs = Manifest.parse(image).blobs();
        pull(image);
        repository.manifest(image.digest());
        BlobContent slow = repository.openBlob(blobs.getFirst().digest()).content();
        fixture.clock.advance(RunningGraphs.PATIENCE.multipliedBy(10));
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isFalse();
        slow.close();
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isFalse();
        fixture.clock.advance(RunningGraphs.PATIENCE);
        assertThat(fixture.makeRoom(CAPACITY - 1000)).isTrue();
    }

    @Test
    void pinsThatFillTheDiskLetPullsPassThrough() throws IOException {
        ManifestBytes pinned = CacheFixture.image(upstream, CacheFixture.randomBytes(900_000, 7));
        upstream.tag(TAG.value(), pinned);
        repository.manifest(TAG);
        pull(pinned);
        fixture.evictor.pins().pin(pin());
        byte[] large = CacheFixture.randomBytes(300_000, 8);
        ManifestBytes other = CacheFixture.image(upstream, large);
        repository.manifest(other.digest());
        assertThat(CacheFixture.readAll(repository, Digest.sha256(large))).isEqualTo(large);
        fixture.awaitIdle();
        assertThat(isWhole(pinned)).isTrue();
        assertThat(fixture.store.blobSize(Digest.sha256(large))).isEmpty();
        assertThat(fixture.evictor.evict(Digest.sha256(CacheFixture.randomBytes(900_000, 7))))
                .isEmpty();
        assertThat(Optional.of(fixture.evictor.usedBytes()))
                .hasValueSatisfying(used -> assertThat(used).isLessThanOrEqualTo(CAPACITY));
    }
}
