package dev.entrepot.replicator.fill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class GraphFillerTest {
    private static final String NAME = "team/app";
    private static final Tag TAG = new Tag("v1");
    private static final long ROOMY = 1L << 30;

    @TempDir
    Path directory;

    private final Images images = new Images(7);
    private TestRegistry registry;

    @BeforeEach
    void start() {
        registry = TestRegistry.started();
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    private Repository repository() {
        return registry.repository(NAME);
    }

    private FillRequest whole(ManifestReference reference) {
        return new FillRequest(repository(), reference, List.of(), true);
    }

    /** Pulls a whole graph as a client does, and returns the digests that came. */
    private static Set<Digest> pullAll(PullThrough pull, ManifestReference reference) throws IOException {
        Set<Digest> came = new HashSet<>();
        pullAll(pull, reference, came);
        return came;
    }

    private static void pullAll(PullThrough pull, ManifestReference reference, Set<Digest> came) throws IOException {
        var bytes = pull.manifest(reference).content();
        came.add(bytes.digest());
        Manifest manifest = Manifest.parse(bytes);
        for (Descriptor blob : manifest.blobs()) {
            try (BlobContent content = pull.openBlob(blob.digest()).content()) {
                assertThat(content.totalBytes()).hasValue(blob.sizeBytes());
                came.add(blob.digest());
            }
        }
        for (Descriptor child : manifest.manifests()) {
            pullAll(pull, child.digest(), came);
        }
        for (Descriptor referrer : pull.referrers(bytes.digest()).content().descriptors()) {
            pullAll(pull, referrer.digest(), came);
        }
    }

    @Test
    void wholeGraphIsServedWithTheUpstreamSwitchedOff() throws IOException {
        Bundle index = registry.push(NAME, images.index("linux/amd64", "linux/arm64"), TAG.value());
        Bundle sbom = registry.push(NAME, images.referrer(index, "application/vnd.cyclonedx+json"));
        registry.push(NAME, images.referrer(sbom, "application/vnd.dev.sigstore.bundle.v0.3+json"));
        Bundle signature = images.cosign("application/vnd.dev.cosign.simplesigning.v1+json");
        Tag cosign = new Tag(Images.cosignTag(index.digest(), "sig"));
        registry.push(NAME, signature, cosign.value());
        try (FilledCache cache = new FilledCache(directory, registry, ROOMY)) {
            FillReport report = cache.filler().fill(whole(TAG));

            assertThat(report.failures()).isEmpty();
            assertThat(report.root()).hasValue(index.digest());
            assertThat(report.manifests()).isEqualTo(6);
            registry.stop();
            assertThat(pullAll(cache.pull(repository()), TAG))
                    .containsAll(registry.blobs(NAME).stream()
                            .filter(blob -> !signature.blobs().containsKey(blob))
                            .toList());
            assertThat(pullAll(cache.pull(repository()), cosign))
                    .containsAll(signature.blobs().keySet());
        }
    }

    @Test
    void onlyTheWantedPlatformsAndNoReferrersIfNoneAreWanted() throws IOException {
        Bundle amd = images.image(Platform.parse("linux/amd64"), 3_000);
        Bundle arm = images.image(Platform.parse("linux/arm64"), 4_000);
        Bundle index = registry.push(NAME, images.indexOf(List.of(amd, arm)), TAG.value());
        registry.push(NAME, images.referrer(index, "application/vnd.cyclonedx+json"));
        try (FilledCache cache = new FilledCache(directory, registry, ROOMY)) {
            FillReport report = cache.filler()
                    .fill(new FillRequest(repository(), TAG, List.of(Platform.parse("linux/arm64")), false));

            assertThat(report.isComplete()).isTrue();
            assertThat(report.manifests()).isEqualTo(2);
            assertThat(report.blobs()).isEqualTo(arm.blobs().size());
            assertThat(registry.requests(request -> request.path().contains("/referrers/")))
                    .isEmpty();
            Set<Digest> onlyAmd = new HashSet<>(amd.blobs().keySet());
            onlyAmd.removeAll(arm.blobs().keySet());
            for (Digest digest : onlyAmd) {
                assertThat(registry.requests(request -> request.path().contains(digest.encoded())))
                        .isEmpty();
            }
        }
    }

    @Test
    void whatIsThereIsNotFetchedAgain() throws IOException {
        registry.push(NAME, images.image(5_000, 6_000), TAG.value());
        try (FilledCache cache = new FilledCache(directory, registry, ROOMY)) {
            cache.filler().fill(whole(TAG));
            int before = registry.requests(Requests.method("GET")).size();

            assertThat(cache.filler().fill(whole(TAG)).isComplete()).isTrue();
            assertThat(registry.requests(Requests.method("GET")).stream()
                            .skip(before)
                            .map(call -> call.request().path()))
                    .allMatch(path -> path.contains("/referrers/") || path.endsWith("/tags/list"));
        }
    }

    @Test
    void missingBlobIsNamedAndTheRestIsBrought() throws IOException {
        Bundle image = registry.push(NAME, images.image(5_000, 6_000), TAG.value());
        Digest gone = Manifest.parse(image.root()).blobs().getLast().digest();
        registry.removeBlob(NAME, gone);
        try (FilledCache cache = new FilledCache(directory, registry, ROOMY)) {
            FillReport report = cache.filler().fill(whole(TAG));

            assertThat(report.failures()).extracting(FillReport.Failure::node).containsExactly(gone.toString());
            assertThat(report.blobs()).isEqualTo(image.blobs().size() - 1);
        }
    }

    @Test
    void whatThereIsNoRoomForIsNotFetchedAndTheFailureSaysWhyAndWhatToDo() throws IOException {
        Bundle image = registry.push(NAME, images.image(900_000, 800_000), TAG.value());
        List<Digest> layers = Manifest.parse(image.root()).blobs().stream()
                .filter(blob -> blob.sizeBytes() > 100_000)
                .map(Descriptor::digest)
                .toList();
        try (FilledCache cache = new FilledCache(directory, registry, 100_000)) {
            FillReport report = cache.filler().fill(whole(TAG));

            assertThat(report.failures())
                    .hasSize(2)
                    .allSatisfy(failure -> assertThat(failure.cause())
                            .startsWith("the cache has no room for its ")
                            .contains("the whole capacity of 100000 bytes", "raise capacity"))
                    .extracting(FillReport.Failure::node)
                    .containsExactlyInAnyOrderElementsOf(
                            layers.stream().map(Digest::toString).toList());
            assertThat(report.blobs()).isEqualTo(image.blobs().size() - 2);
            for (Digest layer : layers) {
                assertThat(registry.requests(Requests.method("GET").and(Requests.blob(layer))))
                        .isEmpty();
            }
        }
    }

    @Test
    void unknownImageAndUnknownUpstreamAreInTheReport() throws IOException {
        try (FilledCache cache = new FilledCache(directory, registry, ROOMY)) {
            FillReport noTag = cache.filler().fill(whole(new Tag("nothing")));
            FillReport noUpstream = cache.filler()
                    .fill(new FillRequest(Repository.parse("elsewhere.test/team/app"), TAG, List.of(), true));

            assertThat(noTag.failures())
                    .extracting(FillReport.Failure::node)
                    .containsExactly(new Repository(registry.host(), new RepositoryName(NAME)) + ":nothing");
            assertThat(noUpstream.failures())
                    .singleElement()
                    .extracting(FillReport.Failure::cause)
                    .asString()
                    .contains("elsewhere.test");
        }
    }
}
