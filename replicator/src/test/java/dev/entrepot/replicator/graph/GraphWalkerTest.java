package dev.entrepot.replicator.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.Shapes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What belongs to an image. Long, because each shape of a graph is one short case over the same source in memory. */
class GraphWalkerTest {
    private final MemoryRegistry registry = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository repository = registry.repository("app");
    private final Shapes shapes = new Shapes(repository);

    private RepositoryDiscovery discovery(MemoryRepository of, GraphScope scope) {
        return new RepositoryDiscovery(of, scope, new RequestLimit(8), new ManifestShelf(1 << 20));
    }

    private ArtifactGraph walk(Descriptor root) throws IOException {
        return GraphWalker.walk(discovery(repository, GraphScope.WHOLE), root, WalkLimits.DEFAULT);
    }

    private static List<Digest> digests(ArtifactGraph graph) {
        return graph.nodes().stream().map(GraphNode::digest).toList();
    }

    @Test
    void findsNestedIndexesAndReferrersAtEveryNode() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor inner = shapes.index(List.of(arm));
        Descriptor root = shapes.index(List.of(amd, inner));
        Descriptor onChild = shapes.referrer(arm, "sbom/one", "sbom of arm");
        Descriptor onRoot = shapes.referrer(root, "sig/one", "signature");
        Descriptor second = shapes.referrer(onRoot, "sig/two", "signature of the signature");
        Descriptor third = shapes.referrer(second, "sig/three", "and again");
        Descriptor fourth = shapes.referrer(third, "sig/four", "and again and again");

        ArtifactGraph graph = walk(root);

