package dev.entrepot.proxy.rules;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.Setting;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.Origin;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The rules of a configuration, compiled. What they make of a repository or a tag is worked out once and remembered for
 * those asked for lately, so that no pattern is matched on the way of a request that was seen before. Safe for all
 * threads.
 */
public final class RuleSet implements CacheRules {
    /** What {@code stale-for} is about. */
    private static final List<Setting> OUTAGES = List.of(
            Setting.STALE_RATE_LIMITED, Setting.STALE_SERVER_ERROR, Setting.STALE_TIMEOUT, Setting.STALE_UNREACHABLE);

    private static final int REPOSITORIES = 20_000;
    private static final int TAGS = 50_000;
    private static final int COMBINATIONS = 1000;

    /**
     * The rules of an upstream, its own first, and what holds without any. What the same rules make of it is made once.
     */
    private record OfRegistry(
            List<CompiledRule> rules,
            CacheSettings defaults,
            List<Platform> platforms,
            ConcurrentHashMap<List<String>, CacheSettings> made) {
        OfRegistry(List<CompiledRule> rules, CacheSettings defaults, List<Platform> platforms) {
            this(List.copyOf(rules), defaults, platforms, new ConcurrentHashMap<>());
        }

        /** What rules that match make of the defaults. */
        CacheSettings settings(List<CompiledRule> matching) {
            List<String> names = matching.stream().map(CompiledRule::name).toList();
            CacheSettings known = made.get(names);
            if (known != null) {
                return known;
            }
            CacheSettings settings = Evaluation.of(matching, defaults, platforms);
            if (made.size() < COMBINATIONS) {
                made.put(names, settings);
            }
            return settings;
        }
    }

    /** The rules that match a repository, and what they make of what has no tag. */
    private record OfRepository(
            OfRegistry registry, List<CompiledRule> rules, boolean tagged, CacheSettings untagged) {}

    private record TagKey(Repository repository, Tag tag) {
        // Written out for speed: looked up in every request by a tag that rules tell apart.
        @Override
        public int hashCode() {
            return 31 * repository.hashCode() + tag.hashCode();
        }
    }

    private final Map<RegistryHost, OfRegistry> registries;
    private final OfRegistry others;
    private final Function<String, Origin> origins;
    private final Cache<Repository, OfRepository> repositories = Caffeine.newBuilder()
            .maximumSize(REPOSITORIES)
            .executor(Runnable::run)
            .build();
    private final Cache<TagKey, CacheSettings> tags =
            Caffeine.newBuilder().maximumSize(TAGS).executor(Runnable::run).build();

    private RuleSet(Map<RegistryHost, OfRegistry> registries, OfRegistry others, Function<String, Origin> origins) {
        this.registries = Map.copyOf(registries);
        this.others = others;
        this.origins = origins;
    }

    /** The rules of a configuration of which nobody knows where it was written. */
    public static RuleSet of(EntrepotConfig config) {
        return of(config, path -> new Origin.Default());
    }

    /** The rules of a configuration that was loaded. */
    public static RuleSet of(LoadedConfig loaded) {
        return of(loaded.config(), loaded::originOf);
    }

    /**
     * The rules of a configuration.
     *
     * @param origins where a path of the configuration was written
     */
    public static RuleSet of(EntrepotConfig config, Function<String, Origin> origins) {
        List<CompiledRule> forAll = compile("rules", config.rules());
        CacheConfig cache = config.cache();
        Map<RegistryHost, OfRegistry> registries = new HashMap<>();
        for (UpstreamConfig upstream : config.upstreams().values()) {
            List<CompiledRule> rules =
                    new ArrayList<>(compile("upstreams[" + upstream.name() + "].rules", upstream.rules()));
            rules.addAll(forAll);
            registries.put(
                    upstream.name(),
                    new OfRegistry(
                            rules,
                            CacheSettings.defaults(
                                            upstream.freshFor().orElse(cache.freshFor()),
                                            upstream.staleFor().orElse(cache.staleFor()),
                                            cache.referrersFreshFor())
                                    .withKeys(keys(Optional.of(upstream), origins)),
                            cache.platforms()));
        }
        CacheSettings defaults = CacheSettings.defaults(cache.freshFor(), cache.staleFor(), cache.referrersFreshFor())
                .withKeys(keys(Optional.empty(), origins));
        return new RuleSet(registries, new OfRegistry(forAll, defaults, cache.platforms()), origins);
    }

