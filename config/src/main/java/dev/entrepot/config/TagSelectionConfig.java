package dev.entrepot.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which tags of a repository are copied: those that match an include and every other condition that is given, and all
 * that match {@code always}. The conditions apply in the order of the components.
 *
 * @param include a tag must match one of these, at least one pattern
 * @param exclude a tag must match none of these
 * @param regex a regular expression that a tag must match
 * @param semver a range of versions that a tag must be in
 * @param newest keeps only the newest of what is left
 * @param youngerThan keeps only images created within this time
 * @param always tags that are copied whatever the other conditions say
 * @param atLeast if fewer tags than this are left, the repository fails and nothing is copied or deleted; 0 or more
 */
public record TagSelectionConfig(
        List<NamePattern> include,
        List<NamePattern> exclude,
        Optional<NamePattern> regex,
        Optional<SemverRange> semver,
        Optional<Newest> newest,
        Optional<Duration> youngerThan,
        List<NamePattern> always,
        int atLeast) {
    /** Every tag. */
    public static final TagSelectionConfig ALL = including(List.of(NamePattern.parse("*")));

    /** Copies the lists and refuses conditions that select nothing for certain, whatever tags there are. */
    public TagSelectionConfig {
        include = List.copyOf(include);
        exclude = List.copyOf(exclude);
        always = List.copyOf(always);
        Checks.notEmpty("include", include);
        Checks.between("at-least", atLeast, 0, 1_000_000);
        youngerThan.ifPresent(value -> Checks.positive("younger-than", value));
        TagContradictions.refuse(include, exclude, regex, semver, newest, always);
        if (always.isEmpty() && newest.isPresent() && newest.get().count() < atLeast) {
            throw new InvalidValueException("at-least", "no more than the count of newest");
        }
        long named = Stream.concat(include.stream(), always.stream()).distinct().count();
        boolean onlyNames = Stream.concat(include.stream(), always.stream())
                .allMatch(pattern -> pattern.kind() == NamePattern.Kind.EXACT);
        if (onlyNames && named < atLeast) {
            throw new InvalidValueException("at-least", "no more than the tags that are named, which are " + named);
        }
    }

    /** The tags that match one of the patterns, without other conditions. */
    public static TagSelectionConfig including(List<NamePattern> include) {
        return new TagSelectionConfig(
                include,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
    }

    /**
     * The newest tags only.
     *
     * @param count how many, at least 1
     * @param by what newest means
     */
    public record Newest(int count, Order by) {
        /** Validates the count. */
        public Newest {
            Checks.between("count", count, 1, 1_000_000);
        }
    }

    /** What newest means. */
    public enum Order {
        /** By semantic version; tags that are no version are dropped. */
        VERSION,
        /** By the time at which the image was created. */
        TIME
    }
}
