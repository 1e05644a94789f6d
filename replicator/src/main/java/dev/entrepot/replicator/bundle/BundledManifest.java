package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A manifest of a bundle and its edges.
 *
 * @param descriptor type, digest and size, with the artifact type and annotations that a referrers list shows, and
 *     nothing else
 * @param repositories the repositories that it belongs to, by the source's names, sorted; at least one
 * @param children manifests below it, in its own order; each is earlier in the inventory than this one
 * @param omitted manifests below it that were left out because of their platform
 * @param blobs its blobs, in its own order, each once
 * @param subject what it refers to, if it is a referrer; may be outside of the bundle
 * @param referrers what refers to it, sorted. In a repository, those count that belong to it
 * @param cosign its cosign tags, by repository and tag
 * @param placement where its bytes are; never in parts
 */
public record BundledManifest(
        Descriptor descriptor,
        List<RepositoryName> repositories,
        List<Digest> children,
        List<Digest> omitted,
        List<Digest> blobs,
        Optional<Digest> subject,
        List<Digest> referrers,
        List<CosignTag> cosign,
        Placement placement) {
    /**
     * A cosign tag of a manifest.
     *
     * @param repository the repository that the tag is in
     * @param tag the tag
     * @param manifest what it names there
     */
    public record CosignTag(RepositoryName repository, Tag tag, Digest manifest) {
        static final Comparator<CosignTag> ORDER =
                Comparator.comparing(CosignTag::repository).thenComparing(CosignTag::tag);
    }

    /** Checks orders and sizes. */
    public BundledManifest {
        String name = "of manifest " + descriptor.digest();
        boolean plain = descriptor.platform().isEmpty()
                && descriptor.urls().isEmpty()
                && descriptor.data().isEmpty();
        Checks.that(plain, "the descriptor " + name + " has a platform, urls or data");
        Checks.that(
                descriptor.sizeBytes() <= OciLimits.MAX_MANIFEST_BYTES,
                "the size " + name + " exceeds " + OciLimits.MAX_MANIFEST_BYTES + " bytes");
        Checks.that(!(placement instanceof Placement.InParts), "the placement " + name + " is in parts");
        Checks.that(!repositories.isEmpty(), "the list of repositories " + name + " is empty");
        repositories = Checks.sorted(repositories, Comparator.naturalOrder(), "repositories " + name);
        children = Checks.distinct(children, "children " + name);
        omitted = Checks.distinct(omitted, "omitted children " + name);
        blobs = Checks.distinct(blobs, "blobs " + name);
        referrers = Checks.sorted(referrers, Comparator.naturalOrder(), "referrers " + name);
        cosign = Checks.sorted(cosign, CosignTag.ORDER, "cosign tags " + name);
        Checks.that(Collections.disjoint(omitted, Set.copyOf(children)), "a child " + name + " is also omitted");
    }

    /** The digest of its bytes. */
    public Digest digest() {
        return descriptor.digest();
    }

    /** The same manifest elsewhere. */
    BundledManifest at(Placement other) {
        return new BundledManifest(
                descriptor, repositories, children, omitted, blobs, subject, referrers, cosign, other);
    }
}
