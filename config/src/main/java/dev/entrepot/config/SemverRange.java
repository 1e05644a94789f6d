package dev.entrepot.config;

import java.util.regex.Pattern;

/**
 * A range of semantic versions: comparators joined by blanks, all of which must hold, in alternatives joined by
 * {@code ||}. A comparator is a version, whole or partial ({@code 1}, {@code 1.2}, {@code 1.2.x}), after one of
 * {@code = < <= > >= ~ ^} or nothing; or {@code 1.2 - 2.0}. A {@code v} before a version is skipped.
 *
 * @param text the range as written
 */
public record SemverRange(String text) {
    /** What the text may be. */
    static final String ALLOWED = "a range of versions, for example >=1.2 <2, ^1.4, ~1.4.2, 1.2 - 2.0, 1.x || 3.x";

    private static final String PART = "(?:0|[1-9][0-9]{0,8}|[xX*])";
    private static final String VERSION = "v?" + PART + "(?:\\." + PART + "(?:\\." + PART
            + "(?:-[0-9A-Za-z-]{1,64}(?:\\.[0-9A-Za-z-]{1,64}){0,15})?(?:\\+[0-9A-Za-z.-]{1,128})?)?)?";
    private static final String COMPARATOR = "(?:[<>]=?|[=~^])? ?" + VERSION;
    private static final String ALTERNATIVE =
            "(?:" + VERSION + " +- +" + VERSION + "|" + COMPARATOR + "(?:(?: *, *| +)" + COMPARATOR + "){0,15})";
    private static final Pattern RANGE = Pattern.compile(ALTERNATIVE + "(?: *\\|\\| *" + ALTERNATIVE + "){0,15}");

    /** Validates the grammar, and that there may be a version in it. */
    public SemverRange {
        if (text.length() > 512 || !RANGE.matcher(text).matches()) {
            throw new InvalidValueException("", ALLOWED);
        }
        if (VersionRange.of(text).isEmpty()) {
            throw new InvalidValueException(
                    "",
                    "a range that a version can be in; comparators joined by blanks must all hold, || joins alternatives");
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
