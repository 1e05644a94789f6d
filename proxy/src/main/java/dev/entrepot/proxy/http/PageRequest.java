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

    // A number that is too large for the machine is no error: fewer than that are given anyway.
    private static int limit(String text) {
        if (!text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new InvalidNameException(LIMIT, text, "a number of at least 0");
        }
        return text.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(text);
    }
}
