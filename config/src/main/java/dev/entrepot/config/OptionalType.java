package dev.entrepot.config;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * A value that may be left out.
 *
 * @param <T> what it becomes if it is there
 * @param type what it may be if it is there
 */
record OptionalType<T>(ValueType<T> type) implements ValueType<Optional<T>> {
    @Override
    public Optional<Optional<T>> read(ConfigNode node) {
        return Optional.of(node.kind() == ConfigNode.Kind.ABSENT ? Optional.empty() : type.read(node));
    }

    @Override
    public Printed print(Optional<T> value) {
        return value.map(type::print).orElseGet(Printed.Nothing::new);
    }

    @Override
    public ObjectNode schema() {
        return type.schema();
    }

    @Override
    public String describe() {
        return type.describe();
    }
}
