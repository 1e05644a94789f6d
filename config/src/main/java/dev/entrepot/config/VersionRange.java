package dev.entrepot.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A {@link SemverRange}, ready to be tested. A pre-release is in a range only if the range names a pre-release of the
 * same three numbers, so that {@code >=1.2} does not select {@code 2.0.0-rc1}.
 */
public final class VersionRange implements Predicate<SemanticVersion> {
    private static final Pattern COMPARATOR = Pattern.compile(
            "(<=|>=|<|>|=|~|\\^)? ?v?([0-9xX*]+)(?:\\.([0-9xX*]+))?(?:\\.([0-9xX*]+))?(?:-([0-9A-Za-z.-]+))?(?:\\+[0-9A-Za-z.-]+)?");
    private static final Pattern HYPHEN = Pattern.compile("(\\S+) +- +(\\S+)");

    private final List<List<Bound>> alternatives;

    private VersionRange(List<List<Bound>> alternatives) {
        this.alternatives = alternatives;
    }

    /** One side of an interval. */
    private record Bound(boolean lower, boolean inclusive, SemanticVersion version) {
        boolean holds(SemanticVersion candidate) {
            int order = candidate.compareTo(version);
            return order == 0 ? inclusive : lower ? order > 0 : order < 0;
        }
    }

    /** A version of which parts may be open. */
    private record Partial(SemanticVersion floor, int given) {
        /**
         * The first version after all that begin with the parts that are given, counting at most {@code parts} of them.
         */
        SemanticVersion after(int parts) {
            return switch (Math.min(parts, given)) {
                case 1 -> plain(floor.major() + 1, 0, 0);
                case 2 -> plain(floor.major(), floor.minor() + 1, 0);
                default -> plain(floor.major(), floor.minor(), floor.patch() + 1);
            };
        }
    }

    /** The range, compiled; callers keep it. */
    public static VersionRange of(SemverRange range) {
        return of(range.text());
    }

    /** As above, of a text that has the grammar of a range. */
    static VersionRange of(String text) {
        List<List<Bound>> alternatives = new ArrayList<>();
        for (String alternative : text.split("\\|\\|")) {
            alternatives.add(bounds(alternative.strip()));
        }
        return new VersionRange(alternatives);
    }

    private static List<Bound> bounds(String alternative) {
        List<Bound> bounds = new ArrayList<>();
        Matcher hyphen = HYPHEN.matcher(alternative);
        if (hyphen.matches()) {
            bounds.addAll(comparator(">=" + hyphen.group(1)));
            bounds.addAll(comparator("<=" + hyphen.group(2)));
            return bounds;
        }
        Matcher matcher = COMPARATOR.matcher(alternative);
        while (matcher.find()) {
            bounds.addAll(comparator(matcher.group()));
        }
        return bounds;
    }