        assertThat(digests(graph))
                .containsExactlyInAnyOrder(
                        amd.digest(),
                        arm.digest(),
                        inner.digest(),
                        root.digest(),
                        onChild.digest(),
                        onRoot.digest(),
                        second.digest(),
                        third.digest(),
                        fourth.digest());
        List<Digest> order = digests(graph);
        assertThat(order.indexOf(amd.digest())).isLessThan(order.indexOf(root.digest()));
        assertThat(order.indexOf(arm.digest())).isLessThan(order.indexOf(inner.digest()));
        assertThat(order.indexOf(root.digest())).isLessThan(order.indexOf(onRoot.digest()));
        assertThat(order.indexOf(third.digest())).isLessThan(order.indexOf(fourth.digest()));
        assertThat(registry.requests("GET referrers")).hasSize(9);
        assertThat(registry.requests("GET manifest")).hasSize(9);
        assertThat(registry.requests("GET tags")).hasSize(1);
    }

    @Test
    void attestationThatIsChildAndReferrerComesOnce() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor attestation = shapes.referrer(image, "application/vnd.docker.attestation.manifest.v1+json", "slsa");
        Descriptor root = shapes.index(List.of(
                attestation.asReferrer(Optional.empty(), Map.of("vnd.docker.reference.digest", "" + image.digest())),
                image));

        ArtifactGraph graph = walk(root);

        assertThat(digests(graph)).containsExactly(image.digest(), attestation.digest(), root.digest());
        assertThat(graph.node(image.digest()).referrers()).containsExactly(attestation.digest());
        assertThat(registry.requests("GET manifest")).hasSize(3);
    }

    @Test
    void cycleOfReferrersEnds() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor holder = shapes.index(List.of(image), Optional.of(Shapes.plain(image)), Optional.of("x/holder"));

        ArtifactGraph graph = walk(image);

        assertThat(digests(graph)).containsExactly(image.digest(), holder.digest());
        assertThat(graph.node(holder.digest()).children()).containsExactly(image.digest());
    }

    @Test
    void cosignTagsAreFoundByMembershipWithoutARequestPerTag() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.image("signature");
        Descriptor onSignature = shapes.image("signature of the signature");
        shapes.tag(Shapes.stem(image) + ".sig", signature);
        shapes.tag(Shapes.stem(signature) + ".att", onSignature);

        ArtifactGraph graph = walk(image);

        assertThat(digests(graph)).containsExactly(image.digest(), signature.digest(), onSignature.digest());
        assertThat(graph.cosignTags()).hasSize(2);
        assertThat(registry.requests("HEAD manifest")).hasSize(2);
    }

    @Test
    void withoutATagListEachCosignTagIsAskedFor() throws IOException {
        MemoryRegistry mute = new MemoryRegistry("mute.test", Abilities.NO_TAG_LIST);
        MemoryRepository app = mute.repository("app");
        Shapes in = new Shapes(app);
        Descriptor image = in.image("amd64");
        in.tag(Shapes.stem(image) + ".sbom", in.image("sbom"));

        ArtifactGraph graph = GraphWalker.walk(discovery(app, GraphScope.WHOLE), image, WalkLimits.DEFAULT);

        assertThat(graph.cosignTags()).hasSize(1);
        assertThat(mute.requests("GET tags")).hasSize(1);
        assertThat(mute.requests("HEAD manifest")).hasSize(6);
    }

    @Test
    void cosignTagThatACutListLacksIsAskedFor() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag(Shapes.stem(image) + ".sig", shapes.image("signature"));
        repository.unlisted.add(new Tag(Shapes.stem(image) + ".sig"));
        repository.listMayBeCut = true;

        assertThat(walk(image).cosignTags()).hasSize(1);

        repository.listMayBeCut = false;
        assertThat(walk(image).cosignTags()).isEmpty();
    }

    @Test
    void indexesThatAreListedAsReferrersAreNotNestedDeeperForThat() throws IOException {
        Descriptor root = shapes.image("root");
        Descriptor nested = shapes.image("leaf");
        for (int depth = 1; depth <= WalkLimits.DEFAULT.indexDepth(); depth++) {
            nested = shapes.index(List.of(nested), Optional.of(Shapes.plain(root)), Optional.of("x/" + depth));
        }
        assertThat(walk(root).nodes()).hasSize(WalkLimits.DEFAULT.indexDepth() + 2);

        shapes.index(List.of(nested), Optional.of(Shapes.plain(root)), Optional.of("x/one more"));

        assertThatThrownBy(() -> walk(root))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("nested more than");
    }

    @Test
    void foreignLayersAreSkippedAndTheEmptyBlobIsNot() throws IOException {
        Descriptor foreign = shapes.blob(Shapes.FOREIGN, "windows base");
        Descriptor empty = shapes.blob(MediaType.OCI_EMPTY, "{}");
        Descriptor image = shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                empty,
                List.of(foreign, empty),
                Optional.empty(),
                Optional.of("x/y"));

        ArtifactGraph graph = walk(image);

        assertThat(graph.blobs()).extracting(Descriptor::digest).containsExactly(empty.digest());
    }

    @Test
    void platformSubsetKeepsTheIndexAndItsAttestations() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor attestation = shapes.image("attestation of amd64");
        Descriptor otherAttestation = shapes.image("attestation of arm64");
        Descriptor root = shapes.index(List.of(
                on(amd, "linux/amd64", Map.of()),
                on(arm, "linux/arm64", Map.of()),
                on(attestation, "unknown/unknown", Map.of("vnd.docker.reference.digest", "" + amd.digest())),
                on(otherAttestation, "unknown/unknown", Map.of("vnd.docker.reference.digest", "" + arm.digest()))));
        GraphScope scope = new GraphScope(List.of(Platform.parse("linux/amd64")), ReferrerFilter.ALL);

        ArtifactGraph graph = GraphWalker.walk(discovery(repository, scope), root, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(amd.digest(), attestation.digest(), root.digest());
        assertThat(graph.root().isSparse()).isTrue();
        assertThat(graph.root().omitted()).hasSize(2);
    }

    @Test
    void platformSubsetLooksIntoWhatStatesNoPlatformAndLeavesAttestationsOfOthersOut() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor artifact = shapes.image("an artifact");
        Descriptor attestation = shapes.image("attestation of arm64");
        Descriptor inner = shapes.index(List.of(on(amd, "linux/amd64", Map.of()), on(arm, "linux/arm64", Map.of())));
        Descriptor root = shapes.index(List.of(
                inner,
                artifact,
                attestation.asReferrer(Optional.empty(), Map.of("vnd.docker.reference.digest", "" + arm.digest()))));
        GraphScope scope = new GraphScope(List.of(Platform.parse("linux/amd64")), ReferrerFilter.ALL);

        ArtifactGraph graph = GraphWalker.walk(discovery(repository, scope), root, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(amd.digest(), inner.digest(), artifact.digest(), root.digest());
        assertThat(graph.root().omitted()).extracting(Descriptor::digest).containsExactly(attestation.digest());
        assertThat(graph.node(inner.digest()).omitted())
                .extracting(Descriptor::digest)
                .containsExactly(arm.digest());
    }

    private static Descriptor on(Descriptor descriptor, String platform, Map<String, String> annotations) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                annotations,
                List.of(),
                Optional.empty());
    }

    @Test
    void childrenThatAreNotThereAreLeftOutForWhoOnlyLooks() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor riscv = shapes.image("riscv64");
        Descriptor inner = shapes.index(List.of(riscv));
        Descriptor root = shapes.index(List.of(arm, amd, inner));
        Descriptor signature = shapes.referrer(root, "sig/one", "signature");
        repository.manifests.remove(arm.digest());
        repository.manifests.remove(riscv.digest());
        registry.forgetRequests();

        ArtifactGraph graph = GraphWalker.look(discovery(repository, GraphScope.WHOLE), root, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(amd.digest(), inner.digest(), root.digest(), signature.digest());
        assertThat(graph.root().omitted()).extracting(Descriptor::digest).containsExactly(arm.digest());
        assertThat(graph.node(inner.digest()).omitted())
                .extracting(Descriptor::digest)
                .containsExactly(riscv.digest());
        // A registry may say of an unknown subject what it says of a lacking API.
        assertThat(registry.requests())
                .filteredOn(request -> request.contains(arm.digest().toString()))
                .hasSize(1)
                .allMatch(request -> request.contains("manifest"));
        assertThatThrownBy(() -> walk(root)).isInstanceOf(DiscoveryException.class);
    }

    @Test
    void whoOnlyLooksIsToldOfARootThatIsNotThereAndOfAChildOfWhichNothingIsKnown() throws IOException {
        Descriptor arm = shapes.image("arm64");
        Descriptor root = shapes.index(List.of(arm));
        ManifestBytes index = repository.manifests.remove(root.digest());
        assertThatThrownBy(() -> GraphWalker.look(discovery(repository, GraphScope.WHOLE), root, WalkLimits.DEFAULT))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining(root.digest().toString());

        repository.manifests.put(root.digest(), index);
        registry.gate((_, request) -> {
            if (request.contains(arm.digest().toString())) {
                throw new OutageException(OutageException.Reason.TIMEOUT, "no answer to " + request);
            }
        });
        assertThatThrownBy(() -> GraphWalker.look(discovery(repository, GraphScope.WHOLE), root, WalkLimits.DEFAULT))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining(arm.digest().toString());
    }

    @Test
    void filteredReferrersAreLeftOutButStillCountInTheFingerprint() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "application/spdx+json", "sbom");
        Descriptor signature = shapes.referrer(image, "application/vnd.cncf.notary.signature", "signature");
        GraphScope scope = new GraphScope(
                List.of(), new ReferrerFilter(List.of(NamePattern.parse("application/vnd.cncf.*")), List.of()));

        ArtifactGraph graph = GraphWalker.walk(discovery(repository, scope), image, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(image.digest(), signature.digest());
        assertThat(graph.root().fingerprint()).isEqualTo(walk(image).root().fingerprint());
        assertThat(graph.contains(sbom.digest())).isFalse();
    }

    @Test
    void referrerGoesAlsoByTheTypesOfItsBlobs() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor provenance = shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{}"),
                List.of(shapes.blob(new MediaType("application/vnd.in-toto+json"), "provenance")),
                Optional.of(Shapes.plain(image)),
                Optional.empty());
        shapes.referrer(image, "application/spdx+json", "sbom");
        GraphScope scope = new GraphScope(
                List.of(), new ReferrerFilter(List.of(NamePattern.parse("application/vnd.in-toto*")), List.of()));

        assertThat(digests(GraphWalker.walk(discovery(repository, scope), image, WalkLimits.DEFAULT)))
                .containsExactly(image.digest(), provenance.digest());
    }

    @Test
    void whatIsBehindACosignTagGoesByTheKindOfTheTag() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.image("signature");
        Descriptor attestation = shapes.image("attestation");
        shapes.tag(Shapes.stem(image) + ".sig", signature);
        shapes.tag(Shapes.stem(image) + ".att", attestation);
        List<NamePattern> signatures = List.of(NamePattern.parse("cosign.sig"));
        GraphScope only = new GraphScope(List.of(), new ReferrerFilter(signatures, List.of()));
        GraphScope except = new GraphScope(List.of(), new ReferrerFilter(List.of(), signatures));

        assertThat(digests(GraphWalker.walk(discovery(repository, only), image, WalkLimits.DEFAULT)))
                .containsExactly(image.digest(), signature.digest());
        assertThat(digests(GraphWalker.walk(discovery(repository, except), image, WalkLimits.DEFAULT)))
                .containsExactly(image.digest(), attestation.digest());
    }

    @Test
    void fallbackTagEntriesGetTheirTypesFromTheManifest() throws IOException {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        MemoryRepository app = old.repository("app");
        Shapes in = new Shapes(app);
        Descriptor image = in.image("amd64");
        in.referrer(image, "application/spdx+json", "sbom");

        ArtifactGraph graph = GraphWalker.walk(discovery(app, GraphScope.WHOLE), image, WalkLimits.DEFAULT);

        Descriptor listed = graph.referrersOf(graph.root()).getFirst();
        assertThat(listed.artifactType()).contains("application/spdx+json");
        assertThat(listed.annotations()).containsEntry("org.example.kind", "application/spdx+json");
    }

    @Test
    void fallbackTagEntriesThatAreGoneOrReferToOthersAreNotReferrers() throws IOException {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        MemoryRepository app = old.repository("app");
        Shapes in = new Shapes(app);
        Descriptor image = in.image("amd64");
        Descriptor gone = in.referrer(image, "application/spdx+json", "sbom");
        in.fallback(image, in.image("a child mistaken for a referrer"), "");
        app.manifests.remove(gone.digest());

        ArtifactGraph graph = GraphWalker.walk(discovery(app, GraphScope.WHOLE), image, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(image.digest());
        assertThat(graph.dangling()).extracting(Descriptor::digest).containsExactly(gone.digest());
    }

    @Test
    void whatAFallbackTagListsOfAbsentChildrenIsAbsentForWhoOnlyLooks() throws IOException {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        MemoryRepository app = old.repository("app");
        Shapes in = new Shapes(app);
        Descriptor arm = in.image("arm64");
        Descriptor amd = in.image("amd64");
        Descriptor root = in.index(List.of(arm, amd));
        in.fallback(root, arm, "");
        app.manifests.remove(arm.digest());

        ArtifactGraph graph = GraphWalker.look(discovery(app, GraphScope.WHOLE), root, WalkLimits.DEFAULT);

        assertThat(digests(graph)).containsExactly(amd.digest(), root.digest());
        assertThat(graph.root().omitted()).extracting(Descriptor::digest).containsExactly(arm.digest());
        assertThat(graph.root().referrers()).isEmpty();
        assertThat(graph.dangling()).extracting(Descriptor::digest).containsExactly(arm.digest());
        assertThatThrownBy(() -> GraphWalker.walk(discovery(app, GraphScope.WHOLE), root, WalkLimits.DEFAULT))
                .isInstanceOf(DiscoveryException.class);
    }

    @Test
    void referrerThatRefersToSomethingElseIsNoneWhateverTheApiSays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor other = shapes.image("arm64");
        Descriptor right = shapes.referrer(image, "x/sig", "signature");
        Descriptor wrong = shapes.referrer(other, "x/sig", "signature of another");
        repository.lists(image.digest(), wrong);
        repository.lists(wrong.digest(), right);

        ArtifactGraph graph = walk(image);

        assertThat(digests(graph)).containsExactly(image.digest(), right.digest());
        assertThat(graph.root().referrers()).containsExactly(right.digest());
    }

    @Test
    void referrerOfAnUnknownTypeThatDoesNotSayWhatItRefersToIsWhatTheListSays() throws IOException {
        MediaType unknown = new MediaType("application/vnd.example.manifest.v1+json");
        Descriptor image = shapes.image("amd64");
        Descriptor other = shapes.image("arm64");
        Descriptor layer = shapes.blob(Shapes.LAYER, "layer");
        Descriptor silent =
                shapes.manifest(DigestAlgorithm.SHA256, unknown, layer, List.of(), Optional.empty(), Optional.empty());
        Descriptor ofAnother = shapes.manifest(
                DigestAlgorithm.SHA256, unknown, layer, List.of(), Optional.of(Shapes.plain(other)), Optional.empty());
        repository.lists(image.digest(), silent);
        repository.lists(image.digest(), ofAnother);

        assertThat(walk(image).root().referrers()).containsExactly(silent.digest());
    }

    @Test
    void referrerThatTheApiListsAndThatIsABlobIsAnError() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor blob = shapes.blob(new MediaType("application/vnd.example.odd"), "a signature, perhaps");
        repository.lists(image.digest(), blob);

        assertThatThrownBy(() -> walk(image))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("discovering the referrer " + blob.digest() + " of " + image.digest());
    }

    @Test
    void manifestOfAnUnknownTypeBringsWhatItNames() throws IOException {
        MediaType unknown = new MediaType("application/vnd.example.manifest.v1+json");
        Descriptor layer = shapes.blob(Shapes.LAYER, "layer");
        Descriptor config = shapes.blob(Shapes.CONFIG, "{}");
        Descriptor root = shapes.manifest(
                DigestAlgorithm.SHA256, unknown, config, List.of(layer), Optional.empty(), Optional.empty());

        ArtifactGraph graph = walk(root);

        assertThat(graph.blobs())
                .extracting(Descriptor::digest)
                .containsExactlyInAnyOrder(config.digest(), layer.digest());
    }

    @Test
    void unknownTypesAreCarriedAsTheyAre() throws IOException {
        Descriptor odd = shapes.blob(new MediaType("application/vnd.example.odd"), "neither fish nor fowl");
        Descriptor root = shapes.index(List.of(odd, shapes.image("amd64")));

        ArtifactGraph graph = walk(root);

        assertThat(graph.root().blobs()).extracting(Descriptor::digest).containsExactly(odd.digest());
        assertThat(graph.nodes()).hasSize(2);
    }

    @Test
    void childOfAnUnknownTypeThatIsNeitherManifestNorBlobIsAnError() throws IOException {
        Descriptor odd = shapes.blob(new MediaType("application/vnd.example.odd"), "neither fish nor fowl");
        Descriptor root = shapes.index(List.of(odd, shapes.image("amd64")));
        repository.blobs.remove(odd.digest());

        assertThatThrownBy(() -> walk(root))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("discovering the child " + odd.digest() + " of " + root.digest());
    }

    @Test
    void sha512SubjectIsWalked() throws IOException {
        Descriptor image = shapes.manifest(
                DigestAlgorithm.SHA512,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{}"),
                List.of(shapes.blob(Shapes.LAYER, DigestAlgorithm.SHA512, new byte[] {1, 2})),
                Optional.empty(),
                Optional.empty());
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");

        assertThat(digests(walk(image))).containsExactly(image.digest(), signature.digest());
    }

    @Test
    void discoveryErrorAtAnyRequestFailsTheWalkAndNamesTheNode() throws IOException {
        Descriptor amd = shapes.image("amd64");
        Descriptor root = shapes.index(List.of(amd, shapes.image("arm64")));
        shapes.referrer(shapes.referrer(amd, "x/sbom", "sbom"), "x/sig", "signature");
        shapes.tag(Shapes.stem(root) + ".sig", shapes.image("cosign"));
        walk(root);
        int total = registry.requests().size();
        List<String> nodes = new ArrayList<>();
        for (int failing = 1; failing <= total; failing++) {
            registry.forgetRequests();
            int index = failing;
            registry.gate((at, request) -> {
                if (at == index) {
                    throw new OutageException(OutageException.Reason.TIMEOUT, "no answer to " + request);
                }
            });
            assertThatThrownBy(() -> walk(root))
                    .isInstanceOf(DiscoveryException.class)
                    .satisfies(e -> nodes.add(((DiscoveryException) e).node()));
        }
        assertThat(nodes).hasSize(total).allMatch(node -> node.startsWith("sha256:"));
    }

    @Test
    void missingChildIsAnErrorAndNotASmallerGraph() {
        Descriptor amd = shapes.image("amd64");
        Descriptor root = shapes.index(List.of(amd));
        repository.manifests.remove(amd.digest());

        assertThatThrownBy(() -> walk(root))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining(amd.digest().toString());
    }

    @Test
    void limitsRefuseTheGraphInsteadOfCuttingIt() throws IOException {
        Descriptor deep = shapes.image("amd64");
        for (int i = 0; i < 3; i++) {
            deep = shapes.index(List.of(deep));
        }
        Descriptor root = deep;
        assertThatThrownBy(() -> walk(root, new WalkLimits(2, 9, 99))).hasMessageContaining("nested more than 2");
        assertThatThrownBy(() -> walk(root, new WalkLimits(3, 9, 6))).hasMessageContaining("more than 6 nodes");
        assertThat(walk(root, new WalkLimits(3, 9, 7)).nodes()).hasSize(4);

        Descriptor referrer = shapes.referrer(root, "x/1", "1");
        shapes.referrer(referrer, "x/2", "2");
        assertThatThrownBy(() -> walk(root, new WalkLimits(8, 1, 99))).hasMessageContaining("longer than 1");
    }

    @Test
    void chainOfReferrersAndOfCosignTagsMayBeAsLongAsTheLimitAndNoLonger() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.image("signature");
        shapes.tag(Shapes.stem(image) + ".sig", signature);
        Descriptor sbom = shapes.referrer(signature, "x/sbom", "sbom of the signature");
        assertThat(walk(image, new WalkLimits(8, 2, 99)).nodes()).hasSize(3);
        assertThatThrownBy(() -> walk(image, new WalkLimits(8, 1, 99))).hasMessageContaining("longer than 1");

        shapes.tag(Shapes.stem(sbom) + ".sig", shapes.image("signature of the sbom"));
        assertThat(walk(image, new WalkLimits(8, 3, 99)).nodes()).hasSize(4);
        assertThatThrownBy(() -> walk(image, new WalkLimits(8, 2, 99))).hasMessageContaining("longer than 2");
    }

    @Test
    void graphThatNamesMoreThanTheLimitIsRefusedBeforeAnyOfThatIsAskedFor() throws IOException {
        Descriptor root = shapes.index(unknown("child", 300));

        assertThatThrownBy(() -> walk(root, new WalkLimits(8, 8, 300)))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("more than 300 nodes at " + root.digest());

        assertThat(registry.requests())
                .noneMatch(request -> request.startsWith("GET manifest")
                        && !request.contains(root.digest().toString()));
    }

    @Test
    void graphThatIsLargerThanTheLimitIsNotReadToItsEnd() throws IOException {
        List<Descriptor> indexes = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            indexes.add(shapes.index(unknown("child of " + i, 5)));
        }
        Descriptor root = shapes.index(indexes);

        assertThatThrownBy(() -> walk(root, new WalkLimits(8, 8, 300)))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("more than 300 nodes");

        // The root, twenty that reach the limit, and those that are on their way then.
        assertThat(registry.requests("GET manifest")).hasSizeLessThan(150);
    }

    private static List<Descriptor> unknown(String seed, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> Descriptor.of(
                        MediaType.OCI_MANIFEST, Digest.sha256((seed + i).getBytes(StandardCharsets.UTF_8)), 1))
                .toList();
    }

    private ArtifactGraph walk(Descriptor root, WalkLimits limits) throws IOException {
        return GraphWalker.walk(discovery(repository, GraphScope.WHOLE), root, limits);
    }

    @Test
    void neverMoreRequestsAtOnceThanTheLimit() throws IOException {
        List<Descriptor> children = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            children.add(shapes.image("image " + i));
        }
        Descriptor root = shapes.index(children);
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        registry.gate((index, request) -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            Thread.yield();
            running.decrementAndGet();
        });

        assertThat(walk(root).nodes()).hasSize(41);
        assertThat(most.get()).isBetween(1, 8);
    }

    @Test
    void treeShowsRolesAndDrawsEachManifestOnce() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor root = shapes.index(List.of(image));
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");

        assertThat(GraphText.draw(walk(root)))
                .startsWith(root.digest() + " application/vnd.oci.image.index.v1+json " + root.sizeBytes() + "\n")
                .contains("  child " + image.digest())
                .contains("    referrer " + signature.digest() + " x/sig ")
                .contains("      blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }

    @Test
    void treeOfALongChainIsDrawnInSteps() throws IOException {
        List<Descriptor> chain = new ArrayList<>(List.of(shapes.image("amd64")));
        for (int i = 0; i < 2 * GraphText.DEEPEST; i++) {
            chain.add(Shapes.plain(shapes.referrer(chain.getLast(), "x/sig", "signature " + i)));
        }
        Descriptor deepest = shapes.image("below the end of the first step");
        Descriptor subject = chain.get(GraphText.DEEPEST - 2);
        shapes.index(List.of(deepest), Optional.of(subject), Optional.of("x/list"));

        String text = GraphText.draw(walk(shapes.index(chain)));
        assertThat(text.lines())
                .filteredOn(line -> line.endsWith("... see below"))
                .isNotEmpty();
        assertThat(text.lines()).filteredOn(line -> line.startsWith("deeper ")).isNotEmpty();
        assertThat(text.lines().mapToInt(String::length).max().orElseThrow()).isLessThan(400);
        chain.add(deepest);
        assertThat(chain)
                .allSatisfy(descriptor ->
                        assertThat(text).contains(descriptor.digest().toString()));
    }
}
