package dev.entrepot.config;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of an entry of {@code replication.rules:}. */
final class RuleKeys {
    private static final Key<ReferrersConfig, List<NamePattern>> ONLY = Key.list(
            "only",
            ListType.notEmpty(PatternTypes.ARTIFACT_TYPE),
            ReferrersConfig::only,
            "Only these artifact types travel, and those of require.");
    private static final Key<ReferrersConfig, List<NamePattern>> EXCEPT = Key.list(
            "except",
            ListType.of(PatternTypes.ARTIFACT_TYPE),
            ReferrersConfig::except,
            "All artifact types but these travel; what require names does in any case.");
    private static final Key<ReferrersConfig, List<NamePattern>> REQUIRE = Key.list(
            "require",
            ListType.of(PatternTypes.ARTIFACT_TYPE),
            ReferrersConfig::require,
            "A tag is copied only if its image has a referrer for each of these at the source. These travel, whatever only and except say.");
    private static final Section<ReferrersConfig> REFERRERS_SECTION = new Section<>(
            "referrers",
            List.of(ONLY, EXCEPT, REQUIRE),
            values -> new ReferrersConfig(values.get(ONLY), values.get(EXCEPT), values.get(REQUIRE)));

    private static final Key<PruneConfig, Boolean> ENABLED =
            Key.withDefault("enabled", Types.BOOL, "false", PruneConfig::enabled, "Whether anything is deleted.");
    private static final Key<PruneConfig, Duration> GRACE = Key.withDefault(
            "grace", Types.DURATION, "7d", PruneConfig::grace, "How long something must have been gone.");
    private static final Key<PruneConfig, Percent> MAX_SHARE = Key.withDefault(
            "max-share",
            Types.PERCENT,
            "10%",
            PruneConfig::maxShare,
            "The largest share of the rule's tags, and of its manifests left without a tag, that one run deletes; if there is more to delete, it deletes nothing.");
    private static final Section<PruneConfig> PRUNE_SECTION = new Section<>(
            "prune",
            List.of(ENABLED, GRACE, MAX_SHARE),
            values -> new PruneConfig(values.get(ENABLED), values.get(GRACE), values.get(MAX_SHARE)));

    private static final Key<ReplicationRuleConfig, String> NAME = Key.required(
            "name", Types.RULE_NAME, ReplicationRuleConfig::name, "Name for the command line and the metrics.");
    private static final Key<ReplicationRuleConfig, RegistryHost> SOURCE =
            Key.required("source", new UpstreamName(), ReplicationRuleConfig::source, "The upstream to copy from.");
    private static final Key<ReplicationRuleConfig, List<NamePattern>> REPOSITORIES = Key.required(
            "repositories",
            ListType.notEmpty(PatternTypes.REPOSITORY),
            ReplicationRuleConfig::repositories,
            "The repositories to copy. In a glob, * stands for any text without a slash, ** for any text, ? for one character.");
    private static final Key<ReplicationRuleConfig, TagSelectionConfig> TAGS = Key.section(
            "tags", TagKeys.TYPE, ReplicationRuleConfig::tags, "The tags to copy; all of them without this key.");
    private static final Key<ReplicationRuleConfig, List<TargetConfig>> TARGETS = Key.list(
            "targets",
            ListType.notEmpty(TargetKeys.SECTION),
            ReplicationRuleConfig::targets,
            "Where to copy to. A rule without this key is for entrepot export only.");
    private static final Key<ReplicationRuleConfig, List<Platform>> PLATFORMS = Key.list(
            "platforms",
            ListType.notEmpty(Types.PLATFORM),
            ReplicationRuleConfig::platforms,
            "The platforms to copy, all without this key. The index keeps its bytes and digest.");
    private static final Key<ReplicationRuleConfig, OnSparseRefused> ON_SPARSE_REFUSED = Key.withDefault(
            "on-sparse-refused",
            Types.word(OnSparseRefused.values()),
            "fail",
            ReplicationRuleConfig::onSparseRefused,
            "Where a target refuses an index some of whose platforms are missing: fail, or write a trimmed index with another digest.");
    private static final Key<ReplicationRuleConfig, ReferrersConfig> REFERRERS = Key.section(
            "referrers",
            REFERRERS_SECTION,
            ReplicationRuleConfig::referrers,
            "Which signatures, SBOMs and other referrers travel along; all of them without this key.");
    private static final Key<ReplicationRuleConfig, OnConflict> ON_CONFLICT = Key.withDefault(
            "on-conflict",
            Types.word(OnConflict.values()),
            "overwrite",
            ReplicationRuleConfig::onConflict,
            "Where a tag at the target is at something else: move it, keep it, fail, or move it and keep the old one under a backup tag.");
    private static final Key<ReplicationRuleConfig, List<NamePattern>> IMMUTABLE = Key.list(
            "immutable",
            ListType.of(PatternTypes.TAG),
            ReplicationRuleConfig::immutable,
            "Tags that are never looked at again once complete, and never moved; a signature that is pushed after its image does not follow."
                    + " `sync --verify deep` reads them back against what was copied.");
    private static final Key<ReplicationRuleConfig, PruneConfig> PRUNE = Key.section(
            "prune",
            PRUNE_SECTION,
            ReplicationRuleConfig::prune,
            "Deletes at the targets what the rule copied and the source no longer has.");
    private static final Key<ReplicationRuleConfig, Optional<ScheduleConfig>> SCHEDULE = Key.optional(
            "schedule",
            ScheduleKeys.TYPE,
            ReplicationRuleConfig::schedule,
            "When to run, for example every 10m; only when asked to without this key.");
    private static final Key<ReplicationRuleConfig, LimitsConfig> LIMITS =
            Key.section("limits", ScheduleKeys.LIMITS, ReplicationRuleConfig::limits, "How fast to run.");
    private static final Key<ReplicationRuleConfig, Verify> VERIFY = Key.withDefault(
            "verify",
            Types.word(Verify.values()),
            "head",
            ReplicationRuleConfig::verify,
            "How to verify what was written: ask for digest and size, or read it back.");

    static final Section<ReplicationRuleConfig> SECTION = new Section<>(
            "rule",
            List.of(
                    NAME,
                    SOURCE,
                    REPOSITORIES,
                    TAGS,
                    TARGETS,
                    PLATFORMS,
                    ON_SPARSE_REFUSED,
                    REFERRERS,
                    ON_CONFLICT,
                    IMMUTABLE,
                    PRUNE,
                    SCHEDULE,
                    LIMITS,
                    VERIFY),
            RuleKeys::rule);

    private RuleKeys() {}

    private static ReplicationRuleConfig rule(SectionValues values) {
        return new ReplicationRuleConfig(
                values.get(NAME),
                values.get(SOURCE),
                values.get(REPOSITORIES),
                values.get(TAGS),
                values.get(TARGETS),
                values.get(PLATFORMS),
                values.get(ON_SPARSE_REFUSED),
                values.get(REFERRERS),
                values.get(ON_CONFLICT),
                values.get(IMMUTABLE),
                values.get(PRUNE),
                values.get(SCHEDULE),
                values.get(LIMITS),
                values.get(VERIFY));
    }
}
