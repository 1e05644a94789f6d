package dev.entrepot.config;

import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A condition on a name: of a repository, a tag, an artifact type, a user or a group.
 *
 * @param kind how the text is meant
 * @param text the name, glob or regular expression
 */
public record NamePattern(Kind kind, String text) {
    private static final int MAX_LENGTH = 512;
    private static final int MOST_LETTERS_TRIED = 12;
    private static final int LENGTH_TRIED = 120;
    private static final List<String> ENDS_TRIED = List.of("", "-_", "/");

    /** How the text of a pattern is meant. */
    public enum Kind {
        /** The name itself. */
        EXACT,
        /**
         * {@code *} is any text without a slash, {@code **} any text, {@code ?} one character that is no slash. Where a
         * component begins, {@code **}{@code /} is any number of components, or none. Of users and groups,
         * {@link #matcherOfPeople} says what they are.
         */
        GLOB,
        /** A regular expression that the whole name must match. */
        REGEX
    }

    /** Validates the text. */
    public NamePattern {
        if (text.isEmpty() || text.length() > MAX_LENGTH) {
            throw new InvalidValueException("", "a pattern of 1 to " + MAX_LENGTH + " characters");
        }
        if (kind == Kind.GLOB && text.chars().anyMatch(Character::isISOControl)) {
            throw new InvalidValueException("", "a pattern without control characters");
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

    /** The condition, compiled; callers keep it. A name on which a regular expression gives up does not match. */
    public Predicate<String> matcher() {
        return matcher(() -> false);
    }

    /**
     * As above.
     *
     * @param undecided whether a name matches on which a regular expression gives up, because it would take too long;
     *     asked for each such name
     */
    public Predicate<String> matcher(BooleanSupplier undecided) {
        return switch (kind) {
            case EXACT -> text::equals;
            case GLOB -> new Glob(text);
            case REGEX -> bounded(text, undecided);
        };
    }

    private static Predicate<String> bounded(String expression, BooleanSupplier undecided) {
        BoundedRegex regex = new BoundedRegex(expression);
        return name -> regex.matches(name).orElseGet(undecided::getAsBoolean);
    }

    /**
     * As above, of users and groups. Their names have no components (a group of Keycloak is {@code /developers}, a user
     * may be {@code spiffe://host/path}): {@code *} is any text, and {@code ?} any one character. Providers choose
     * them: {@code .} of a regular expression is a line break, too, so that {@code .*} is everybody.
     *
     * @param undecided as above
     */
    public Predicate<String> matcherOfPeople(BooleanSupplier undecided) {
        return switch (kind) {
            case EXACT -> text::equals;
            case GLOB -> Glob.ofWhole(text);
            case REGEX -> bounded("(?s)" + text, undecided);
        };
    }

    /** A name on which the regular expression gives up, if one of a few that are tried is such a one. */
    public Optional<String> nameThatTakesTooLong() {
        if (kind != Kind.REGEX) {
            return Optional.empty();
        }
        BoundedRegex regex = new BoundedRegex(text);
        String start = plainStart();
        return text.chars()
                .filter(c -> c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.')
                .map(c -> c == '.' ? 'a' : c)
                .distinct()
                .limit(MOST_LETTERS_TRIED)
                .mapToObj(Character::toString)
                .flatMap(letter -> ENDS_TRIED.stream().map(end -> start + letter.repeat(LENGTH_TRIED) + end))
                .filter(name -> regex.matches(name).isEmpty())
                .findFirst();
    }

    private String plainStart() {
        int end = 0;
        while (end < text.length()
                && (Character.isLetterOrDigit(text.charAt(end)) || "/-_".indexOf(text.charAt(end)) >= 0)) {
            end++;
        }
        return text.substring(0, end);
    }

    /** Whether every name matches, so far as the text alone shows it. */
    public boolean matchesEverything() {
        return switch (kind) {
            case EXACT -> false;
            case GLOB -> text.equals("**") || text.equals("**/*");
            case REGEX -> text.equals(".*") || text.equals("^.*$");
        };
    }

    @Override
    public String toString() {
        return kind == Kind.REGEX ? "/" + text + "/" : text;
    }
}
