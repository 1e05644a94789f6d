package dev.entrepot.config;

import dev.entrepot.config.TagSelectionConfig.Newest;
import dev.entrepot.config.TagSelectionConfig.Order;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Tag;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Refuses conditions on tags that no tag passes, whatever tags there are. A tag is kept if it matches an include, no
 * exclude, the expression and the range, so that each include can be looked at by itself. What is not certain is let
 * through: two patterns of which one covers the other only together with a third, say, or a glob and an expression.
 */
final class TagContradictions {
    private static final Pattern FIRST_NUMBERS =
            Pattern.compile("v?([0-9]{1,9})(?=[.+_-])(?:\\.([0-9]{1,9})(?=[.+_-])(?:\\.([0-9]{1,9})(?=[+_-]))?)?");

    private final List<NamePattern> exclude;
    private final Optional<NamePattern> regex;
    private final Optional<VersionRange> range;
    private final boolean newestByVersion;
    // Attached tags are as good as others there, and where it restricts, what follows the dash of a version does not
    // count.
    private final boolean ofCaching;

    private TagContradictions(
            List<NamePattern> exclude,
            Optional<NamePattern> regex,
            Optional<SemverRange> semver,
            Optional<Newest> newest,
            boolean ofCaching) {
        this.ofCaching = ofCaching;
        this.exclude = exclude;
        this.regex = regex;
        this.range = semver.map(VersionRange::of);
        this.newestByVersion = newest.filter(n -> n.by() == Order.VERSION).isPresent();
    }

    /**
     * Refuses what selects nothing.
     *
     * @throws InvalidValueException naming the condition that drops every tag
     */
    static void refuse(
            List<NamePattern> include,
            List<NamePattern> exclude,
            Optional<NamePattern> regex,
            Optional<SemverRange> semver,
            Optional<Newest> newest,
            List<NamePattern> always) {
        if (!always.stream().allMatch(TagContradictions::isAttached)) {
            return;
        }
        new TagContradictions(exclude, regex, semver, newest, false).refuse(include);
    }

    /**
     * Refuses what is about no tag in a rule about caching.
     *
     * @param include any tag, if it is empty
     * @throws InvalidValueException naming the condition that drops every tag
     */
    static void refuse(List<NamePattern> include, List<NamePattern> exclude, Optional<SemverRange> semver) {
        new TagContradictions(exclude, Optional.empty(), semver, Optional.empty(), true)
                .refuse(include.isEmpty() ? List.of(NamePattern.parse("*")) : include);
    }

    private void refuse(List<NamePattern> include) {
        Map<NamePattern, String> dropped = new LinkedHashMap<>();
        for (NamePattern pattern : include) {
            Optional<String> condition = dropping(pattern);
            if (condition.isEmpty()) {
                return;
            }
            dropped.put(pattern, condition.get());
        }
        Set<String> conditionsNamed = Set.copyOf(dropped.values());
        String key = conditionsNamed.size() == 1 ? conditionsNamed.iterator().next() : "include";
        throw new InvalidValueException(key, allowed(key, include, dropped, conditionsNamed.size() > 1));
    }

    private static String allowed(
            String key, List<NamePattern> include, Map<NamePattern, String> dropped, boolean several) {
        if (several) {
            return "a tag that passes the other conditions; "
                    + dropped.entrySet().stream()
                            .map(entry -> entry.getKey() + " is dropped by " + entry.getValue())
                            .collect(Collectors.joining(", "));
        }
        return switch (key) {
            case "exclude" -> "patterns that leave something of what include selects";
            case "regex" -> "an expression that a tag of include matches; of " + include + " none does";
            case "semver" -> "a range that a tag of include is in; of " + include + " none is";
            case "newest" -> "by: time, or versions in include; of " + include + " none is a version";
            default -> "a tag that is no digest; sha256-... travels with its subject and is never selected";
        };
    }

