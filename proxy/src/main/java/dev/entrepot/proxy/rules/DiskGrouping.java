package dev.entrepot.proxy.rules;

import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.UpstreamConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a configuration says of who has which part of the disk: equal for two configurations that divide it alike,
 * whatever else they say.
 *
 * @param ofEach the rules with a priority or share, those of each upstream that has any under its name, those for all
 *     under none
 */
public record DiskGrouping(Map<String, List<Said>> ofEach) {
    private static final String ALL = "";

    /**
     * What one rule says. Its place in the file is part of it, since groups are named for it.
     *
     * @param place in the list
     */
    public record Said(
            int place, List<NamePattern> repositories, Optional<Integer> priority, Optional<Percent> share) {}

    /** Copies the map. */
    public DiskGrouping {
        ofEach = Map.copyOf(ofEach);
    }

    /** Of a configuration. */
    public static DiskGrouping of(EntrepotConfig config) {
        Map<String, List<Said>> ofEach = new HashMap<>();
        ofEach.put(ALL, said(config.rules()));
        for (UpstreamConfig upstream : config.upstreams().values()) {
            ofEach.put(upstream.name().value(), said(upstream.rules()));
        }
        ofEach.values().removeIf(List::isEmpty);
        return new DiskGrouping(ofEach);
    }

    private static List<Said> said(List<CacheRuleConfig> rules) {
        List<Said> said = new ArrayList<>();
        for (int place = 0; place < rules.size(); place++) {
            CacheRuleConfig rule = rules.get(place);
            if (rule.priority().isPresent() || rule.share().isPresent()) {
                said.add(new Said(place, rule.repositories(), rule.priority(), rule.share()));
            }
        }
        return List.copyOf(said);
    }
}
