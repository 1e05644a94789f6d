package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import java.util.OptionalInt;

/**
 * Which part of a list is asked for (distribution-spec, "Content Discovery").
 *
 * @param limit the most entries wanted, {@code n}; empty for as many as the server likes to give at once
 * @param last the entry after which the page begins; empty for the beginning
 */
record PageRequest(OptionalInt limit, String last) {
    /** The name under which a bad {@code n} is refused. */
    static final String LIMIT = "page size";

    /**
     * Reads {@code n} and {@code last}.
     *
     * @throws InvalidNameException if {@code n} is not a number of at least 0
     */
    static PageRequest of(QueryParameters query) {
        String n = query.first("n");
        return new PageRequest(n.isEmpty() ? OptionalInt.empty() : OptionalInt.of(limit(n)), query.first("last"));
    }

    private static int limit(String text) {
        try {
            int value = Integer.parseInt(text);
            if (value >= 0 && text.charAt(0) != '+') {
                return value;
            }
        } catch (NumberFormatException e) {
            // refused below
        }
        throw new InvalidNameException(LIMIT, text, "a number of at least 0");
    }
}
