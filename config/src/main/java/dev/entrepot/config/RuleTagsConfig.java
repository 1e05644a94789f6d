package dev.entrepot.config;

import java.util.List;
import java.util.Optional;

/**
 * The tags that a rule is about: those that match one of {@code include} (any, if it is empty), none of
 * {@code exclude}, and the range.
 *
 * @param include patterns of which one must match; empty for any tag
 * @param exclude patterns of which none may match
 * @param semver the range that the tag must be a version in
 */
public record RuleTagsConfig(List<NamePattern> include, List<NamePattern> exclude, Optional<SemverRange> semver) {
    /** Copies the lists and refuses conditions that no tag passes for certain: such a rule would say nothing. */
    public RuleTagsConfig {
        include = List.copyOf(include);
        exclude = List.copyOf(exclude);
        TagContradictions.refuse(include, exclude, semver);
    }

    /** Tags that match one of the patterns. */
    static RuleTagsConfig including(List<NamePattern> include) {
        return new RuleTagsConfig(include, List.of(), Optional.empty());
    }
}
