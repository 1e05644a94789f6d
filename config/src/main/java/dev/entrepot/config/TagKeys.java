package dev.entrepot.config;

import dev.entrepot.config.TagSelectionConfig.Newest;
import dev.entrepot.config.TagSelectionConfig.Order;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of {@code tags:} of a rule. */
final class TagKeys {
    private static final Key<Newest, Integer> COUNT =
            Key.required("count", Types.integer(1, 1_000_000), Newest::count, "How many tags to keep.");
    private static final Key<Newest, Order> BY = Key.withDefault(
            "by",
            Types.word(Order.values()),
            "version",
            Newest::by,
            "By semantic version, which drops tags that are none, or by the time at which the image was created.");
    private static final Section<Newest> NEWEST_SECTION =
            new Section<>("newest", List.of(COUNT, BY), values -> new Newest(values.get(COUNT), values.get(BY)));

    private static final Key<TagSelectionConfig, List<NamePattern>> INCLUDE =
            new Key<TagSelectionConfig, List<NamePattern>>(
                    "include",
                    ListType.notEmpty(PatternTypes.TAG),
                    false,
                    Optional.empty(),
                    "[\"*\"]",
                    TagSelectionConfig::include,
                    "A tag must match one of these.");
    private static final Key<TagSelectionConfig, List<NamePattern>> EXCLUDE = Key.list(
            "exclude", ListType.of(PatternTypes.TAG), TagSelectionConfig::exclude, "A tag must match none of these.");
    private static final Key<TagSelectionConfig, Optional<NamePattern>> REGEX =
            Key.optional("regex", PatternTypes.regex(), TagSelectionConfig::regex, "A tag must match this as a whole.");
    private static final Key<TagSelectionConfig, Optional<SemverRange>> SEMVER =
            Key.optional("semver", Types.SEMVER, TagSelectionConfig::semver, "A tag must be a version in this range.");
    private static final Key<TagSelectionConfig, Optional<Newest>> NEWEST = Key.optional(
            "newest", NEWEST_SECTION, TagSelectionConfig::newest, "Keeps only the newest of what is left.");
    private static final Key<TagSelectionConfig, Optional<Duration>> YOUNGER_THAN = Key.optional(
            "younger-than",
            Types.DURATION_NOT_ZERO,
            TagSelectionConfig::youngerThan,
            "Keeps only images created within this time.");
    private static final Key<TagSelectionConfig, List<NamePattern>> ALWAYS = Key.list(
            "always",
            ListType.of(PatternTypes.TAG),
            TagSelectionConfig::always,
            "Tags that are copied whatever the other conditions say.");
    private static final Key<TagSelectionConfig, Integer> AT_LEAST = Key.withDefault(
            "at-least",
            Types.integer(0, 1_000_000),
            "0",
            TagSelectionConfig::atLeast,
            "If fewer tags than this are left, the repository fails and nothing of it is copied or deleted; a rule that selects no repository fails.");

    private static final Section<TagSelectionConfig> SECTION = new Section<>(
            "conditions on tags",
            List.of(INCLUDE, EXCLUDE, REGEX, SEMVER, NEWEST, YOUNGER_THAN, ALWAYS, AT_LEAST),
            values -> new TagSelectionConfig(
                    orAll(values.get(INCLUDE)),
                    values.get(EXCLUDE),
                    values.get(REGEX),
                    values.get(SEMVER),
                    values.get(NEWEST),
                    values.get(YOUNGER_THAN),
                    values.get(ALWAYS),
                    values.get(AT_LEAST)));

    /** A list of names and globs, or all the conditions. */
    static final ValueType<TagSelectionConfig> TYPE = new EitherType<>(
            ListType.notEmpty(PatternTypes.TAG),
            TagSelectionConfig::including,
            tags -> Optional.of(tags.include()).filter(include -> tags.equals(TagSelectionConfig.including(include))),
            SECTION);

    private TagKeys() {}

    private static List<NamePattern> orAll(List<NamePattern> include) {
        return include.isEmpty() ? TagSelectionConfig.ALL.include() : include;
    }
}
