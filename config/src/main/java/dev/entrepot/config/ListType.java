package dev.entrepot.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * A list. Elements that cannot be read are left out, with their errors recorded.
 *
 * @param <T> what its elements become
 * @param element what its elements may be
 * @param least how many there must be if it is written at all
 */
record ListType<T>(ValueType<T> element, int least) implements ValueType<List<T>> {
    /** A list that may be empty. */
    static <T> ListType<T> of(ValueType<T> element) {
        return new ListType<>(element, 0);
    }

    /** A list that may not be empty. */
    static <T> ListType<T> notEmpty(ValueType<T> element) {
        return new ListType<>(element, 1);
    }

    @Override
    public Optional<List<T>> read(ConfigNode node) {
        if (node.kind() == ConfigNode.Kind.SCALAR || node.kind() == ConfigNode.Kind.MAPPING) {
            node.wrongType(describe());
            return Optional.empty();
        }
        List<ConfigNode> items = node.items(describe());
        if (node.kind() != ConfigNode.Kind.ABSENT && items.size() < least) {
            node.error(ConfigError.Kind.INVALID_VALUE, "", "at least " + least + " entry");
            return Optional.empty();
        }
        List<T> values = new ArrayList<>();
        for (ConfigNode item : items) {
            element.read(item).ifPresent(values::add);
        }
        return Optional.of(List.copyOf(values));
    }

    @Override
    public Printed print(List<T> value) {
        return value.isEmpty()
                ? new Printed.Nothing()
                : new Printed.Items(value.stream().map(element::print).toList());
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonForm.empty();
        if (least > 0) {
            schema.put("type", "array").put("minItems", least);
        } else {
            schema.putArray("type").add("array").add("null");
        }
        schema.set("items", element.schema());
        return schema;
    }

    @Override
    public String describe() {
        return "list of " + element.describe();
    }
}
