package dev.entrepot.proxy.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Visitor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who may pull what: the first rule that fits decides, and what none fits is refused. Without rules, those may pull
 * everything who have said who they are. Decisions are remembered, up to 20 000 of them. Immutable otherwise, and safe
 * for all threads.
 */
final class AccessRules {
    private static final int REMEMBERED = 20_000;

    private final List<Rule> rules;
    private final boolean anybodyMayPullEverything;
    private final Cache<Question, Optional<String>> decisions =
            Caffeine.newBuilder().maximumSize(REMEMBERED).build();

    private record Question(String user, Set<String> groups, Repository repository) {}

    private record Rule(
            int number,
            boolean anybody,
            List<Predicate<String>> users,
            List<Predicate<String>> groups,
            List<Predicate<String>> repositories,
            boolean allRepositories,
            Optional<String> deny) {
        static Rule of(int number, AccessRuleConfig config) {
            boolean denies = config.deny().isPresent();
            return new Rule(
                    number,
                    config.anonymous(),
                    people(config.users(), denies),
                    people(config.groups(), denies),
                    matchers(config.repositories(), denies),
                    config.repositories().isEmpty()
                            || config.repositories().stream().anyMatch(NamePattern::matchesEverything),
                    config.deny());
        }

        // Where a regular expression gives up on a name, a rule that denies is about it, and one that allows is not.
        private static List<Predicate<String>> matchers(List<NamePattern> patterns, boolean denies) {
            return patterns.stream()
                    .map(pattern -> pattern.matcher(() -> denies))
                    .toList();
        }

        private static List<Predicate<String>> people(List<NamePattern> patterns, boolean denies) {
            return patterns.stream()
                    .map(pattern -> pattern.matcherOfPeople(() -> denies))
                    .toList();
        }

        boolean isAbout(Visitor visitor) {
            if (visitor.isAnybody()) {
                return anybody;
            }
            return any(users, visitor.user()) || visitor.groups().stream().anyMatch(group -> any(groups, group));
        }

        boolean isAbout(String repository) {
            return allRepositories || any(repositories, repository);
        }

        private static boolean any(List<Predicate<String>> patterns, String text) {
            for (Predicate<String> pattern : patterns) {
                if (pattern.test(text)) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Rules as they are configured. */
    AccessRules(List<AccessRuleConfig> configs) {
        List<Rule> compiled = new ArrayList<>();
        for (AccessRuleConfig config : configs) {
            compiled.add(Rule.of(compiled.size(), config));
        }
        this.rules = List.copyOf(compiled);
        this.anybodyMayPullEverything = everything(rules);
    }

    private static boolean everything(List<Rule> rules) {
        for (Rule rule : rules) {
            if (rule.anybody() && rule.deny().isPresent()) {
                return false;
            }
            if (rule.anybody() && rule.allRepositories()) {
                return true;
            }
        }
        return false;
    }

    /** Whether there are none. */
    boolean isEmpty() {
        return rules.isEmpty();
    }

    /** Whether everybody may pull everything without saying who he is. */
    boolean anybodyMayPullEverything() {
        return anybodyMayPullEverything;
    }

    /** Why somebody may not pull from a repository; empty if he may. */
    Optional<String> refusal(Visitor visitor, Repository repository) {
        if (rules.isEmpty()) {
            return visitor.isAnybody() ? Optional.of("only for those who say who they are") : Optional.empty();
        }
        Question question = new Question(visitor.user(), visitor.groups(), repository);
        Optional<String> known = decisions.getIfPresent(question);
        if (known == null) {
            known = decide(visitor, repository);
            decisions.put(question, known);
        }
        return known;
    }

    /** As above, for questions that nobody asks again soon. */
    Optional<String> decide(Visitor visitor, Repository repository) {
        if (rules.isEmpty()) {
            return refusal(visitor, repository);
        }
        Optional<Rule> rule = fitting(visitor, repository);
        return rule.isEmpty()
                ? Optional.of("no rule of access allows it")
                : rule.get()
                        .deny()
                        .map(reason -> reason + " (access[" + rule.get().number() + "])");
    }

    /** The number of the rule that decides, from 0; empty if none fits. */
    Optional<Integer> deciding(Visitor visitor, Repository repository) {
        return fitting(visitor, repository).map(Rule::number);
    }

    private Optional<Rule> fitting(Visitor visitor, Repository repository) {
        String name = repository.toString();
        for (Rule rule : rules) {
            if (rule.isAbout(visitor) && rule.isAbout(name)) {
                return Optional.of(rule);
            }
        }
        return Optional.empty();
    }
}
