package dev.entrepot.config;

import dev.entrepot.oci.InvalidNameException;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import tools.jackson.databind.node.ObjectNode;

/**
 * A single value.
 *
 * @param <T> what it becomes
 * @param name what it is, in a word or two
 * @param allowed what the text may be
 * @param parse the text to the value; an {@link InvalidValueException} or {@link InvalidNameException} refuses it
 * @param format the value to a text that {@code parse} takes
 * @param shown the text as it may be shown in errors
 * @param form how it looks to an editor
 */
record ScalarType<T>(
        String name,
        String allowed,
        BiFunction<String, Reading, T> parse,
        Function<T, String> format,
        UnaryOperator<String> shown,
        JsonForm form)
        implements ValueType<T> {

    /** A type whose text is no secret and needs nothing else to be parsed. */
    static <T> ScalarType<T> of(
            String name, String allowed, Function<String, T> parse, Function<T, String> format, JsonForm form) {
        return new ScalarType<>(
                name, allowed, (text, reading) -> parse.apply(text), format, UnaryOperator.identity(), form);
    }

    /** This type, showing its text through a mask. */
    ScalarType<T> masked(UnaryOperator<String> mask) {
        return new ScalarType<>(name, allowed, parse, format, mask, form);
    }

    /** The text as it may be shown. */
    String shown(String text) {
        return shown.apply(text);
    }

    @Override
    public Optional<T> read(ConfigNode node) {
        return node.text(this).flatMap(text -> parse(node, text));
    }

    private Optional<T> parse(ConfigNode node, String text) {
        try {
            return Optional.of(parse.apply(text, node.reading()));
        } catch (InvalidValueException e) {
            node.error(ConfigError.Kind.INVALID_VALUE, shown(node.rawText()), e.allowed());
        } catch (InvalidNameException e) {
            node.error(ConfigError.Kind.INVALID_VALUE, shown(node.rawText()), allowed);
        }
        return Optional.empty();
    }

    @Override
    public Printed print(T value) {
        String text = format.apply(value);
        return switch (form.type()) {
            case INTEGER, BOOLEAN -> new Printed.Scalar(text);
            case STRING, STRING_OR_NUMBER, SCALAR -> new Printed.Scalar(YamlText.scalar(References.escape(text)));
        };
    }

    @Override
    public ObjectNode schema() {
        return form.schema();
    }

    @Override
    public String describe() {
        return name;
    }
}
