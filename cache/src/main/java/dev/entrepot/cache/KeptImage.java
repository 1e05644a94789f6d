package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The graph of an image as far as it is known here: what is kept, and what is only named by what is kept.
 *
 * @param repository its repository
 * @param root the manifest that was asked for
 * @param tag what is known of the tag that it was asked for by
 * @param manifests all manifests that were found, the root first; each is there once, so a graph that is no tree stays
 *     one
 * @param cut whether there was more than is shown
 */
public record KeptImage(
        Repository repository, Digest root, Optional<TagRecord> tag, List<Node> manifests, boolean cut) {
    /** Copies the list. */
    public KeptImage {
        manifests = List.copyOf(manifests);
    }

    /**
     * A manifest.
     *
     * @param descriptor what names it, or what it is; of a tag whose manifest is not kept, the size is unknown and 0
     * @param kept whether it is stored
     * @param pinned whether it is never evicted
     * @param lastUsed when it was last served or stored; empty if it is not kept
     * @param artifactType the type of the artifact, by itself or by what refers to it
     * @param problem why it could not be read, though it is stored
     * @param children manifests below it
     * @param blobs configuration and layers
     * @param referrersAsOf when the upstream last said what refers to it; empty if it was not asked yet, so that
     *     nothing is known
     * @param referrers what refers to it, by that list
     * @param tags cosign's tags that stand for something about it
     */
    public record Node(
            Descriptor descriptor,
            boolean kept,
            boolean pinned,
            Optional<Instant> lastUsed,
            Optional<String> artifactType,
            Optional<String> problem,
            List<Digest> children,
            List<Blob> blobs,
            Optional<Instant> referrersAsOf,
            List<Digest> referrers,
            Map<Tag, Digest> tags) {
        /** Copies the collections. */
        public Node {
            children = List.copyOf(children);
            blobs = List.copyOf(blobs);
            referrers = List.copyOf(referrers);
            tags = Map.copyOf(tags);
        }

        /** All manifests that this one leads to. */
        Collection<Digest> next() {
            List<Digest> next = new ArrayList<>(children);
            next.addAll(referrers);
            next.addAll(tags.values());
            return next;
        }
    }

    /** A blob that a manifest names, and whether it is stored. */
    public record Blob(Descriptor descriptor, boolean kept) {}
}
