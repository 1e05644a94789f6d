package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.GraphWalker;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.graph.WalkLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Says what of a graph a target lacks, looking at the target's own state and not at what the engine believes. */
public final class Completeness {
    private Completeness() {}

    public static ArtifactGraph graph(MemoryRepository source, String tag) {
        try {
            RepositoryDiscovery discovery =
                    new RepositoryDiscovery(source, GraphScope.WHOLE, new RequestLimit(8), new ManifestShelf(1 << 20));
            Digest digest = Optional.ofNullable(source.tags.get(new Tag(tag))).orElseThrow();
            Descriptor root = Optional.ofNullable(source.manifests.get(digest))
                    .orElseThrow()
                    .descriptor();
            return GraphWalker.walk(discovery, root, WalkLimits.DEFAULT);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Everything of the graph that the target lacks; empty if the graph is complete. */
    public static List<String> lacking(ArtifactGraph graph, MemoryRegistry registry, MemoryRepository target) {
        try {
            List<String> lacking = new ArrayList<>();
            for (Descriptor blob : graph.blobs()) {
                byte[] bytes = target.blobs.get(blob.digest());
                if (bytes == null || bytes.length != blob.sizeBytes()) {
                    lacking.add("blob " + blob.digest());
                }
            }
            for (GraphNode node : graph.nodes()) {
                if (!target.manifests.containsKey(node.digest())) {
                    lacking.add("manifest " + node.digest());
                }
                if (!registry.abilities().referrersApi()) {
                    lackingInFallback(graph, node, target, lacking);
                }
            }
            graph.cosignTags().stream()
                    .filter(tag -> !tag.manifest().digest().equals(target.tags.get(tag.tag())))
                    .forEach(tag -> lacking.add("tag " + tag.tag()));
            return lacking;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void lackingInFallback(
            ArtifactGraph graph, GraphNode node, MemoryRepository target, List<String> lacking) throws IOException {
        List<Descriptor> listed = new ArrayList<>();
        Optional.ofNullable(target.tags.get(node.digest().referrersTag()))
                .map(target.manifests::get)
                .ifPresent(index -> {
                    try {
                        listed.addAll(Manifest.parse(index).manifests());
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        for (Descriptor referrer : graph.referrersOf(node)) {
            boolean there = listed.stream()
                    .anyMatch(entry -> entry.digest().equals(referrer.digest())
                            && entry.artifactType().equals(referrer.artifactType())
                            && entry.annotations().equals(referrer.annotations()));
            if (!there) {
                lacking.add("fallback entry " + referrer.digest() + " of " + node.digest());
            }
        }
    }

    /** Asserts that the tag is complete at the target. */
    public static void assertComplete(MemoryRepository source, String tag, MemoryRegistry registry, String repository) {
        MemoryRepository target = registry.repository(repository);
        ArtifactGraph graph = graph(source, tag);
        assertThat(lacking(graph, registry, target)).isEmpty();
        assertThat(target.tags).containsEntry(new Tag(tag), graph.root().digest());
    }

    /** Asserts the one promise: the tag is not there, or is where it was, or its graph is complete. */
    public static void assertAbsentOrComplete(
            ArtifactGraph graph, String tag, MemoryRegistry registry, String repository) {
        MemoryRepository target = registry.repository(repository);
        Digest there = target.tags.get(new Tag(tag));
        if (graph.root().digest().equals(there)) {
            assertThat(lacking(graph, registry, target)).isEmpty();
        }
    }
}
