package dev.entrepot.replicator;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.select.TagDecision;
import dev.entrepot.replicator.select.TagSelector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Asks a source which repositories and tags a rule selects. */
final class SourceSurveyor {
    // Requests to one source at once. Behind it the registry's client has a limit of its own, which adapts.
    private static final int REQUESTS = 64;
    private static final long SHELF_BYTES = 8L << 20;
    // Small requests to the source at once before the source's own limits; REQUESTS is the tighter one.
    private static final int SOURCE_CONCURRENCY = 128;

    private final ReplicationRule rule;
    private final HostGate gate;
    private final TagSelector selector;
    private final SourceTally tally;
    private final RequestLimit limit;
    private final ManifestShelf shelf = new ManifestShelf(SHELF_BYTES);

    SourceSurveyor(ReplicationRule rule, HostGate gate, Time time) {
        this.rule = rule;
        this.gate = gate;
        this.tally = new SourceTally(rule.source());
        this.limit = new RequestLimit(Limits.atOnce(rule.limits(), REQUESTS));
        this.selector = new TagSelector(rule.tags(), time.clock());
    }

    /** The gate before the source of a rule, for one run. */
    static HostGate gate(ReplicationRule rule, KnownHosts hosts, Pace pace, RetryPolicy retries, Time time) {
        String name = rule.source().name();
        return new HostGate(name, SOURCE_CONCURRENCY, hosts.source(name), retries, pace, time);
    }

    private record Found(
            RepositoryDiscovery discovery,
            List<ReplicationPlan.Choice> choices,
            List<SourceTag> tags,
            Optional<SourceSurvey.Unlisted> failure) {}

    private record Names(Collection<RepositoryName> selected, Optional<Set<RepositoryName>> catalog) {}

    /**
     * The repositories and tags of the rule.
     *
     * @throws CopyException if the repositories are selected by pattern and the catalog is not to be had
     */
    SourceSurvey survey() throws IOException {
        Names names = repositories();
        List<Found> found = Concurrently.map(names.selected(), REQUESTS, this::survey);
        return new SourceSurvey(
                found.stream().flatMap(f -> f.choices().stream()).toList(),
                found.stream().flatMap(f -> f.tags().stream()).toList(),
                found.stream().flatMap(f -> f.failure().stream()).toList(),
                found.stream()
                        .filter(f -> f.failure().isEmpty())
                        .map(Found::discovery)
                        .toList(),
                names.catalog());
    }

    /** A repository of the source, to ask. */
    RepositoryDiscovery discovery(RepositoryName name) {
        RepositorySource source =
                new CountedSource(new GatedSource(rule.source().repository(name), gate), tally);
        return new RepositoryDiscovery(source, rule.scope(), limit, shelf).insisting();
    }

    /** What the source was sent. */
    SourceTally tally() {
        return tally;
    }

    private Names repositories() throws IOException {
        TreeSet<RepositoryName> names = new TreeSet<>();
        boolean exact = true;
        for (NamePattern pattern : rule.repositories()) {
            if (pattern.kind() == NamePattern.Kind.EXACT) {
                names.add(new RepositoryName(pattern.text()));
            } else {
                exact = false;
            }
        }
        Optional<Set<RepositoryName>> all = Optional.empty();
        if (!exact) {
            String source = rule.source().name();
            tally.catalog();
            List<RepositoryName> catalog = CopyException.at(
                    Side.SOURCE,
                    source,
                    "reading the catalog of " + source + ", which repositories by pattern need",
                    () -> gate.request(RequestKind.LOOK, rule.source()::catalog));
            catalog.stream().filter(rule.repositoryFilter()).forEach(names::add);
            all = Optional.of(Set.copyOf(catalog));
        }
        return new Names(names, all);
    }

    private Found survey(RepositoryName name) throws IOException {
        RepositoryDiscovery discovery = discovery(name);
        try {
            return CopyException.at(
                    Side.SOURCE,
                    name,
                    "selecting tags of " + rule.source().name() + "/" + name,
                    () -> select(discovery));
        } catch (CopyException e) {
            return failed(discovery, List.of(), e.failure());
        }
    }

    private Found select(RepositoryDiscovery discovery) throws IOException {
        RepositoryName name = discovery.source().repository().name();
        Optional<List<Tag>> named = selector.named();
        Collection<Tag> candidates = named.isPresent() ? named.get() : discovery.tags();
        List<TagDecision> decisions = selector.select(candidates, new ImageCreation(discovery));
        List<ReplicationPlan.Choice> choices = decisions.stream()
                .map(decision -> new ReplicationPlan.Choice(name, decision))
                .toList();
        if (selector.isTooFew(decisions)) {
            String cause = rule.source().name() + "/" + name + " has fewer tags that the rule selects than at-least "
                    + rule.tags().atLeast() + "; none is copied and none is deleted";
            return failed(discovery, choices, new ItemReport.Failure(Side.SOURCE, name.value(), cause));
        }
        List<SourceTag> tags = new ArrayList<>();
        for (TagDecision decision : decisions) {
            if (decision.kept()) {
                tags.add(new SourceTag(discovery, decision.tag(), decision.tag()));
            }
        }
        return new Found(discovery, choices, tags, Optional.empty());
    }

    private static Found failed(
            RepositoryDiscovery discovery, List<ReplicationPlan.Choice> choices, ItemReport.Failure failure) {
        RepositoryName name = discovery.source().repository().name();
        return new Found(discovery, choices, List.of(), Optional.of(new SourceSurvey.Unlisted(name, failure)));
    }
}
