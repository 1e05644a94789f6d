package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code index.json} of volumes. Tags come first, by repository and tag, then referrers without a tag, by digest.
 * Names have their repository where the images of the bundle, whatever volume they are in, are of several.
 */
final class VolumeIndex {
    private static final Comparator<Entry> ORDER = Comparator.comparing(Entry::isUntagged)
            .thenComparing(Entry::repository)
            .thenComparing(Entry::name);

    private final Inventory inventory;
    private final boolean several;
    private final Set<String> names = new HashSet<>();
    private final Map<Digest, List<Entry>> entries = new HashMap<>();

    private VolumeIndex(Inventory inventory) {
        this.inventory = inventory;
        this.several = inventory.images().stream()
                        .map(BundledImage::repository)
                        .distinct()
                        .count()
                > 1;
    }

    /**
     * An entry of an index.
     *
     * @param repository of a tag, else empty
     * @param name the tag, or the digest of what has none
     */
    record Entry(String repository, String name, ObjectNode json) {
        boolean isUntagged() {
            return repository.isEmpty();
        }

        /** How many bytes it takes, with the comma. */
        int bytes() {
            return LayoutFormat.index(List.of(json)).length;
        }
    }

    /** The entries of each manifest and fallback index that has any, by digest. */
    static Map<Digest, List<Entry>> entries(Inventory inventory) {
        VolumeIndex index = new VolumeIndex(inventory);
        index.collect();
        return index.entries;
    }

    /** The bytes of an {@code index.json}. */
    static byte[] write(List<Entry> entries) {
        return LayoutFormat.index(
                entries.stream().sorted(ORDER).map(Entry::json).toList());
    }

    private void collect() {
        for (BundledImage image : inventory.images()) {
            tag(image.repository(), image.tag(), descriptor(image.manifest()));
        }
        for (BundledManifest manifest : inventory.manifests().values()) {
            for (BundledManifest.CosignTag tag : manifest.cosign()) {
                tag(tag.repository(), tag.tag(), descriptor(tag.manifest()));
            }
        }
        for (BundledFallback fallback : inventory.fallbacks().values()) {
            Descriptor index = Descriptor.of(MediaType.OCI_INDEX, fallback.digest(), fallback.sizeBytes());
            for (RepositoryName repository : manifest(fallback.subject()).repositories()) {
                tag(repository, fallback.subject().referrersTag(), index);
            }
        }
        Set<Digest> tagged = inventory.tagged();
        for (Digest referrer : inventory.referring()) {
            if (!tagged.contains(referrer)) {
                Descriptor descriptor = descriptor(referrer);
                add(referrer, new Entry("", referrer.toString(), DescriptorJson.write(descriptor)));
            }
        }
    }

    // A name is there once; an image comes before what is generated.
    private void tag(RepositoryName repository, Tag tag, Descriptor manifest) {
        if (names.add(repository + ":" + tag)) {
            ObjectNode json = LayoutFormat.tagged(Optional.of(repository), tag, manifest, several);
            add(manifest.digest(), new Entry(repository.value(), tag.value(), json));
        }
    }

    private void add(Digest digest, Entry entry) {
        entries.computeIfAbsent(digest, key -> new ArrayList<>(1)).add(entry);
    }

    private Descriptor descriptor(Digest digest) {
        return manifest(digest).descriptor();
    }

    private BundledManifest manifest(Digest digest) {
        BundledManifest manifest = inventory.manifests().get(digest);
        if (manifest == null) {
            throw new IllegalStateException("manifest " + digest + " is not in a checked inventory");
        }
        return manifest;
    }
}
