package dev.entrepot.config;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A condition on a name: of a repository, a tag or an artifact type.
 *
 * @param kind how the text is meant
 * @param text the name, glob or regular expression
 */
public record NamePattern(Kind kind, String text) {
    private static final int MAX_LENGTH = 512;

    /** How the text of a pattern is meant. */
    public enum Kind {
        /** The name itself. */
        EXACT,
        /** {@code *} is any text without a slash, {@code **} any text, {@code ?} one character that is no slash. */
        GLOB,
        /** A regular expression that the whole name must match. */
        REGEX
    }

    /** Validates the text. */
    public NamePattern {
        if (text.isEmpty() || text.length() > MAX_LENGTH) {
            throw new InvalidValueException("", "a pattern of 1 to " + MAX_LENGTH + " characters");
        }
        if (kind == Kind.REGEX) {
            try {
                Pattern.compile(text);
            } catch (PatternSyntaxException e) {
                throw new InvalidValueException("", "a regular expression (" + e.getDescription() + ")");
            }
        }
    }

    /** A name, or a glob if there is a {@code *} or {@code ?} in it. */
    public static NamePattern parse(String text) {
        boolean glob = text.indexOf('*') >= 0 || text.indexOf('?') >= 0;
        return new NamePattern(glob ? Kind.GLOB : Kind.EXACT, text);
    }

    /** A regular expression that the whole name must match. */
    public static NamePattern regex(String text) {
        return new NamePattern(Kind.REGEX, text);
    }

    /** The condition, compiled; callers keep it. */
    public Predicate<String> matcher() {
        return switch (kind) {
            case EXACT -> text::equals;
            case GLOB -> Pattern.compile(globToRegex()).asMatchPredicate();
            case REGEX -> Pattern.compile(text).asMatchPredicate();
        };
    }

    /** Whether every name matches, so far as the text alone shows it. */
    public boolean matchesEverything() {
        return switch (kind) {
            case EXACT -> false;
            case GLOB -> text.equals("**");
            case REGEX -> text.equals(".*") || text.equals("^.*$");
        };
    }

    private String globToRegex() {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '*') {
                int start = i;
                while (i + 1 < text.length() && text.charAt(i + 1) == '*') {
                    i++;
                }
                regex.append(i > start ? ".*" : "[^/]*");
            } else if (c == '?') {
                regex.append("[^/]");
            } else {
                regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return regex.toString();
    }

    @Override
    public String toString() {
        return kind == Kind.REGEX ? "/" + text + "/" : text;
    }
}
