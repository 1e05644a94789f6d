package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The order in which the content of a bundle is written, each digest once: manifest by manifest, its blobs before it;
 * the fallback index of a subject behind the last of the subject and its referrers.
 */
final class WritingOrder {
    private WritingOrder() {}

    /** What is written. */
    enum Kind {
        MANIFEST,
        BLOB,
        FALLBACK
    }

    /**
     * One piece of content. What is both a manifest and a blob is a manifest.
     *
     * @param of the digest of the content, or, of a fallback index, of its subject
     */
    record Item(Kind kind, Digest of) {}

    static List<Item> of(Map<Digest, BundledManifest> manifests, Collection<Digest> subjects) {
        Map<Digest, List<Digest>> behind = behind(manifests, subjects);
        Set<Digest> seen = new HashSet<>();
        List<Item> items = new ArrayList<>();
        for (BundledManifest manifest : manifests.values()) {
            for (Digest blob : manifest.blobs()) {
                if (seen.add(blob)) {
                    items.add(new Item(manifests.containsKey(blob) ? Kind.MANIFEST : Kind.BLOB, blob));
                }
            }
            if (seen.add(manifest.digest())) {
                items.add(new Item(Kind.MANIFEST, manifest.digest()));
            }
            behind.getOrDefault(manifest.digest(), List.of())
                    .forEach(subject -> items.add(new Item(Kind.FALLBACK, subject)));
        }
        return items;
    }

    private static Map<Digest, List<Digest>> behind(
            Map<Digest, BundledManifest> manifests, Collection<Digest> subjects) {
        Map<Digest, Integer> places = new HashMap<>();
        manifests.keySet().forEach(digest -> places.put(digest, places.size()));
        Map<Digest, List<Digest>> behind = new HashMap<>();
        for (Digest subject : subjects) {
            BundledManifest manifest = manifests.get(subject);
            Digest last = subject;
            for (Digest referrer : manifest == null ? List.<Digest>of() : manifest.referrers()) {
                last = places.getOrDefault(referrer, -1) > places.getOrDefault(last, -1) ? referrer : last;
            }
            behind.computeIfAbsent(last, digest -> new ArrayList<>()).add(subject);
        }
        return behind;
    }
}
