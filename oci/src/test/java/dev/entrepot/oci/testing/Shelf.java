package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Tag;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * What one repository of a {@link TestRegistry} holds. Nothing is shared with other repositories. Safe for all threads.
 */
final class Shelf {
    private final Map<Digest, Content> blobs = new ConcurrentHashMap<>();
    private final SortedMap<Digest, StoredManifest> manifests = new ConcurrentSkipListMap<>();
    // What was ever pushed with a subject, so that a list need not look at all manifests.
    private final Map<String, SortedSet<Digest>> referring = new ConcurrentHashMap<>();
    private final SortedMap<Tag, Digest> tags = new ConcurrentSkipListMap<>();

    Map<Digest, Content> blobs() {
        return blobs;
    }

    /** The manifests, which change by {@link #put} and {@link #remove} only. */
    SortedMap<Digest, StoredManifest> manifests() {
        return Collections.unmodifiableSortedMap(manifests);
    }

    /** The manifests whose subject this is, in their order. */
    List<Map.Entry<Digest, StoredManifest>> referrers(Digest subject) {
        Set<Digest> pushed = referring.getOrDefault(subject.toString(), Collections.emptySortedSet());
        return pushed.stream()
                .flatMap(digest ->
                        Optional.ofNullable(manifests.get(digest))
                                .map(manifest -> Map.entry(digest, manifest))
                                .stream())
                .filter(entry -> entry.getValue().subject().equals(Optional.of(subject.toString())))
                .toList();
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

    // Into the lists first: who sees the manifest finds it in the list.
    void put(Digest digest, StoredManifest manifest, Optional<Tag> tag) {
        manifest.subject()
                .ifPresent(subject -> referring
                        .computeIfAbsent(subject, _ -> new ConcurrentSkipListSet<>())
                        .add(digest));
        manifests.put(digest, manifest);
        tag.ifPresent(name -> tags.put(name, digest));
    }

    // The lists leave it out from now on.
    void remove(Digest digest) {
        manifests.remove(digest);
    }
}
