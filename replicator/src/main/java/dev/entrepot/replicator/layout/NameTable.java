package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What names of a layout name, found by name and by manifest: neither takes the longer the more there are. Not safe for
 * several threads.
 */
final class NameTable {
    private final Map<Name, Named> byName = new LinkedHashMap<>();
    private final Map<Digest, Set<Name>> byManifest = new HashMap<>();

    /** A tag; or a manifest that has none, by its digest. */
    record Name(RepositoryName repository, ManifestReference reference) {}

    /** What is named, and the run that named it last. */
    record Named(Descriptor manifest, Object run) {}

    /** Sets what a name names. */
    void put(Name name, Named named) {
        remove(name);
        byName.put(name, named);
        byManifest
                .computeIfAbsent(named.manifest().digest(), digest -> new HashSet<>())
                .add(name);
    }

    /** Takes a name out, if it is there. */
    void remove(Name name) {
        Named before = byName.remove(name);
        if (before != null) {
            byManifest.computeIfPresent(before.manifest().digest(), (digest, names) -> {
                names.remove(name);
                return names.isEmpty() ? null : names;
            });
        }
    }

    /** Takes out those names of a manifest that meet a condition. */
    void remove(Digest manifest, Predicate<Name> condition) {
        List<Name> gone = byManifest.getOrDefault(manifest, Set.of()).stream()
                .filter(condition)
                .toList();
        gone.forEach(this::remove);
    }

    /** Takes out what a run has named last. */
    void removeAll(Object run) {
        List<Name> gone = byName.entrySet().stream()
                .filter(entry -> entry.getValue().run() == run)
                .map(Map.Entry::getKey)
                .toList();
        gone.forEach(this::remove);
    }

    /** All of it, in the order in which it was named; not to be changed. */
    Map<Name, Named> all() {
        return Collections.unmodifiableMap(byName);
    }

    void clear() {
        byName.clear();
        byManifest.clear();
    }
}
