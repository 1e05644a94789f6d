package dev.entrepot.config;

import java.util.List;
import java.util.Optional;

/** The keys of {@code tags:} of a rule about caching. */
final class RuleTagKeys {
    private static final Key<RuleTagsConfig, List<NamePattern>> INCLUDE = Key.list(
            "include",
            ListType.notEmpty(PatternTypes.TAG),
            RuleTagsConfig::include,
            "A tag must match one of these; any tag without this key.");
    private static final Key<RuleTagsConfig, List<NamePattern>> EXCLUDE = Key.list(
            "exclude", ListType.of(PatternTypes.TAG), RuleTagsConfig::exclude, "A tag must match none of these.");
    private static final Key<RuleTagsConfig, Optional<SemverRange>> SEMVER =
            Key.optional("semver", Types.SEMVER, RuleTagsConfig::semver, "A tag must be a version in this range.");

    private static final Section<RuleTagsConfig> SECTION = new Section<>(
            "tags",
            List.of(INCLUDE, EXCLUDE, SEMVER),
            values -> new RuleTagsConfig(values.get(INCLUDE), values.get(EXCLUDE), values.get(SEMVER)));

    /** A list of names and globs, or all the conditions. */
    static final ValueType<RuleTagsConfig> TYPE = new EitherType<>(
            ListType.notEmpty(PatternTypes.TAG),
            RuleTagsConfig::including,
            tags -> Optional.of(tags.include())
                    .filter(include -> !include.isEmpty() && tags.equals(RuleTagsConfig.including(include))),
            SECTION);

    private RuleTagKeys() {}
}
