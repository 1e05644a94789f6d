package dev.entrepot.replicator;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.ReferrerFilter;
import dev.entrepot.replicator.select.TagSelector;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A rule that can be run: which tags of which repositories go from where to where, and how.
 *
 * @param name name of the rule
 * @param source where to copy from
 * @param repositories the repositories, at least one pattern
 * @param tags the tags
 * @param targets where to copy to, with different names; without any the rule only says what to export
 * @param platforms the platforms to copy; all if empty
 * @param onSparseRefused what to do where a target refuses an index without some of its platforms
 * @param referrers which referrers travel, and which are required
 * @param onConflict what to do where a tag at the target is at something else
 * @param immutable tags that are never looked at again once complete
 * @param prune what to delete at the targets
 * @param limits how fast to run
 * @param verify how to verify what was written
 * @param readsImmutable whether tags that it calls immutable are read back too, against what the journal has of them
 */
public record ReplicationRule(
        String name,
        SourceRegistry source,
        List<NamePattern> repositories,
        TagSelectionConfig tags,
        List<Placement> targets,
        List<Platform> platforms,
        OnSparseRefused onSparseRefused,
        ReferrersConfig referrers,
        OnConflict onConflict,
        List<NamePattern> immutable,
        PruneConfig prune,
        LimitsConfig limits,
        Verify verify,
        boolean readsImmutable) {

    /** A rule that does not look at tags that it calls immutable. */
    public ReplicationRule(
            String name,
            SourceRegistry source,
            List<NamePattern> repositories,
            TagSelectionConfig tags,
            List<Placement> targets,
            List<Platform> platforms,
            OnSparseRefused onSparseRefused,
            ReferrersConfig referrers,
            OnConflict onConflict,
            List<NamePattern> immutable,
            PruneConfig prune,
            LimitsConfig limits,
            Verify verify) {
        this(
                name,
                source,
                repositories,
                tags,
                targets,
                platforms,
                onSparseRefused,
                referrers,
                onConflict,
                immutable,
                prune,
                limits,
                verify,
                false);
    }

    /** Copies the lists and validates that the targets can be told apart. */
    public ReplicationRule {
        repositories = List.copyOf(repositories);
        targets = List.copyOf(targets);
        platforms = List.copyOf(platforms);
        immutable = List.copyOf(immutable);
        long names = targets.stream()
                .map(placement -> placement.registry().name())
                .distinct()
                .count();
        if (names < targets.size()) {
            throw new IllegalArgumentException("rule " + name + " needs targets with different names");
        }
    }

    /**
     * A target of a rule.
     *
     * @param registry where to copy to
     * @param naming the name that a repository of the source gets there
     * @param maxConcurrentRequests requests at one time, at least 1
     */
    public record Placement(TargetRegistry registry, UnaryOperator<RepositoryName> naming, int maxConcurrentRequests) {}

    /**
     * The rule that the configuration describes.
     *
     * @param registries the targets of {@code config}, in its order
     */
    public static ReplicationRule of(
            ReplicationRuleConfig config, SourceRegistry source, List<TargetRegistry> registries) {
        if (registries.size() != config.targets().size()) {
            throw new IllegalArgumentException(
                    "rule " + config.name() + " has " + config.targets().size() + " targets, not " + registries.size());
        }
        List<Placement> placements = new ArrayList<>();
        for (int i = 0; i < registries.size(); i++) {
            TargetConfig target = config.targets().get(i);
            placements.add(new Placement(registries.get(i), target::nameFor, target.maxConcurrentRequests()));
        }
        return selecting(config, source).with(source, placements, config.verify(), false);
    }

    /** What a configured rule selects, without its targets. */
    public static ReplicationRule selecting(ReplicationRuleConfig config, SourceRegistry source) {
        return new ReplicationRule(
                config.name(),
                source,
                config.repositories(),
                config.tags(),
                List.of(),
                config.platforms(),
                config.onSparseRefused(),
                config.referrers(),
                config.onConflict(),
                config.immutable(),
                config.prune(),
                config.limits(),
                config.verify());
    }

    /** A rule for images by name: whole graphs of a source, without targets. */
    public static ReplicationRule wholeImages(String name, SourceRegistry source) {
        return new ReplicationRule(
                name,
                source,
                List.of(),
                TagSelectionConfig.ALL,
                List.of(),
                List.of(),
                OnSparseRefused.FAIL,
                ReferrersConfig.ALL,
                OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                LimitsConfig.NONE,
                Verify.HEAD);
    }

    /**
     * Whether a push of a tag to a repository of the source concerns the rule; a push without a tag may be that of a
     * referrer, which it does. Conditions that need more than the name count as met. Patterns are compiled here, not at
     * each push.
     */
    public BiPredicate<RepositoryName, Optional<Tag>> pushFilter() {
        Predicate<RepositoryName> selected = repositoryFilter();
        TagSelector selector = new TagSelector(tags, InstantSource.system());
        return (repository, tag) -> selected.test(repository) && (tag.isEmpty() || selector.mayKeep(tag.get()));
    }

    /** The same rule with another source. */
    ReplicationRule from(SourceRegistry other) {
        return with(other, targets, verify, readsImmutable);
    }

    /** The same rule with fewer targets. */
    ReplicationRule only(Predicate<String> targetNames) {
        List<Placement> left = targets.stream()
                .filter(target -> targetNames.test(target.registry().name()))
                .toList();
        return with(source, left, verify, readsImmutable);
    }

    /**
     * The same rule, verifying in another way; where it is to read all back, tags that it calls immutable are read back
     * too. They stay at what the journal has of them.
     */
    public ReplicationRule verifying(Verify other) {
        return with(source, targets, other, other == Verify.DEEP);
    }

    private ReplicationRule with(
            SourceRegistry source, List<Placement> targets, Verify verify, boolean readsImmutable) {
        return new ReplicationRule(
                name,
                source,
                repositories,
                tags,
                targets,
                platforms,
                onSparseRefused,
                referrers,
                onConflict,
                immutable,
                prune,
                limits,
                verify,
                readsImmutable);
    }

    /** What of each graph travels. */
    GraphScope scope() {
        return source.scope(new GraphScope(platforms, ReferrerFilter.of(referrers)));
    }

    /** A text that changes when a tag that was complete under this rule may no longer be. */
    String scopeKey() {
        String required = referrers.require().isEmpty() ? "" : " " + referrers.require();
        return platforms + " " + referrers.only() + " " + referrers.except() + " " + onSparseRefused + required;
    }

    /** Whether a scope key is of whole graphs. */
    static boolean isWholeScope(String scopeKey) {
        return scopeKey.startsWith("[] [] [] ");
    }

    /** Whether a repository is selected. */
    Predicate<RepositoryName> repositoryFilter() {
        List<Predicate<String>> matchers =
                repositories.stream().map(NamePattern::matcher).toList();
        return name -> matchers.stream().anyMatch(matcher -> matcher.test(name.value()));
    }

    /** Whether a tag is not looked at again once complete. */
    Predicate<Tag> immutableFilter() {
        List<Predicate<String>> matchers =
                immutable.stream().map(NamePattern::matcher).toList();
        return tag -> matchers.stream().anyMatch(matcher -> matcher.test(tag.value()));
    }
}