    // What decides where no rule says anything, as far as it is written somewhere.
    private static Map<Setting, String> keys(Optional<UpstreamConfig> upstream, Function<String, Origin> origins) {
        Map<Setting, String> keys = new EnumMap<>(Setting.class);
        String freshFor = key(upstream.filter(own -> own.freshFor().isPresent()), "fresh-for");
        if (isWritten(freshFor, origins)) {
            keys.put(Setting.FRESHNESS, freshFor);
        }
        String staleFor = key(upstream.filter(own -> own.staleFor().isPresent()), "stale-for");
        if (isWritten(staleFor, origins)) {
            OUTAGES.forEach(setting -> keys.put(setting, staleFor));
        }
        return keys;
    }

    private static String key(Optional<UpstreamConfig> upstream, String name) {
        return upstream.map(own -> "upstreams[" + own.name() + "]").orElse("cache") + "." + name;
    }

    private static boolean isWritten(String path, Function<String, Origin> origins) {
        return !(origins.apply(path) instanceof Origin.Default);
    }

    /** The platforms that this site uses; all if empty. */
    public List<Platform> platforms() {
        return others.platforms();
    }

    private static List<CompiledRule> compile(String path, List<CacheRuleConfig> rules) {
        List<CompiledRule> compiled = new ArrayList<>();
        for (CacheRuleConfig rule : rules) {
            compiled.add(CompiledRule.of(path + "[" + compiled.size() + "]", rule));
        }
        return compiled;
    }

    @Override
    public CacheSettings of(Repository repository) {
        return matching(repository).untagged();
    }

    @Override
    public CacheSettings of(Repository repository, Tag tag) {
        OfRepository matching = matching(repository);
        if (!matching.tagged()) {
            return matching.untagged();
        }
        TagKey key = new TagKey(repository, tag);
        CacheSettings known = tags.getIfPresent(key);
        if (known != null) {
            return known;
        }
        CacheSettings decided = decide(matching, tag);
        tags.put(key, decided);
        return decided;
    }

    private static CacheSettings decide(OfRepository matching, Tag tag) {
        return matching.registry()
                .settings(matching.rules().stream()
                        .filter(rule ->
                                rule.tags().map(tags -> tags.test(tag.value())).orElse(true))
                        .toList());
    }

    private OfRepository matching(Repository repository) {
        OfRepository known = repositories.getIfPresent(repository);
        if (known != null) {
            return known;
        }
        // Not within the cache: what takes long there holds up other names.
        OfRepository matching = match(repository);
        repositories.put(repository, matching);
        return matching;
    }

    private OfRepository match(Repository repository) {
        OfRegistry registry = registries.getOrDefault(repository.registry(), others);
        List<CompiledRule> rules = registry.rules().stream()
                .filter(rule -> rule.repositories().test(repository.name().value()))
                .toList();
        List<CompiledRule> untagged =
                rules.stream().filter(rule -> rule.tags().isEmpty()).toList();
        return new OfRepository(registry, rules, untagged.size() < rules.size(), registry.settings(untagged));
    }

    @Override
    public Optional<String> offlineBy(RegistryHost registry) {
        return registries.getOrDefault(registry, others).rules().stream()
                .filter(rule -> rule.everything() && rule.says().offline().isPresent())
                .findFirst()
                .filter(rule -> rule.says().offline().orElse(false))
                .map(CompiledRule::name);
    }

    /**
     * Where the rule or key that decided a setting was written: a file and a line, or nowhere if none did or nobody
     * knows.
     */
    public Optional<String> where(CacheSettings settings, Setting setting) {
        return settings.rule(setting).equals(CacheSettings.DEFAULT) ? Optional.empty() : where(settings.rule(setting));
    }

    /** Where a path of the configuration was written: a file and a line, or nowhere if nobody knows. */
    public Optional<String> where(String path) {
        return Optional.of(origins.apply(path))
                .filter(origin -> !(origin instanceof Origin.Default))
                .map(Origin::toString);
    }
}