    // The condition that no tag of an include passes.
    private Optional<String> dropping(NamePattern pattern) {
        if (exclude.stream().anyMatch(excluded -> covers(excluded, pattern))) {
            return Optional.of("exclude");
        }
        if (pattern.kind() == NamePattern.Kind.EXACT) {
            return dropping(pattern.text());
        }
        Optional<String> only = regex.map(NamePattern::text).filter(text -> text.matches("[A-Za-z0-9_-]+"));
        if (only.isPresent()) {
            return pattern.matcher().test(only.get()) ? dropping(only.get()) : Optional.of("regex");
        }
        if (pattern.kind() != NamePattern.Kind.GLOB) {
            return Optional.empty();
        }
        if (!mayBeVersion(pattern.text())) {
            return withoutVersions();
        }
        List<Long> numbers = firstNumbers(pattern.text());
        return range.filter(versions -> !numbers.isEmpty() && versions.isEmptyFor(numbers))
                .map(versions -> "semver");
    }

    // The numbers with which every version begins that a glob matches: those that end before the first wildcard.
    private static List<Long> firstNumbers(String glob) {
        Matcher numbers = FIRST_NUMBERS.matcher(glob);
        return numbers.lookingAt()
                ? Stream.of(1, 2, 3)
                        .map(numbers::group)
                        .takeWhile(Objects::nonNull)
                        .map(Long::valueOf)
                        .toList()
                : List.of();
    }

    private Optional<String> dropping(String tag) {
        if (!ofCaching && isAttached(tag)) {
            return Optional.of("include");
        }
        if (exclude.stream().anyMatch(excluded -> excluded.matcher().test(tag))) {
            return Optional.of("exclude");
        }
        if (regex.isPresent() && !regex.get().matcher().test(tag)) {
            return Optional.of("regex");
        }
        Optional<SemanticVersion> version = SemanticVersion.parse(tag);
        if (version.isEmpty()) {
            return withoutVersions();
        }
        return range.filter(versions -> !isIn(versions, version.get())).map(versions -> "semver");
    }

    private boolean isIn(VersionRange versions, SemanticVersion version) {
        return versions.test(version) || ofCaching && versions.test(version.withoutPreRelease());
    }

    private Optional<String> withoutVersions() {
        return range.isPresent() ? Optional.of("semver") : newestByVersion ? Optional.of("newest") : Optional.empty();
    }

    // A version begins with a digit, or with a v and a digit.
    private static boolean mayBeVersion(String glob) {
        String rest = glob.startsWith("v") ? glob.substring(1) : glob;
        return rest.isEmpty() || rest.charAt(0) >= '0' && rest.charAt(0) <= '9' || "*?".indexOf(rest.charAt(0)) >= 0;
    }

    private static boolean isAttached(NamePattern pattern) {
        return pattern.kind() == NamePattern.Kind.EXACT && isAttached(pattern.text());
    }

    private static boolean isAttached(String text) {
        try {
            return new Tag(text).isAttached();
        } catch (InvalidNameException e) {
            return false;
        }
    }

    /** Whether every tag that the one pattern matches is matched by the other, as far as the texts alone show it. */
    static boolean covers(NamePattern wide, NamePattern narrow) {
        if (wide.equals(narrow) || wide.matchesEverything()) {
            return true;
        }
        return wide.kind() == NamePattern.Kind.GLOB
                && narrow.kind() == NamePattern.Kind.GLOB
                && covers(ofTags(wide), ofTags(narrow));
    }

    // A tag has no slash, so that any number of stars is one.
    private static String ofTags(NamePattern glob) {
        return glob.text().replaceAll("\\*+", "*");
    }

    private static boolean covers(String wide, String narrow) {
        if (wide.indexOf('/') >= 0 || narrow.indexOf('/') >= 0) {
            return false;
        }
        // Whether the rest of wide covers the rest of narrow. Only a star covers a star.
        boolean[][] covered = new boolean[wide.length() + 1][narrow.length() + 1];
        for (int i = wide.length(); i >= 0; i--) {
            for (int j = narrow.length(); j >= 0; j--) {
                boolean left = j < narrow.length();
                if (i == wide.length()) {
                    covered[i][j] = !left;
                } else if (wide.charAt(i) == '*') {
                    covered[i][j] = covered[i + 1][j] || left && covered[i][j + 1];
                } else if (left && narrow.charAt(j) != '*') {
                    boolean fits = wide.charAt(i) == '?' || wide.charAt(i) == narrow.charAt(j);
                    covered[i][j] = fits && covered[i + 1][j + 1];
                }
            }
        }
        return covered[0][0];
    }
}
