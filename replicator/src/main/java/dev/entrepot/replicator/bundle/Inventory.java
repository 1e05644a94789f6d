package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Everything that a bundle carries, and where: what the inventory document says (docs/air-gap.md). An inventory that
 * can be built is consistent: all edges end at nodes of it, children come before their parents, so that it has no
 * cycle, blobs are listed in the order in which the manifests name them, volumes are filled in order, and no content is
 * in two places. Immutable.
 */
public final class Inventory {
    /** The version of the document that is written and read. */
    public static final int VERSION = 1;

    private final int volumes;
    private final OptionalLong volumeBytes;
    private final List<Digest> since;
    private final List<BundledImage> images;
    private final SequencedMap<Digest, BundledManifest> manifests;
    private final SequencedMap<Digest, BundledBlob> blobs;
    private final SequencedMap<Digest, BundledFallback> fallbacks;

    /**
     * Checks what is stated.
     *
     * @param volumes how many volumes there are
     * @param volumeBytes the limit that they were cut by
     * @param since the digests of the receipts that the bundle is the difference to, sorted
     * @param images by repository and tag, at least one
     * @param manifests in the order of writing
     * @param blobs in the order of writing
     * @param fallbacks in the order of their subjects
     * @throws IllegalArgumentException if they do not go together; the message says what does not
     */
    public Inventory(
            int volumes,
            OptionalLong volumeBytes,
            List<Digest> since,
            List<BundledImage> images,
            List<BundledManifest> manifests,
            List<BundledBlob> blobs,
            List<BundledFallback> fallbacks) {
        Checks.volume(volumes);
        Checks.that(volumeBytes.orElse(1) > 0, "volume-bytes is not positive");
        this.volumes = volumes;
        this.volumeBytes = volumeBytes;
        this.since = Checks.sorted(since, Comparator.naturalOrder(), "receipts");
        this.images = Checks.sorted(images, BundledImage.ORDER, "images");
        this.manifests = new LinkedHashMap<>();
        manifests.forEach(manifest -> Checks.that(
                this.manifests.put(manifest.digest(), manifest) == null,
                "manifest " + manifest.digest() + " is listed twice"));
        this.blobs = new LinkedHashMap<>();
        blobs.forEach(blob ->
                Checks.that(this.blobs.put(blob.digest(), blob) == null, "blob " + blob.digest() + " is listed twice"));
        this.fallbacks = new LinkedHashMap<>();
        fallbacks.forEach(fallback -> Checks.that(
                this.fallbacks.put(fallback.subject(), fallback) == null,
                "the fallback index of " + fallback.subject() + " is listed twice"));
        InventoryCheck.check(this);
    }

    /** How many volumes there are. */
    public int volumes() {
        return volumes;
    }

    /** The largest size of a volume that was asked for, in bytes. */
    public OptionalLong volumeBytes() {
        return volumeBytes;
    }

    /**
     * The digests of the receipts that the bundle is the difference to, sorted: it leaves out what all of them say that
     * their sides have.
     */
    public List<Digest> since() {
        return since;
    }

    /** The images, by repository and tag. */
    public List<BundledImage> images() {
        return images;
    }

    /** The manifests by digest, in the order of writing: children before their parents. */
    public SequencedMap<Digest, BundledManifest> manifests() {
        return Collections.unmodifiableSequencedMap(manifests);
    }

    /** The blobs by digest, in the order of writing. */
    public SequencedMap<Digest, BundledBlob> blobs() {
        return Collections.unmodifiableSequencedMap(blobs);
    }

    /** The fallback indexes by the digest of their subject. */
    public SequencedMap<Digest, BundledFallback> fallbacks() {
        return Collections.unmodifiableSequencedMap(fallbacks);
    }

    /**
     * The bytes of the fallback index of a subject: all its referrers, as a referrers list shows them.
     *
     * @throws IllegalArgumentException if there is no such manifest
     */
    public byte[] fallbackIndex(Digest subject) {
        return Fallbacks.index(manifests, subject);
    }

    /** The manifests that a tag of an image or of cosign names. */
    Set<Digest> tagged() {
        Set<Digest> tagged = new HashSet<>();
        images.forEach(image -> tagged.add(image.manifest()));
        manifests.values().forEach(manifest -> manifest.cosign().forEach(tag -> tagged.add(tag.manifest())));
        return tagged;
    }

    /** The manifests that a list of referrers names. */
    Set<Digest> referring() {
        Set<Digest> referring = new HashSet<>();
        manifests.values().forEach(manifest -> referring.addAll(manifest.referrers()));
        return referring;
    }
}
