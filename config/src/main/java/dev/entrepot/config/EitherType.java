package dev.entrepot.config;

import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/**
 * A value with a short form, a single value or a list, and a long form, a mapping.
 *
 * @param <S> what the short form becomes first
 * @param <T> what both forms become
 * @param brief the short form
 * @param expand what the short form stands for
 * @param shorten the short form of a value, where there is one that says all of it
 * @param full the long form
 */
record EitherType<S, T>(ValueType<S> brief, Function<S, T> expand, Function<T, Optional<S>> shorten, Section<T> full)
        implements ValueType<T> {
    @Override
    public Optional<T> read(ConfigNode node) {
        return switch (node.kind()) {
            case ABSENT, MAPPING -> full.read(node);
            case SCALAR -> brief instanceof ScalarType<S> ? readBrief(node) : refuse(node);
            case LIST -> brief instanceof ListType<?> ? readBrief(node) : refuse(node);
            case EMPTY -> refuse(node);
        };
    }

    private Optional<T> readBrief(ConfigNode node) {
        int before = node.reading().errorCount();
        return brief.read(node).flatMap(value -> expand(node, value, before));
    }

    private Optional<T> expand(ConfigNode node, S value, int before) {
        try {
            return Optional.of(expand.apply(value));
        } catch (InvalidValueException e) {
            if (node.reading().errorCount() == before) {
                node.error(ConfigError.Kind.INVALID_VALUE, node.rawText(), e.allowed());
            }
            return Optional.empty();
        }
    }

    private Optional<T> refuse(ConfigNode node) {
        node.wrongType(describe());
        return Optional.empty();
    }

    @Override
    public Printed print(T value) {
        Optional<S> shortForm = shorten.apply(value);
        return shortForm.isPresent() ? brief.print(shortForm.get()) : full.print(value);
    }

    @Override
    public ObjectNode schema() {
        ObjectNode schema = JsonForm.empty();
        schema.putArray("anyOf").add(brief.schema()).add(full.schema());
        return schema;
    }

    @Override
    public String describe() {
        return brief.describe() + ", or " + full.describe();
    }
}
