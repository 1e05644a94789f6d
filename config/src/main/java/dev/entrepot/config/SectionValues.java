package dev.entrepot.config;

import java.util.IdentityHashMap;
import java.util.Map;

/** The values of a section's keys while it is built. */
final class SectionValues {
    private final ConfigNode node;
    private final Map<Key<?, ?>, Object> values = new IdentityHashMap<>();

    SectionValues(ConfigNode node) {
        this.node = node;
    }

    /** Sets the value of a key. */
    <T> void put(Key<?, T> key, T value) {
        values.put(key, value);
    }

    /** The value of a key, which is one of the section's. */
    @SuppressWarnings("unchecked") // put() is the only writer, and it takes only the key's own type
    <T> T get(Key<?, T> key) {
        Object value = values.get(key);
        if (value == null) {
            throw new IllegalStateException("the key " + key.name() + " is not one of the section's");
        }
        return (T) value;
    }

    /** The name under which the user wrote the section, where it is an entry of a mapping. */
    String entryName() {
        return node.entryName();
    }

    /** What gathers the errors. */
    Reading reading() {
        return node.reading();
    }
}
