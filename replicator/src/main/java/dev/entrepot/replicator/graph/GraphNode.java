package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One manifest of a graph and its edges.
 *
 * @param descriptor type, digest and real size of the manifest, with the artifact type and annotations that a referrers
 *     list shows, taken from the manifest itself because lists are known to lack them
 * @param children manifests below it that belong to the graph
 * @param omitted manifests below it that were left out because of their platform, or {@linkplain GraphWalker#look
 *     because the source does not have them}
 * @param blobs blobs of it, each once; those that must not be pushed to other registries are not among them
 * @param subject what it refers to, if it is a referrer
 * @param referrers what refers to it, as far as it belongs to the graph
 * @param cosignTags the cosign tags of it, as far as they belong to the graph
 * @param types the artifact type and the media types of the blobs: what filters know it by
 * @param dangling referrers that the source's fallback tag lists and that the source does not have
 * @param fingerprint the {@link Attachments#fingerprint()} of all that the source attaches to it, filtered or not,
 *     without what is dangling
 */
public record GraphNode(
        Descriptor descriptor,
        List<Digest> children,
        List<Descriptor> omitted,
        List<Descriptor> blobs,
        Optional<Digest> subject,
        List<Digest> referrers,
        List<CosignTag> cosignTags,
        Set<String> types,
        List<Descriptor> dangling,
        String fingerprint) {
    /** Copies the lists. */
    public GraphNode {
        children = List.copyOf(children);
        omitted = List.copyOf(omitted);
        blobs = List.copyOf(blobs);
        referrers = List.copyOf(referrers);
        cosignTags = List.copyOf(cosignTags);
        types = Set.copyOf(types);
        dangling = List.copyOf(dangling);
    }

    /** The digest of the manifest. */
    public Digest digest() {
        return descriptor.digest();
    }

    /** Whether children were left out, so that the manifest names more than is copied. */
    public boolean isSparse() {
        return !omitted.isEmpty();
    }
}
