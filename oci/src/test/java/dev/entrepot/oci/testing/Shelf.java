package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Tag;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** What one repository of a {@link TestRegistry} holds. Nothing is shared with other repositories. Safe for all threads. */
final class Shelf {
    private final Map<Digest, Content> blobs = new ConcurrentHashMap<>();
    private final SortedMap<Digest, StoredManifest> manifests = new ConcurrentSkipListMap<>();
    private final SortedMap<Tag, Digest> tags = new ConcurrentSkipListMap<>();

    Map<Digest, Content> blobs() {
        return blobs;
    }

    SortedMap<Digest, StoredManifest> manifests() {
        return manifests;
    }

    SortedMap<Tag, Digest> tags() {
        return tags;
    }

    /** What a reference names, where there is such a manifest. */
    Optional<Digest> resolve(ManifestReference reference) {
        Optional<Digest> digest = switch (reference) {
            case Tag tag -> Optional.ofNullable(tags.get(tag));
            case Digest named -> Optional.of(named);
        };
        return digest.filter(manifests::containsKey);
    }

    void put(Digest digest, StoredManifest manifest, Optional<Tag> tag) {
        manifests.put(digest, manifest);
        tag.ifPresent(name -> tags.put(name, digest));
    }
}
