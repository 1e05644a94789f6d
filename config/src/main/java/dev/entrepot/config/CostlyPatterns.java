package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Looks for regular expressions that take too long for some names, by trying a few. Finding none does not mean that
 * there is none.
 */
public final class CostlyPatterns {
    private final List<String> warnings = new ArrayList<>();

    private CostlyPatterns() {}

    /** What to say of each that was found: where it is, a name that shows it, and what comes of it. */
    public static List<String> warnings(EntrepotConfig config) {
        CostlyPatterns patterns = new CostlyPatterns();
        for (Map.Entry<RegistryHost, UpstreamConfig> upstream :
                config.upstreams().entrySet()) {
            patterns.cacheRules(
                    "upstreams[" + upstream.getKey() + "].rules",
                    upstream.getValue().rules());
        }
        patterns.cacheRules("rules", config.rules());
        List<AccessRuleConfig> access = config.access();
        for (int i = 0; i < access.size(); i++) {
            AccessRuleConfig rule = access.get(i);
            patterns.look(
                    "access[" + i + "]",
                    Stream.of(rule.users(), rule.groups(), rule.repositories()).flatMap(List::stream));
        }
        List<ReplicationRuleConfig> copied = config.replication().rules();
        for (int i = 0; i < copied.size(); i++) {
            TagSelectionConfig tags = copied.get(i).tags();
            patterns.look(
                    "replication.rules[" + i + "]",
                    Stream.of(copied.get(i).repositories(), tags.include(), tags.exclude(), tags.always())
                            .flatMap(List::stream));
            patterns.look("replication.rules[" + i + "]", tags.regex().stream());
        }
        return List.copyOf(patterns.warnings);
    }

    private void cacheRules(String path, List<CacheRuleConfig> rules) {
        for (int i = 0; i < rules.size(); i++) {
            CacheRuleConfig rule = rules.get(i);
            look(path + "[" + i + "]", rule.repositories().stream());
            look(
                    path + "[" + i + "]",
                    rule.tags().stream()
                            .flatMap(tags -> Stream.concat(tags.include().stream(), tags.exclude().stream())));
            look(path + "[" + i + "]", rule.minAge().stream().flatMap(minAge -> minAge.exceptSigned().stream()));
        }
    }

    private void look(String rule, Stream<NamePattern> patterns) {
        patterns.forEach(
                pattern -> pattern.nameThatTakesTooLong()
                        .ifPresent(
                                name -> warnings.add(
                                        "warning: " + rule + ": " + pattern
                                                + " takes too long for some names, for example " + name
                                                + ", and is given up there: only a rule that restricts counts as matching then (docs/cache-rules.md)")));
    }
}
