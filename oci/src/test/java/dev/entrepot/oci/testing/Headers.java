package dev.entrepot.oci.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * HTTP header fields in their order; names are compared without case. Immutable.
 *
 * @param fields the fields
 */
public record Headers(List<Field> fields) {
    /** No fields. */
    public static final Headers NONE = new Headers(List.of());

    /**
     * One header field.
     *
     * @param name the name as it is written
     * @param value the value without surrounding blanks
     */
    public record Field(String name, String value) {}

    /** Copies the list. */
    public Headers {
        fields = List.copyOf(fields);
    }

    /** The first value of a name. */
    public Optional<String> first(String name) {
        return values(name).findFirst();
    }

    /** All values of a name. */
    public List<String> all(String name) {
        return values(name).toList();
    }

    /** Whether there is a field of that name. */
    public boolean has(String name) {
        return first(name).isPresent();
    }

    /** These fields with one of that name, in place of those that were. */
    public Headers with(String name, String value) {
        return without(name).plus(name, value);
    }

    /** These fields with one more. */
    public Headers plus(String name, String value) {
        List<Field> more = new ArrayList<>(fields);
        more.add(new Field(name, value));
        return new Headers(more);
    }

    /** These fields without those of that name. */
    public Headers without(String name) {
        return new Headers(fields.stream()
                .filter(field -> !field.name().equalsIgnoreCase(name))
                .toList());
    }

    /** Whether a comma-separated header contains the token, without regard to case. */
    public boolean hasToken(String name, String token) {
        return values(name)
                .flatMap(value -> Stream.of(value.toLowerCase(Locale.ROOT).split(",")))
                .anyMatch(part -> part.strip().equals(token));
    }

    private Stream<String> values(String name) {
        return fields.stream()
                .filter(field -> field.name().equalsIgnoreCase(name))
                .map(Field::value);
    }
}
