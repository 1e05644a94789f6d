package dev.entrepot.cache;

import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The pins that a {@link CacheIndex} keeps; what they mean is for {@link PinnedGraphs}. Whoever changes one tells the
 * {@link PinListing}. Safe for all threads.
 */
final class PinRecords {
    private final WriteBehind<IndexTables.PinKey, Pin> pins;
    private final IndexReaders readers;

    /** The pins of a database. */
    PinRecords(WriteBehind<IndexTables.PinKey, Pin> pins, IndexReaders readers) {
        this.pins = pins;
        this.readers = readers;
    }

    /** Adds a pin, or changes what it covers. */
    void put(Pin pin) {
        pins.update(new IndexTables.PinKey(pin.repository(), pin.reference()), known -> Optional.of(pin));
    }

    /** The pin of just this reference. */
    Optional<Pin> get(Repository repository, ManifestReference reference) {
        return pins.get(new IndexTables.PinKey(repository, reference));
    }

    /** Takes a pin away; returns whether there was one. */
    boolean remove(Repository repository, ManifestReference reference) {
        IndexTables.PinKey key = new IndexTables.PinKey(repository, reference);
        boolean known = pins.get(key).isPresent();
        // Not put: a pin that is only remembered to be away would protect nothing, and be there at the next start.
        pins.update(key, before -> Optional.empty());
        return known;
    }

    /** Whether a change of a pin waits to be committed, and may still turn out to be refused. */
    boolean isPending() {
        return pins.isPending();
    }

    /**
     * All pins, in order.
     *
     * @throws IOException if the database cannot be read
     */
    List<Pin> all() throws IOException {
        Map<IndexTables.PinKey, Optional<Pin>> pending = pins.pending();
        TreeMap<String, Pin> found = new TreeMap<>();
        readers.ask(IndexReader::pins).forEach(pin -> found.put(pin.toString(), pin));
        pending.forEach((key, value) -> {
            String name = Pin.all(key.repository(), key.reference()).toString();
            value.ifPresentOrElse(pin -> found.put(name, pin), () -> found.remove(name));
        });
        return List.copyOf(found.values());
    }
}