    private static List<Bound> comparator(String text) {
        Matcher matcher = COMPARATOR.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("version comparator " + text);
        }
        Partial partial = partial(matcher);
        if (partial.given() == 0) {
            return List.of(new Bound(true, true, plain(0, 0, 0)));
        }
        SemanticVersion floor = partial.floor();
        boolean whole = partial.given() == 3;
        String operator = Optional.ofNullable(matcher.group(1)).orElse("=");
        return switch (operator) {
            case ">=" -> List.of(new Bound(true, true, floor));
            case "<" -> List.of(new Bound(false, false, floor));
            case ">" -> List.of(whole ? new Bound(true, false, floor) : new Bound(true, true, partial.after(3)));
            case "<=" -> List.of(whole ? new Bound(false, true, floor) : new Bound(false, false, partial.after(3)));
            case "~" -> between(floor, partial.after(2));
            case "^" -> between(floor, partial.after(caretParts(floor, partial.given())));
            default ->
                whole
                        ? List.of(new Bound(true, true, floor), new Bound(false, true, floor))
                        : between(floor, partial.after(3));
        };
    }

    // ^1.2.3 is <2, ^0.2.3 is <0.3, ^0.0.3 is <0.0.4: the first number that is not 0 may not change.
    private static int caretParts(SemanticVersion floor, int given) {
        if (floor.major() != 0 || given == 1) {
            return 1;
        }
        return floor.minor() != 0 || given == 2 ? 2 : 3;
    }

    private static List<Bound> between(SemanticVersion from, SemanticVersion before) {
        return List.of(new Bound(true, true, from), new Bound(false, false, before));
    }

    private static Partial partial(Matcher matcher) {
        long[] numbers = new long[3];
        int given = 0;
        while (given < 3) {
            String part = matcher.group(given + 2);
            if (part == null || !Character.isDigit(part.charAt(0))) {
                break;
            }
            numbers[given++] = Long.parseLong(part);
        }
        String pre = matcher.group(5);
        List<String> preRelease = pre == null || given < 3 ? List.of() : List.of(pre.split("\\.", -1));
        return new Partial(new SemanticVersion(numbers[0], numbers[1], numbers[2], preRelease, ""), given);
    }

    private static SemanticVersion plain(long major, long minor, long patch) {
        return new SemanticVersion(major, minor, patch, List.of(), "");
    }

    @Override
    public boolean test(SemanticVersion version) {
        return alternatives.stream().anyMatch(bounds -> holds(bounds, version));
    }

    /** Whether no version is in it, for certain. */
    boolean isEmpty() {
        return alternatives.stream().noneMatch(bounds -> mayHold(bounds, List.of()));
    }

    /**
     * Whether no version that begins with these numbers is in it, for certain.
     *
     * @param numbers major, minor and patch, or the first one or two of them
     */
    boolean isEmptyFor(List<Long> numbers) {
        long[] all = new long[3];
        for (int i = 0; i < numbers.size(); i++) {
            all[i] = numbers.get(i);
        }
        Partial partial = new Partial(plain(all[0], all[1], all[2]), numbers.size());
        // No identifier comes before 0. What comes before the next release is more than begins with these numbers.
        List<Bound> begin =
                between(new SemanticVersion(all[0], all[1], all[2], List.of("0"), ""), partial.after(numbers.size()));
        return alternatives.stream().noneMatch(bounds -> mayHold(bounds, begin));
    }

    private static boolean mayHold(List<Bound> bounds, List<Bound> besides) {
        List<Bound> all = Stream.concat(bounds.stream(), besides.stream()).toList();
        return hasRelease(all) || mayHavePreRelease(bounds, all);
    }

    // The first release that no lower bound excludes is in the range if any is.
    private static boolean hasRelease(List<Bound> bounds) {
        SemanticVersion first = plain(0, 0, 0);
        for (Bound bound : bounds) {
            if (bound.lower()) {
                SemanticVersion at = bound.version();
                SemanticVersion from = at.isPreRelease() || bound.inclusive()
                        ? plain(at.major(), at.minor(), at.patch())
                        : plain(at.major(), at.minor(), at.patch() + 1);
                first = from.compareTo(first) > 0 ? from : first;
            }
        }
        return holds(bounds, first);
    }

    // Only those of the numbers that a bound of the range names with one. Between two different ones there is taken to
    // be another.
    private static boolean mayHavePreRelease(List<Bound> ofRange, List<Bound> bounds) {
        return ofRange.stream()
                .map(Bound::version)
                .filter(SemanticVersion::isPreRelease)
                .anyMatch(named -> {
                    SemanticVersion first =
                            new SemanticVersion(named.major(), named.minor(), named.patch(), List.of("0"), "");
                    Bound lower = new Bound(true, true, first);
                    Bound upper = new Bound(false, false, plain(named.major(), named.minor(), named.patch()));
                    for (Bound bound : bounds) {
                        Bound other = bound.lower() ? lower : upper;
                        int order = bound.version().compareTo(other.version());
                        boolean tighter = order == 0 ? !bound.inclusive() : bound.lower() ? order > 0 : order < 0;
                        if (tighter) {
                            lower = bound.lower() ? bound : lower;
                            upper = bound.lower() ? upper : bound;
                        }
                    }
                    int order = lower.version().compareTo(upper.version());
                    return order < 0 || order == 0 && lower.inclusive() && upper.inclusive();
                });
    }

    private static boolean holds(List<Bound> bounds, SemanticVersion version) {
        boolean named = bounds.stream()
                .anyMatch(bound ->
                        bound.version().isPreRelease() && bound.version().sameNumbers(version));
        return (!version.isPreRelease() || named) && bounds.stream().allMatch(bound -> bound.holds(version));
    }
}
