package dev.entrepot.proxy.rules;

import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.RuleTagsConfig;
import dev.entrepot.config.SemanticVersion;
import dev.entrepot.config.VersionRange;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A rule with its patterns compiled.
 *
 * @param name where it is in the file: {@code rules[2]}, {@code upstreams[docker.io].rules[0]}
 * @param repositories which repositories it is about
 * @param tags which tags it is about; empty if requests without a tag are meant too
 * @param everything whether it is about every repository, and not about tags
 * @param says what it says
 */
record CompiledRule(
        String name,
        Predicate<String> repositories,
        Optional<Predicate<String>> tags,
        boolean everything,
        CacheRuleConfig says) {
    /** Compiles a rule. */
    static CompiledRule of(String name, CacheRuleConfig rule) {
        boolean all =
                rule.repositories().isEmpty() || rule.repositories().stream().anyMatch(NamePattern::matchesEverything);
        return new CompiledRule(
                name,
                all ? repository -> true : any(rule.repositories()),
                rule.tags().map(CompiledRule::tags),
                all && rule.tags().isEmpty(),
                rule);
    }

    private static Predicate<String> tags(RuleTagsConfig tags) {
        Predicate<String> included = tags.include().isEmpty() ? tag -> true : any(tags.include());
        Predicate<String> excluded = any(tags.exclude());
        Predicate<String> inRange = tags.semver()
                .map(VersionRange::of)
                .<Predicate<String>>map(
                        range -> tag -> SemanticVersion.parse(tag).filter(range).isPresent())
                .orElse(tag -> true);
        return tag -> included.test(tag) && !excluded.test(tag) && inRange.test(tag);
    }

    /** Matches what any of the patterns matches. */
    static Predicate<String> any(List<NamePattern> patterns) {
        List<Predicate<String>> compiled =
                patterns.stream().map(NamePattern::matcher).toList();
        return name -> {
            for (Predicate<String> pattern : compiled) {
                if (pattern.test(name)) {
                    return true;
                }
            }
            return false;
        };
    }
}
