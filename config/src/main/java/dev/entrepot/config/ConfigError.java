package dev.entrepot.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * One thing that is wrong with the configuration.
 *
 * @param kind what sort of thing
 * @param file the file, as it was named; empty if no file is meant, but an option
 * @param line the line, from 1; 0 if the file as a whole is meant
 * @param column the column, from 1, in characters; 0 if the file as a whole is meant
 * @param path the keys that lead to the value, for example {@code upstreams[ghcr.io].url}; empty for the top
 * @param value the value as written, shortened, and masked where it may be secret; empty where there is none
 * @param allowed what is wrong and what is allowed
 * @param suggestion the nearest known key, for an unknown one
 */
public record ConfigError(
        Kind kind,
        Path file,
        int line,
        int column,
        String path,
        String value,
        String allowed,
        Optional<String> suggestion) {
    /** What sort of thing is wrong. */
    public enum Kind {
        /** The file is not there, cannot be read, or is too large. */
        UNREADABLE,
        /** The file is not YAML, or uses YAML in a way that is not accepted here. */
        SYNTAX,
        /** There is no such key. */
        UNKNOWN_KEY,
        /** A key is there twice. */
        DUPLICATE_KEY,
        /** A key that must be there is not. */
        MISSING_KEY,
        /** A list where a mapping is expected, and the like. */
        WRONG_TYPE,
        /** The value is not among those allowed. */
        INVALID_VALUE,
        /** An environment variable or file that the value refers to is not there. */
        UNRESOLVED_REFERENCE,
        /** The value contradicts another part of the configuration. */
        CONFLICT
    }

    /**
     * One line: file, line and column, path, value, what is allowed, suggestion. Control characters, which keys may
     * have, too, are {@code ?}.
     */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(file.toString());
        if (line > 0) {
            text.append(':').append(line).append(':').append(column);
        }
        if (!text.isEmpty()) {
            text.append(": ");
        }
        if (!path.isEmpty()) {
            text.append(path).append(": ");
        }
        text.append(
                switch (kind) {
                    case UNREADABLE, SYNTAX, CONFLICT -> "";
                    case UNKNOWN_KEY -> "unknown key";
                    case DUPLICATE_KEY -> "key is there twice";
                    case MISSING_KEY -> "missing";
                    case WRONG_TYPE, INVALID_VALUE -> "invalid value";
                    case UNRESOLVED_REFERENCE -> "unresolved reference";
                });
        if (!value.isEmpty()) {
            text.append(kind == Kind.CONFLICT ? "\"" : " \"").append(value).append('"');
        }
        text.append(
                switch (kind) {
                    case UNREADABLE, SYNTAX -> "";
                    case CONFLICT -> value.isEmpty() ? "" : ": ";
                    case UNKNOWN_KEY, DUPLICATE_KEY, UNRESOLVED_REFERENCE -> ": ";
                    case MISSING_KEY, WRONG_TYPE, INVALID_VALUE -> ": expected ";
                });
        text.append(allowed);
        suggestion.ifPresent(key -> text.append("; did you mean \"").append(key).append("\"?"));
        StringBuilder safe = new StringBuilder(text.length());
        text.chars().forEach(c -> safe.append(Character.isISOControl(c) ? '?' : (char) c));
        return safe.toString();
    }
}
