package dev.entrepot.proxy.rules;

import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.DiskShare;
import dev.entrepot.cache.GraphPart;
import dev.entrepot.cache.MinAge;
import dev.entrepot.cache.Setting;
import dev.entrepot.cache.StaleCause;
import dev.entrepot.config.ByteSize;
import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.FreshnessConfig;
import dev.entrepot.config.GraphPartConfig;
import dev.entrepot.config.MinAgeConfig;
import dev.entrepot.oci.Platform;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;

/** Decides every setting: for each, the first of the rules that says something about it. Used once. */
final class Evaluation {
    private final List<CompiledRule> rules;
    private final CacheSettings defaults;
    private final List<Platform> platforms;
    private final Map<Setting, String> decidedBy = new EnumMap<>(Setting.class);

    private Evaluation(List<CompiledRule> rules, CacheSettings defaults, List<Platform> platforms) {
        this.rules = rules;
        this.defaults = defaults;
        this.platforms = platforms;
        decidedBy.putAll(defaults.decidedBy());
    }

    /**
     * The settings that rules, which all match, make of the defaults.
     *
     * @param platforms those that are meant where a rule names none; all if empty
     */
    static CacheSettings of(List<CompiledRule> rules, CacheSettings defaults, List<Platform> platforms) {
        return rules.isEmpty() ? defaults : new Evaluation(rules, defaults, platforms).settings();
    }

    private <T> Optional<T> first(Setting setting, Function<CacheRuleConfig, Optional<T>> get) {
        for (CompiledRule rule : rules) {
            Optional<T> said = get.apply(rule.says());
            if (said.isPresent()) {
                decidedBy.put(setting, rule.name());
                return said;
            }
        }
        return Optional.empty();
    }

    private CacheSettings settings() {
        Optional<Optional<String>> denied = first(
                Setting.DENY,
                rule -> rule.deny().map(Optional::of).or(() -> rule.allow().map(allowed -> Optional.empty())));
        Optional<FreshnessConfig> freshness = first(Setting.FRESHNESS, CacheRuleConfig::freshness);
        Optional<GraphPart> pin = graph(first(Setting.PIN, CacheRuleConfig::pin));
        Optional<GraphPart> prefetch = graph(first(Setting.PREFETCH, CacheRuleConfig::prefetch));
        OptionalLong maxBytes = first(Setting.MAX_SIZE, CacheRuleConfig::maxSize)
                .map(ByteSize::bytes)
                .map(OptionalLong::of)
                .orElse(defaults.maxBytes());
        Optional<DiskShare> share = first(Setting.SHARE, CacheRuleConfig::share)
                .map(percent -> new DiskShare(decidedBy.getOrDefault(Setting.SHARE, ""), percent.value()));
        return new CacheSettings(
                denied.orElse(defaults.denied()),
                freshness.map(this::freshFor).orElse(defaults.freshFor()),
                freshness.map(Evaluation::behindFor).orElse(defaults.behindFor()),
                freshness.map(this::listsFreshFor).orElse(defaults.listsFreshFor()),
                defaults.referrersFreshFor(),
                first(Setting.CHECK_DEADLINE, CacheRuleConfig::checkDeadline).orElse(defaults.checkDeadline()),
                stale(),
                negative(),
                first(Setting.OFFLINE, CacheRuleConfig::offline).orElse(defaults.offline()),
                pin,
                prefetch,
                minAge(first(Setting.MIN_AGE, CacheRuleConfig::minAge)),
                maxBytes,
                first(Setting.PRIORITY, CacheRuleConfig::priority).orElse(defaults.priority()),
                share,
                decidedBy);
    }

    private Duration freshFor(FreshnessConfig freshness) {
        return switch (freshness.mode()) {
            case ALWAYS -> Duration.ZERO;
            case TIME -> freshness.time().orElseThrow();
            case IMMUTABLE -> CacheSettings.FOREVER;
            case OFFLINE_FIRST, STALE_WHILE_REVALIDATE -> defaults.freshFor();
        };
    }

    private static Duration behindFor(FreshnessConfig freshness) {
        return switch (freshness.mode()) {
            case ALWAYS, TIME, IMMUTABLE -> Duration.ZERO;
            case OFFLINE_FIRST -> CacheSettings.FOREVER;
            case STALE_WHILE_REVALIDATE -> freshness.time().orElseThrow();
        };
    }

    // A tag that never moves does not keep others from being added to the list.
    private Duration listsFreshFor(FreshnessConfig freshness) {
        return freshness.mode() == FreshnessConfig.Mode.IMMUTABLE ? defaults.listsFreshFor() : freshFor(freshness);
    }

    private Map<StaleCause, Duration> stale() {
        Map<StaleCause, Duration> stale = new EnumMap<>(defaults.stale());
        first(Setting.STALE_RATE_LIMITED, rule -> rule.stale().rateLimited())
                .ifPresent(time -> stale.put(StaleCause.RATE_LIMITED, time));
        first(Setting.STALE_SERVER_ERROR, rule -> rule.stale().serverError())
                .ifPresent(time -> stale.put(StaleCause.SERVER_ERROR, time));
        first(Setting.STALE_TIMEOUT, rule -> rule.stale().timeout())
                .ifPresent(time -> stale.put(StaleCause.TIMEOUT, time));
        first(Setting.STALE_UNREACHABLE, rule -> rule.stale().unreachable())
                .ifPresent(time -> stale.put(StaleCause.UNREACHABLE, time));
        first(Setting.STALE_DELETED, rule -> rule.stale().deleted())
                .ifPresent(time -> stale.put(StaleCause.DELETED, time));
        return stale;
    }

    private CacheSettings.Negative negative() {
        CacheSettings.Negative last = defaults.negative();
        return new CacheSettings.Negative(
                first(Setting.NEGATIVE_NOT_FOUND, rule -> rule.negative().notFound())
                        .orElse(last.notFound()),
                first(Setting.NEGATIVE_DENIED, rule -> rule.negative().denied()).orElse(last.denied()),
                first(Setting.NEGATIVE_OUTAGE, rule -> rule.negative().outage()).orElse(last.outage()));
    }

    private Optional<GraphPart> graph(Optional<GraphPartConfig> part) {
        return part.filter(GraphPartConfig::enabled)
                .map(enabled -> new GraphPart(
                        enabled.platforms().isEmpty() ? platforms : enabled.platforms(), enabled.referrers()));
    }

    private static Optional<MinAge> minAge(Optional<MinAgeConfig> config) {
        return config.filter(minAge -> !minAge.time().isZero())
                .map(minAge -> new MinAge(
                        minAge.time(),
                        Set.copyOf(minAge.exceptDigests()),
                        !minAge.exceptSigned().isEmpty(),
                        CompiledRule.any(minAge.exceptSigned())));
    }
}
