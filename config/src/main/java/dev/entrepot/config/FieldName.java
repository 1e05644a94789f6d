package dev.entrepot.config;

import java.util.Locale;

/**
 * The name of a header field (RFC 9110, section 5.1). Two that differ in case only are the same.
 *
 * @param text the name as it is written, 1 to 100 characters of ASCII
 */
public record FieldName(String text) {
    /** What the text may be. */
    static final String ALLOWED = "the name of a header field";

    /** Validates the characters. */
    public FieldName {
        if (!text.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    private String folded() {
        return text.toLowerCase(Locale.ROOT);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FieldName name && folded().equals(name.folded());
    }

    @Override
    public int hashCode() {
        return folded().hashCode();
    }

    @Override
    public String toString() {
        return text;
    }
}
