package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * All that belongs to one image of an inventory in its repository: what is below it, and what refers to any of that
 * there.
 *
 * @param image the image
 * @param manifests its manifests, the root first
 * @param blobs their blobs
 */
public record ImageClosure(BundledImage image, List<BundledManifest> manifests, List<BundledBlob> blobs) {
    /** Copies the lists. */
    public ImageClosure {
        manifests = List.copyOf(manifests);
        blobs = List.copyOf(blobs);
    }

    /** What belongs to an image. */
    public static ImageClosure of(Inventory inventory, BundledImage image) {
        Set<Digest> manifests = new LinkedHashSet<>();
        Set<Digest> blobs = new LinkedHashSet<>();
        Deque<Digest> open = new ArrayDeque<>();
        open.add(image.manifest());
        while (!open.isEmpty()) {
            Digest digest = open.remove();
            if (manifests.add(digest)) {
                BundledManifest manifest =
                        Objects.requireNonNull(inventory.manifests().get(digest));
                blobs.addAll(manifest.blobs());
                open.addAll(manifest.children());
                attached(inventory, manifest, image.repository()).forEach(open::add);
            }
        }
        return new ImageClosure(
                image,
                manifests.stream()
                        .map(digest ->
                                Objects.requireNonNull(inventory.manifests().get(digest)))
                        .toList(),
                blobs.stream()
                        .map(digest -> Objects.requireNonNull(inventory.blobs().get(digest)))
                        .toList());
    }

    private static Stream<Digest> attached(Inventory inventory, BundledManifest manifest, RepositoryName repository) {
        return Stream.concat(
                referrers(inventory, manifest, repository).map(BundledManifest::digest),
                manifest.cosign().stream()
                        .filter(tag -> tag.repository().equals(repository))
                        .map(BundledManifest.CosignTag::manifest));
    }

    /** What refers to a manifest in one repository. */
    public static Stream<BundledManifest> referrers(
            Inventory inventory, BundledManifest manifest, RepositoryName repository) {
        return manifest.referrers().stream()
                .map(digest -> Objects.requireNonNull(inventory.manifests().get(digest)))
                .filter(referrer -> referrer.repositories().contains(repository));
    }

    /** The cosign tags of its manifests in its repository, and what they name. */
    public SortedMap<Tag, Digest> cosignTags() {
        SortedMap<Tag, Digest> tags = new TreeMap<>();
        for (BundledManifest manifest : manifests) {
            manifest.cosign().stream()
                    .filter(tag -> tag.repository().equals(image.repository()))
                    .forEach(tag -> tags.put(tag.tag(), tag.manifest()));
        }
        return tags;
    }

    /** The bytes of all of it. */
    public long totalBytes() {
        return manifests.stream()
                        .mapToLong(node -> node.descriptor().sizeBytes())
                        .sum()
                + blobs.stream().mapToLong(BundledBlob::sizeBytes).sum();
    }
}
