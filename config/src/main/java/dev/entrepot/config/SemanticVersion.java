package dev.entrepot.config;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A semantic version as tags carry it: a {@code v} before it is skipped, minor and patch may be missing and then count
 * as 0, and the {@code +} of build metadata may be written {@code _} because a tag cannot hold it. Ordered as Semantic
 * Versioning 2.0.0 orders, which leaves build metadata out; the order is therefore coarser than equality.
 *
 * @param major major number
 * @param minor minor number
 * @param patch patch number
 * @param preRelease the identifiers after the dash, or none
 * @param build the text after the plus, or empty
 */
public record SemanticVersion(long major, long minor, long patch, List<String> preRelease, String build)
        implements Comparable<SemanticVersion> {
    private static final Pattern TEXT = Pattern.compile(
            "v?([0-9]{1,9})(?:\\.([0-9]{1,9})(?:\\.([0-9]{1,9}))?)?(?:-([0-9A-Za-z.-]{1,100}))?(?:[+_]([0-9A-Za-z._-]{1,100}))?");

    /** Copies the list. */
    public SemanticVersion {
        preRelease = List.copyOf(preRelease);
    }

    /** The version in the text, or empty if it is none. */
    public static Optional<SemanticVersion> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String pre = matcher.group(4);
        return Optional.of(new SemanticVersion(
                number(matcher.group(1)),
                number(matcher.group(2)),
                number(matcher.group(3)),
                pre == null ? List.of() : List.of(pre.split("\\.", -1)),
                matcher.group(5) == null ? "" : matcher.group(5)));
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    /** Whether there are identifiers after a dash. */
    public boolean isPreRelease() {
        return !preRelease.isEmpty();
    }

    /** The version of its three numbers, without what follows a dash. */
    public SemanticVersion withoutPreRelease() {
        return new SemanticVersion(major, minor, patch, List.of(), build);
    }

    /** Whether the three numbers are the same. */
    public boolean sameNumbers(SemanticVersion other) {
        return major == other.major && minor == other.minor && patch == other.patch;
    }

    @Override
    public int compareTo(SemanticVersion other) {
        int numbers = Long.compare(major, other.major);
        numbers = numbers != 0 ? numbers : Long.compare(minor, other.minor);
        numbers = numbers != 0 ? numbers : Long.compare(patch, other.patch);
        if (numbers != 0) {
            return numbers;
        }
        if (preRelease.isEmpty() || other.preRelease.isEmpty()) {
            return Boolean.compare(preRelease.isEmpty(), other.preRelease.isEmpty());
        }
        int shared = Math.min(preRelease.size(), other.preRelease.size());
        for (int i = 0; i < shared; i++) {
            int order = compareIdentifiers(preRelease.get(i), other.preRelease.get(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(preRelease.size(), other.preRelease.size());
    }

    private static int compareIdentifiers(String left, String right) {
        boolean leftNumeric = isNumber(left);
        boolean rightNumeric = isNumber(right);
        if (leftNumeric && rightNumeric) {
            return new BigInteger(left).compareTo(new BigInteger(right));
        }
        return leftNumeric != rightNumeric ? (leftNumeric ? -1 : 1) : left.compareTo(right);
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }
}
