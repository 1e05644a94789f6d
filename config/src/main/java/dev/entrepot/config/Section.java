package dev.entrepot.config;

import dev.entrepot.config.InvalidValueException.Refusal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A mapping with known keys.
 *
 * @param <R> what it becomes
 * @param name what it is, in a word or two
 * @param keys its keys, in the order in which they are printed
 * @param build makes the record; an {@link InvalidValueException} refuses it and names the key to blame
 */
record Section<R>(String name, List<Key<R, ?>> keys, Function<SectionValues, R> build) implements ValueType<R> {
    @Override
    public Optional<R> read(ConfigNode node) {
        int before = node.reading().errorCount();
        if (node.kind() == ConfigNode.Kind.SCALAR || node.kind() == ConfigNode.Kind.LIST) {
            node.wrongType("a mapping with the keys " + keyNames());
            return Optional.empty();
        }
        Map<String, ConfigNode> entries = node.entries(describe(), false);
        refuseUnknown(node, entries);
        SectionValues values = new SectionValues(node);
        boolean complete = true;
        Map<String, ConfigNode> sound = new LinkedHashMap<>(entries);
        for (Key<R, ?> key : keys) {
            int soFar = node.reading().errorCount();
            complete &= readKey(key, node, entries, values);
            if (node.reading().errorCount() > soFar) {
                sound.remove(key.name());
            }
        }
        boolean wholly = node.reading().errorCount() == before;
        return complete
                ? build(node, entries, values, refusal -> wholly || isCertain(refusal, sound))
                : Optional.empty();
    }

    private <T> boolean readKey(Key<R, T> key, ConfigNode node, Map<String, ConfigNode> entries, SectionValues values) {
        Optional<T> value = key.read(node, Optional.ofNullable(entries.get(key.name())));
        value.ifPresent(v -> values.put(key, v));
        return value.isPresent();
    }

    // Where a value could not be read, its default stands in, so that the whole can still be checked against other
    // parts of the file. Of what the record itself has to say, only what comes of values that were read is then to be
    // trusted.
    private Optional<R> build(
            ConfigNode node, Map<String, ConfigNode> entries, SectionValues values, Predicate<Refusal> trusted) {
        try {
            R section = build.apply(values);
            node.reading().built(section, node.path());
            return Optional.of(section);
        } catch (InvalidValueException e) {
            e.refusals().stream().filter(trusted).forEach(refusal -> {
                ConfigNode blamed = entries.get(refusal.key());
                ConfigNode target =
                        blamed != null ? blamed : refusal.key().isEmpty() ? node : node.absentChild(refusal.key());
                target.error(ConfigError.Kind.INVALID_VALUE, "", refusal.allowed());
            });
            return Optional.empty();
        }
    }

    private static boolean isCertain(Refusal refusal, Map<String, ConfigNode> sound) {
        return !refusal.written().isEmpty() && sound.keySet().containsAll(refusal.written());
    }

    private void refuseUnknown(ConfigNode node, Map<String, ConfigNode> entries) {
        List<String> known = keys.stream().map(Key::name).toList();
        for (Map.Entry<String, ConfigNode> entry : entries.entrySet()) {
            if (!known.contains(entry.getKey())) {
                String path = entry.getValue().path();
                node.reading()
                        .error(
                                ConfigError.Kind.UNKNOWN_KEY,
                                node.reading().keyOf(path),
                                path,
                                entry.getKey(),
                                "the known keys here are " + keyNames(),
                                Nearest.to(entry.getKey(), known));
            }
        }
    }

    private String keyNames() {
        return keys.stream().map(Key::name).collect(Collectors.joining(", "));
    }

    @Override
    public Printed print(R value) {
        Map<String, Printed> entries = new LinkedHashMap<>();
        for (Key<R, ?> key : keys) {
            Printed printed = key.print(value);
            if (!isNothing(printed)) {
                entries.put(key.name(), printed);
            }
        }
        return new Printed.Entries(false, entries);
    }

    private static boolean isNothing(Printed printed) {
        return printed instanceof Printed.Nothing
                || printed instanceof Printed.Entries inner && inner.entries().isEmpty();
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonForm.empty();
        boolean mayBeEmpty = keys.stream().noneMatch(Key::required);
        if (mayBeEmpty) {
            schema.putArray("type").add("object").add("null");
        } else {
            schema.put("type", "object");
        }
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = JsonForm.empty().arrayNode();
        for (Key<R, ?> key : keys) {
            ObjectNode property = key.type().schema();
            property.put("description", key.doc());
            key.defaultText().ifPresent(text -> putDefault(property, key.type(), text));
            properties.set(key.name(), property);
            if (key.required()) {
                required.add(key.name());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        return schema.put("additionalProperties", false);
    }

    private static void putDefault(ObjectNode property, ValueType<?> type, String text) {
        switch (type instanceof ScalarType<?> scalar ? scalar.form().type() : JsonForm.Type.STRING) {
            case INTEGER -> property.put("default", Integer.parseInt(text));
            case BOOLEAN -> property.put("default", Boolean.parseBoolean(text));
            case STRING, STRING_OR_NUMBER, SCALAR -> property.put("default", text);
        }
    }

    @Override
    public String describe() {
        return name;
    }
}
