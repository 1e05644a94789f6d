package dev.entrepot.config;

import dev.entrepot.oci.InvalidNameException;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * A mapping whose keys the user chooses. Entries that cannot be read are left out, with their errors recorded.
 *
 * @param <K> what its keys become
 * @param <V> what its values become
 * @param key what its keys may be
 * @param value what its values may be
 */
record MapType<K, V>(ScalarType<K> key, ValueType<V> value) implements ValueType<Map<K, V>> {
    @Override
    public Optional<Map<K, V>> read(ConfigNode node) {
        Map<K, V> values = new LinkedHashMap<>();
        Map<K, Map.Entry<String, ConfigNode>> firsts = new HashMap<>();
        for (Map.Entry<String, ConfigNode> entry :
                node.entries(describe(), true).entrySet()) {
            Optional<K> name = name(entry.getKey(), entry.getValue());
            Optional<V> read = value.read(entry.getValue());
            if (name.isPresent() && read.isPresent()) {
                values.put(name.get(), read.get());
                Map.Entry<String, ConfigNode> first = firsts.putIfAbsent(name.get(), entry);
                if (first != null) {
                    twice(first, entry);
                }
            }
        }
        return Optional.of(Collections.unmodifiableMap(values));
    }

    private static void twice(Map.Entry<String, ConfigNode> first, Map.Entry<String, ConfigNode> second) {
        Reading reading = second.getValue().reading();
        Position at = reading.keyOf(first.getValue().path());
        reading.error(
                ConfigError.Kind.DUPLICATE_KEY,
                reading.keyOf(second.getValue().path()),
                second.getValue().path(),
                second.getKey(),
                "it is there as \"" + first.getKey() + "\" at " + at.line() + ":" + at.column()
                        + " already; each name once, whatever its case",
                Optional.empty());
    }

    private Optional<K> name(String text, ConfigNode node) {
        try {
            return Optional.of(key.parse().apply(text, node.reading()));
        } catch (InvalidValueException e) {
            return refuse(text, node, e.allowed());
        } catch (InvalidNameException e) {
            return refuse(text, node, key.allowed() + " as key");
        }
    }

    private Optional<K> refuse(String text, ConfigNode node, String allowed) {
        Reading reading = node.reading();
        reading.error(
                ConfigError.Kind.INVALID_VALUE,
                reading.keyOf(node.path()),
                node.path(),
                text,
                allowed,
                Optional.empty());
        return Optional.empty();
    }

    @Override
    public Printed print(Map<K, V> values) {
        if (values.isEmpty()) {
            return new Printed.Nothing();
        }
        Map<String, Printed> entries = new LinkedHashMap<>();
        values.forEach((name, entry) -> entries.put(key.format().apply(name), value.print(entry)));
        return new Printed.Entries(true, entries);
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonForm.empty();
        schema.putArray("type").add("object").add("null");
        schema.set("additionalProperties", value.schema());
        return schema;
    }

    @Override
    public String describe() {
        return "mapping of " + key.describe() + " to " + value.describe();
    }
}
