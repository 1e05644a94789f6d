package dev.entrepot.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** A text that is never shown: {@link #toString()} is {@code ***}. Not a record, because a record would show it. */
public final class Secret {
    /** What is shown in place of a secret. */
    public static final String MASK = "***";

    private final String text;

    private Secret(String text) {
        this.text = text;
    }

    /**
     * Wraps a text.
     *
     * @throws InvalidValueException if it is empty
     */
    public static Secret of(String text) {
        if (text.isEmpty()) {
            throw new InvalidValueException("", "a secret that is not empty");
        }
        return new Secret(text);
    }

    /** The secret itself, for the one place that sends or compares it. */
    public String reveal() {
        return text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret secret
                && MessageDigest.isEqual(
                        text.getBytes(StandardCharsets.UTF_8), secret.text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return MASK;
    }
}
