package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Which pins have to do with a digest. One thread at a time changes it; whether there are any may be asked by all
 * threads at any time.
 */
final class PinsByDigest {
    // Most digests are under one pin: those have no table of their own.
    private final ConcurrentHashMap<Digest, Set<IndexTables.PinKey>> pins = new ConcurrentHashMap<>();

    /** Whether any pin has to do with it. */
    boolean contains(Digest digest) {
        return pins.containsKey(digest);
    }

    /** The pins that have to do with a digest; not a copy. */
    Set<IndexTables.PinKey> of(Digest digest) {
        return pins.getOrDefault(digest, Set.of());
    }

    /** All digests that any pin has to do with. */
    Stream<Digest> digests() {
        return pins.keySet().stream();
    }

    /** Adds a pin; returns whether it is the first of this digest. */
    boolean add(Digest digest, IndexTables.PinKey pin) {
        Set<IndexTables.PinKey> known = pins.get(digest);
        if (known == null) {
            pins.put(digest, Set.of(pin));
            return true;
        }
        if (known.size() > 1) {
            known.add(pin);
        } else if (!known.contains(pin)) {
            Set<IndexTables.PinKey> both = new HashSet<>(known);
            both.add(pin);
            pins.put(digest, both);
        }
        return false;
    }

    /** Takes a pin away; returns whether it was the last of this digest. */
    boolean remove(Digest digest, IndexTables.PinKey pin) {
        Set<IndexTables.PinKey> known = pins.get(digest);
        if (known == null || !known.contains(pin)) {
            return false;
        }
        if (known.size() == 1) {
            pins.remove(digest);
            return true;
        }
        known.remove(pin);
        if (known.size() == 1) {
            pins.put(digest, Set.copyOf(known));
        }
        return false;
    }
}
