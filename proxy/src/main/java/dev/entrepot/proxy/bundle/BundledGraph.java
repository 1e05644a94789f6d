package dev.entrepot.proxy.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.replicator.bundle.Bundle;
import dev.entrepot.replicator.bundle.BundledBlob;
import dev.entrepot.replicator.bundle.BundledImage;
import dev.entrepot.replicator.bundle.BundledManifest;
import dev.entrepot.replicator.bundle.ImageClosure;
import dev.entrepot.replicator.bundle.Inventory;
import dev.entrepot.replicator.bundle.Placement;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.graph.GraphNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The graph of an image of a bundle, as the inventory has it. The types of blobs are known only of manifests that are
 * in the volumes that were given.
 */
public final class BundledGraph {
    private final Bundle bundle;
    private final ImageClosure closure;
    private final Set<Digest> members;
    // What one manifest calls an image another may call a signature: the empty JSON object is both.
    private final Map<Digest, Map<Digest, Descriptor>> described = new HashMap<>();

    private BundledGraph(Bundle bundle, ImageClosure closure) {
        this.bundle = bundle;
        this.closure = closure;
        this.members = Set.copyOf(
                closure.manifests().stream().map(BundledManifest::digest).toList());
    }

    /**
     * Finds an image by name: {@code [REGISTRY/]REPOSITORY:TAG}, {@code [REGISTRY/]REPOSITORY@DIGEST}, or without tag,
     * which means {@code latest}.
     */
    public static Optional<BundledImage> find(Bundle bundle, String name) {
        String full = name.lastIndexOf(':') > name.lastIndexOf('/') ? name : name + ":latest";
        return bundle.inventory().images().stream()
                .filter(image -> List.of(
                                image.name(),
                                image.source() + ":" + image.tag(),
                                image.repository() + "@" + image.manifest(),
                                image.source() + "@" + image.manifest())
                        .contains(full))
                .findFirst();
    }

    /**
     * The graph of an image.
     *
     * @throws IOException if a manifest cannot be read or is not what it should be
     */
    public static ArtifactGraph of(Bundle bundle, BundledImage image) throws IOException {
        return new BundledGraph(bundle, ImageClosure.of(bundle.inventory(), image)).build();
    }

    /** Whether something is not in the bundle, because the target has it. */
    public static boolean held(Bundle bundle, Digest digest) {
        Inventory inventory = bundle.inventory();
        Optional<Placement> placement = Optional.ofNullable(
                        inventory.manifests().get(digest))
                .map(BundledManifest::placement)
                .or(() -> Optional.ofNullable(inventory.blobs().get(digest)).map(BundledBlob::placement));
        return placement.filter(Placement.Held.class::isInstance).isPresent();
    }

    private ArtifactGraph build() throws IOException {
        for (BundledManifest manifest : closure.manifests()) {
            Optional<ManifestBytes> bytes = bundle.read(manifest);
            if (bytes.isPresent()) {
                Map<Digest, Descriptor> here = new HashMap<>();
                Manifest.parse(bytes.get()).references().forEach(below -> here.putIfAbsent(below.digest(), below));
                described.put(manifest.digest(), here);
            }
        }
        Map<Digest, GraphNode> nodes = new LinkedHashMap<>();
        closure.manifests().forEach(manifest -> nodes.put(manifest.digest(), node(manifest)));
        return new ArtifactGraph(closure.image().manifest(), nodes);
    }

    private GraphNode node(BundledManifest manifest) {
        return new GraphNode(
                manifest.descriptor(),
                manifest.children(),
                manifest.omitted().stream()
                        .map(digest -> described(manifest, digest, 0))
                        .toList(),
                manifest.blobs().stream()
                        .map(digest -> Objects.requireNonNull(
                                bundle.inventory().blobs().get(digest)))
                        .map(blob -> described(manifest, blob.digest(), blob.sizeBytes()))
                        .toList(),
                manifest.subject(),
                manifest.referrers().stream().filter(members::contains).toList(),
                manifest.cosign().stream()
                        .filter(tag -> tag.repository().equals(closure.image().repository()))
                        .map(tag -> new CosignTag(tag.tag(), descriptor(tag.manifest())))
                        .toList(),
                Set.of(),
                List.of(),
                "-");
    }

    private Descriptor described(BundledManifest by, Digest digest, long sizeBytes) {
        Descriptor known = described.getOrDefault(by.digest(), Map.of()).get(digest);
        return known != null ? known : Descriptor.of(MediaType.OCTET_STREAM, digest, sizeBytes);
    }

    private Descriptor descriptor(Digest digest) {
        return Objects.requireNonNull(bundle.inventory().manifests().get(digest))
                .descriptor();
    }
}
