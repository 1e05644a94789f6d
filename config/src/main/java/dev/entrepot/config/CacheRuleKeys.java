package dev.entrepot.config;

import dev.entrepot.oci.Digest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of an entry of {@code rules:}, at the top and of an upstream. */
final class CacheRuleKeys {
    private static final ScalarType<FreshnessConfig> FRESHNESS_TYPE = ScalarType.of(
            "freshness",
            FreshnessConfig.ALLOWED,
            FreshnessConfig::parse,
            FreshnessConfig::toString,
            JsonForm.pattern(FreshnessConfig.GRAMMAR));
    private static final ScalarType<Digest> DIGEST = ScalarType.of(
            "digest", "a digest, for example sha256: and 64 digits", Digest::parse, Digest::toString, JsonForm.text());

    private static final Key<CacheRuleConfig, List<NamePattern>> REPOSITORIES = Key.list(
            "repositories",
            ListType.notEmpty(PatternTypes.REPOSITORY),
            CacheRuleConfig::repositories,
            "The repositories that the rule is about, by their names at the upstream; all of them without this key.");
    private static final Key<CacheRuleConfig, Optional<RuleTagsConfig>> TAGS = Key.optional(
            "tags",
            RuleTagKeys.TYPE,
            CacheRuleConfig::tags,
            "The tags that the rule is about. With this key it says nothing about requests by digest, for blobs, tag lists and referrers.");
    private static final Key<CacheRuleConfig, Optional<Boolean>> ALLOW =
            Key.optional("allow", Types.BOOL, CacheRuleConfig::allow, "true: serve what rules behind this one deny.");
    private static final Key<CacheRuleConfig, Optional<String>> DENY = Key.optional(
            "deny", ReasonType.REASON, CacheRuleConfig::deny, "Serve nothing, and show this reason to the client.");
    private static final Key<CacheRuleConfig, Optional<FreshnessConfig>> FRESHNESS =
            Key.<CacheRuleConfig, FreshnessConfig>optional(
                            "freshness",
                            FRESHNESS_TYPE,
                            CacheRuleConfig::freshness,
                            "When the upstream is asked about a tag that is kept: always; when a time has passed; never again (immutable);"
                                    + " or behind, after what is kept was served: without end (offline-first) or for a time (stale-while-revalidate 1h).")
                    .shownDefault("fresh-for of the upstream or cache");
    private static final Key<CacheRuleConfig, Optional<Duration>> CHECK_DEADLINE =
            Key.<CacheRuleConfig, Duration>optional(
                            "check-deadline",
                            Types.DURATION,
                            CacheRuleConfig::checkDeadline,
                            "If something is kept and the upstream takes longer than this to confirm it, it is served as stale, and the check"
                                    + " goes on behind; 0s waits for the upstream.")
                    .shownDefault("300ms");
    private static final Key<CacheRuleConfig, StaleConfig> STALE = Key.section(
            "stale",
            RuleTimesKeys.STALE,
            CacheRuleConfig::stale,
            "How long after the upstream last confirmed it something is served while the upstream is out; 0s for never. One time for every outage,"
                    + " or by what is wrong.");
    private static final Key<CacheRuleConfig, NegativeConfig> NEGATIVE = Key.section(
            "negative",
            RuleTimesKeys.NEGATIVE,
            CacheRuleConfig::negative,
            "How long a failure is remembered, so that the upstream is not asked the same again.");
    private static final Key<CacheRuleConfig, Optional<Boolean>> OFFLINE = Key.<CacheRuleConfig, Boolean>optional(
                    "offline",
                    Types.BOOL,
                    CacheRuleConfig::offline,
                    "Never contact the upstream: what is kept is served, whatever its age, and nothing else.")
            .shownDefault("false");
    private static final Key<CacheRuleConfig, Optional<GraphPartConfig>> PIN = Key.optional(
            "pin",
            RuleGraphKeys.PIN,
            CacheRuleConfig::pin,
            "Images that are never evicted and are completed in the background.");
    private static final Key<CacheRuleConfig, Optional<GraphPartConfig>> PREFETCH = Key.optional(
            "prefetch",
            RuleGraphKeys.PREFETCH,
            CacheRuleConfig::prefetch,
            "What is fetched when a tag or an index is pulled; of what is kept, once an hour at most.");
    private static final Key<CacheRuleConfig, Optional<MinAgeConfig>> MIN_AGE = Key.optional(
            "min-age",
            RuleTimesKeys.MIN_AGE,
            CacheRuleConfig::minAge,
            "How long a digest must have been seen under a tag before it is served for that tag; until then the newest one that is old enough is.");
    private static final Key<CacheRuleConfig, Optional<ByteSize>> MAX_SIZE =
            Key.optional("max-size", Types.SIZE_NOT_ZERO, CacheRuleConfig::maxSize, "The largest blob that is served.");
    private static final Key<CacheRuleConfig, Optional<Integer>> PRIORITY = Key.<CacheRuleConfig, Integer>optional(
                    "priority",
                    Types.signedInteger(-CacheRuleConfig.MOST_PRIORITY, CacheRuleConfig.MOST_PRIORITY),
                    CacheRuleConfig::priority,
                    "What is evicted first: the lower, the sooner.")
            .shownDefault("0");
    private static final Key<CacheRuleConfig, Optional<Percent>> SHARE = Key.optional(
            "share",
            Types.PERCENT,
            CacheRuleConfig::share,
            "The most of cache.capacity that all repositories of the rule may use together.");

    static final Section<CacheRuleConfig> SECTION = new Section<>(
            "cache rule",
            List.of(
                    REPOSITORIES,
                    TAGS,
                    ALLOW,
                    DENY,
                    FRESHNESS,
                    CHECK_DEADLINE,
                    STALE,
                    NEGATIVE,
                    OFFLINE,
                    PIN,
                    PREFETCH,
                    MIN_AGE,
                    MAX_SIZE,
                    PRIORITY,
                    SHARE),
            CacheRuleKeys::rule);

    private CacheRuleKeys() {}

    /** A digest as it is written in a list of exceptions. */
    static ScalarType<Digest> digest() {
        return DIGEST;
    }

    private static CacheRuleConfig rule(SectionValues values) {
        return new CacheRuleConfig(
                values.get(REPOSITORIES),
                values.get(TAGS),
                values.get(ALLOW),
                values.get(DENY),
                values.get(FRESHNESS),
                values.get(CHECK_DEADLINE),
                values.get(STALE),
                values.get(NEGATIVE),
                values.get(OFFLINE),
                values.get(PIN),
                values.get(PREFETCH),
                values.get(MIN_AGE),
                values.get(MAX_SIZE),
                values.get(PRIORITY),
                values.get(SHARE));
    }
}
