package dev.entrepot.proxy.rules;

import dev.entrepot.config.CacheRuleConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.RuleTagsConfig;
import dev.entrepot.config.SemanticVersion;
import dev.entrepot.config.VersionRange;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
    private static final Logger LOG = LoggerFactory.getLogger(CompiledRule.class);

    /** Compiles a rule. */
    static CompiledRule of(String name, CacheRuleConfig rule) {
        boolean all =
                rule.repositories().isEmpty() || rule.repositories().stream().anyMatch(NamePattern::matchesEverything);
        Undecided undecided = new Undecided(name, restricts(rule));
        return new CompiledRule(
                name,
                all ? repository -> true : any(rule.repositories(), undecided::matches),
                rule.tags().map(tags -> tags(tags, undecided)),
                all && rule.tags().isEmpty(),
                rule);
    }

    // Nothing gets around what restricts by a name that is chosen to be hard to match.
    private static boolean restricts(CacheRuleConfig rule) {
        return rule.deny().isPresent()
                || rule.offline().orElse(false)
                || rule.maxSize().isPresent()
                || rule.minAge().filter(minAge -> !minAge.time().isZero()).isPresent();
    }

    /** What is made of a name on which a regular expression of a rule gives up; the first of them is in the log. */
    private static final class Undecided {
        private final String rule;
        private final boolean restricts;
        private final AtomicBoolean said = new AtomicBoolean();

        Undecided(String rule, boolean restricts) {
            this.rule = rule;
            this.restricts = restricts;
        }

        boolean restricts() {
            return restricts;
        }

        boolean matches() {
            if (said.compareAndSet(false, true)) {
                LOG.warn(
                        "a regular expression of {} takes too long for a name that was asked for: the rule counts as {} for such names;"
                                + " entrepot config check names such expressions",
                        rule,
                        restricts ? "matching, since it restricts," : "not matching");
            }
            return restricts;
        }

        boolean matchesNot() {
            return !matches();
        }
    }

    private static Predicate<String> tags(RuleTagsConfig tags, Undecided undecided) {
        Predicate<String> included = tags.include().isEmpty() ? tag -> true : any(tags.include(), undecided::matches);
        Predicate<String> excluded = any(tags.exclude(), undecided::matchesNot);
        Predicate<String> inRange = tags.semver()
                .map(VersionRange::of)
                .<Predicate<String>>map(range -> tag -> SemanticVersion.parse(tag)
                        .filter(version -> isIn(range, version, undecided.restricts()))
                        .isPresent())
                .orElse(tag -> true);
        return tag -> included.test(tag) && !excluded.test(tag) && inRange.test(tag);
    }

    // Nothing gets around what restricts by a suffix: 1.9-alpine is 1.9.
    private static boolean isIn(VersionRange range, SemanticVersion version, boolean restricts) {
        return range.test(version) || restricts && range.test(version.withoutPreRelease());
    }

    /** Matches what any of the patterns matches. */
    static Predicate<String> any(List<NamePattern> patterns) {
        return any(patterns, () -> false);
    }

    private static Predicate<String> any(List<NamePattern> patterns, BooleanSupplier undecided) {
        List<Predicate<String>> compiled =
                patterns.stream().map(pattern -> pattern.matcher(undecided)).toList();
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
