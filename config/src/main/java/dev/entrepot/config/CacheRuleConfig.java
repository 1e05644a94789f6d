package dev.entrepot.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A rule about how what it matches is cached. Of an ordered list, the first rule that matches and says something about
 * a setting decides that setting; what is not said here is left to the rules behind it.
 *
 * @param repositories the repositories that it is about, by their names at the upstream; all of them if empty
 * @param tags the tags that it is about; without it, requests that name no tag are meant too
 * @param allow true to serve what rules behind this one deny
 * @param deny why nothing is served
 * @param freshness when the upstream is asked about what is kept
 * @param checkDeadline how long a request waits for the upstream when something is kept
 * @param stale how long what is kept is served when the upstream gives no answer
 * @param negative how long failures are remembered
 * @param offline whether the upstream is never contacted
 * @param pin what is kept for good
 * @param prefetch what is fetched before it is asked for
 * @param minAge how long a digest must have been known before it is served under a tag
 * @param maxSize the largest blob that is served
 * @param priority what is evicted first; the higher, the later
 * @param share the most of the cache's capacity that all that the rule is about may use together
 */
public record CacheRuleConfig(
        List<NamePattern> repositories,
        Optional<RuleTagsConfig> tags,
        Optional<Boolean> allow,
        Optional<String> deny,
        Optional<FreshnessConfig> freshness,
        Optional<Duration> checkDeadline,
        StaleConfig stale,
        NegativeConfig negative,
        Optional<Boolean> offline,
        Optional<GraphPartConfig> pin,
        Optional<GraphPartConfig> prefetch,
        Optional<MinAgeConfig> minAge,
        Optional<ByteSize> maxSize,
        Optional<Integer> priority,
        Optional<Percent> share) {
    /** The lowest and, without its sign, the highest priority. */
    public static final int MOST_PRIORITY = 100;

    private static final String NOT_OF_TAGS =
            "neither priority nor share in a rule with tags: content on the disk has none";

    /**
     * Copies the list, and validates that the rule does not say two things at once, and nothing of a tag that only a
     * repository can have.
     */
    public CacheRuleConfig {
        repositories = List.copyOf(repositories);
        new Contradictions()
                .refuseIf(
                        allow.isPresent() && !allow.get(), "allow", "true; write deny with a reason to refuse", "allow")
                .refuseIf(allow.isPresent() && deny.isPresent(), "deny", "allow or deny, not both", "allow", "deny")
                .refuseIf(
                        tags.isPresent() && maxSize.isPresent(),
                        "max-size",
                        "no max-size in a rule with tags: blobs have none",
                        "tags",
                        "max-size")
                .refuseIf(tags.isPresent() && priority.isPresent(), "priority", NOT_OF_TAGS, "tags", "priority")
                .refuseIf(
                        tags.isPresent() && share.isPresent() && priority.isEmpty(),
                        "share",
                        NOT_OF_TAGS,
                        "tags",
                        "share")
                .end();
    }
}
