package dev.entrepot.replicator;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.NamePattern.Kind;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.select.TagDecision;
import dev.entrepot.replicator.select.TagDecision.Condition;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Says what of a rule's selection finds nothing at the source: a pattern with a mistake in it would otherwise look like
 * a rule of which everything is complete.
 */
final class SelectionWarnings {
    private final ReplicationRule rule;
    private final SourceSurvey survey;
    private final Optional<List<RepositoryName>> catalog;

    private SelectionWarnings(ReplicationRule rule, SourceSurvey survey, Optional<List<RepositoryName>> catalog) {
        this.rule = rule;
        this.survey = survey;
        this.catalog = catalog;
    }

    /**
     * The warnings, each a line, none where every pattern found something.
     *
     * @param catalog the repositories of the source, if they were needed: not where one image is copied, whatever the
     *     rule selects
     */
    static List<String> of(ReplicationRule rule, SourceSurvey survey, Optional<List<RepositoryName>> catalog) {
        SelectionWarnings warnings = new SelectionWarnings(rule, survey, catalog);
        return catalog.isPresent() && warnings.repositories() == 0 ? warnings.noRepository() : warnings.patterns();
    }

    private long repositories() {
        Stream<String> named = rule.repositories().stream()
                .filter(pattern -> pattern.kind() == Kind.EXACT)
                .map(NamePattern::text);
        Stream<String> found = catalog.stream()
                .flatMap(List::stream)
                .filter(rule.repositoryFilter())
                .map(RepositoryName::value);
        return Stream.concat(named, found).distinct().count();
    }

    private List<String> noRepository() {
        return List.of("rule " + rule.name() + " selected nothing: " + inCatalog() + ", none matches "
                + list(rule.repositories()) + hint(rule.repositories()));
    }

    private List<String> patterns() {
        List<String> warnings = new ArrayList<>();
        List<String> names = catalog.stream()
                .flatMap(List::stream)
                .map(RepositoryName::value)
                .toList();
        for (NamePattern pattern : rule.repositories()) {
            if (catalog.isPresent() && pattern.kind() != Kind.EXACT && matchesNone(pattern, names)) {
                warnings.add("rule " + rule.name() + ": " + inCatalog() + ", none matches " + pattern
                        + hint(List.of(pattern)));
            }
        }
        // What could not be listed, or has too few tags, fails and says so.
        if (survey.failures().isEmpty()) {
            warnings.addAll(survey.tags().isEmpty() ? noTag() : tagPatterns());
        }
        return warnings;
    }

    private List<String> noTag() {
        List<TagDecision> decisions = decisions();
        Map<Condition, Long> reasons = decisions.stream()
                .collect(Collectors.groupingBy(TagDecision::condition, TreeMap::new, Collectors.counting()));
        String why = reasons.keySet().equals(Set.of(Condition.INCLUDE))
                ? "none matches " + list(rule.tags().include())
                : "none is kept" + (reasons.isEmpty() ? "" : " (" + counts(reasons) + "); the plan says why of each");
        return List.of("rule " + rule.name() + " selected nothing: " + decisions.size() + " tags in " + repositories()
                + " repositories, " + why);
    }

    private List<String> tagPatterns() {
        List<String> tags =
                decisions().stream().map(decision -> decision.tag().value()).toList();
        return Stream.concat(rule.tags().include().stream(), rule.tags().always().stream())
                .filter(pattern -> !tags.isEmpty() && matchesNone(pattern, tags))
                .map(pattern -> "rule " + rule.name() + ": " + tags.size() + " tags in " + repositories()
                        + " repositories, none matches " + pattern)
                .toList();
    }

    // Without those that name a digest: they travel with their subject, and nobody selects them.
    private List<TagDecision> decisions() {
        return survey.choices().stream()
                .map(ReplicationPlan.Choice::decision)
                .filter(decision -> decision.condition() != Condition.ATTACHED)
                .toList();
    }

    private String inCatalog() {
        return catalog.map(List::size).orElse(0) + " repositories in the catalog of "
                + rule.source().name();
    }

    private static boolean matchesNone(NamePattern pattern, Collection<String> names) {
        return names.stream().noneMatch(pattern.matcher());
    }

    // The mistake that is made most.
    private String hint(List<NamePattern> patterns) {
        boolean slashes = patterns.stream()
                .filter(pattern -> pattern.kind() == Kind.GLOB)
                .map(pattern -> NamePattern.parse(pattern.text().replaceAll("\\*+", "**"))
                        .matcher())
                .anyMatch(wider -> catalog.stream().flatMap(List::stream).anyMatch(name -> wider.test(name.value())));
        return slashes ? " (* is any text without a slash, ** any text)" : "";
    }

    private static String list(List<NamePattern> patterns) {
        return patterns.stream().map(NamePattern::toString).collect(Collectors.joining(", "));
    }

    private static String counts(Map<Condition, Long> reasons) {
        return reasons.entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining(", "));
    }
}
