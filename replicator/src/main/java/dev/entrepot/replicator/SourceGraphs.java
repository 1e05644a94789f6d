package dev.entrepot.replicator;

import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Selects and discovers what a rule selects, as a replication does, for something else to be done with it than copying.
 * What cannot be selected or discovered is in a report, and no image is left out silently.
 */
public final class SourceGraphs {
    // Tags being discovered at once, as when a target is planned.
    private static final int WINDOW = 64;

    private final Time time;
    private final RetryPolicy retries;
    private final KnownHosts hosts;
    private final RuleLimits limits;

    /** With so much patience for outages. */
    public SourceGraphs(Time time, RetryPolicy retries) {
        this.time = time;
        this.retries = retries;
        this.hosts = new KnownHosts(retries, time);
        this.limits = new RuleLimits(time);
    }

    /**
     * An image by name, whatever a rule selects.
     *
     * @param repository its repository at the source
     * @param reference a tag or digest
     * @param tag the tag that it is to have
     */
    public record Named(RepositoryName repository, ManifestReference reference, Tag tag) {}

    /**
     * What was found.
     *
     * @param images all of which everything is known
     * @param report with an item for each tag or repository of which it is not; complete if there is none
     */
    public record Found(List<DiscoveredImage> images, ReplicationReport report) {
        /** Copies the list. */
        public Found {
            images = List.copyOf(images);
        }
    }

    /** What came of one tag; one that the rule drops, with the reason, is neither found nor failed. */
    private record Outcome(
            SourceTag tag, Optional<DiscoveredImage> image, Optional<ItemReport> failure, Optional<String> dropped) {
        boolean isDoubtful() {
            return image.filter(found -> tag.discovery().isDoubtful(found.graph()))
                    .isPresent();
        }
    }

    /**
     * What a rule selects now.
     *
     * @param target what reports call the place that it is found for
     * @throws IOException if the thread is interrupted
     */
    public Found ofRule(ReplicationRule rule, String target) throws IOException {
        WatchedSource source = new WatchedSource(rule.source());
        ReplicationRule watched = rule.from(source);
        HostGate gate = SourceSurveyor.gate(watched, hosts, limits.source(rule), retries, time);
        Instant started = time.clock().instant();
        try {
            SourceSurvey survey = new SourceSurveyor(watched, gate, time).survey();
            List<String> warnings = SelectionWarnings.of(rule, survey, source.seen());
            ImageDiscovery.refuseNothing(rule, survey);
            return found(watched, survey, gate, target, started, warnings, false);
        } catch (CopyException e) {
            return new Found(List.of(), report(rule, List.of(), gate, started, Optional.of(e.failure()), List.of()));
        }
    }

    /**
     * Named images of the source of a rule, with the rule's platforms and referrers. One that has none of the platforms
     * has failed, as it was asked for; a rule that selects it drops it with a warning.
     *
     * @param target what reports call the place that they are found for
     * @throws IOException if the thread is interrupted
     */
    public Found named(ReplicationRule rule, List<Named> images, String target) throws IOException {
        HostGate gate = SourceSurveyor.gate(rule, hosts, limits.source(rule), retries, time);
        SourceSurveyor surveyor = new SourceSurveyor(rule, gate, time);
        List<SourceTag> tags = new ArrayList<>();
        for (RepositoryName repository :
                images.stream().map(Named::repository).distinct().toList()) {
            RepositoryDiscovery discovery = surveyor.discovery(repository);
            images.stream()
                    .filter(image -> image.repository().equals(repository))
                    .forEach(image -> tags.add(new SourceTag(discovery, image.reference(), image.tag())));
        }
        SourceSurvey survey = SourceSurvey.of(tags);
        return found(rule, survey, gate, target, time.clock().instant(), List.of(), true);
    }

    private Found found(
            ReplicationRule rule,
            SourceSurvey survey,
            HostGate gate,
            String target,
            Instant started,
            List<String> warnings,
            boolean byName)
            throws IOException {
        ImageDiscovery discovery = new ImageDiscovery(rule);
        List<Outcome> first = Concurrently.map(survey.tags(), WINDOW, tag -> discover(discovery, tag, target, byName));
        List<Outcome> outcomes = Concurrently.map(
                first,
                WINDOW,
                outcome -> outcome.isDoubtful() ? discover(discovery, outcome.tag(), target, byName) : outcome);
        List<String> all = new ArrayList<>(warnings);
        outcomes.forEach(outcome -> outcome.dropped().ifPresent(all::add));
        all.addAll(DanglingWarnings.of(survey));
        List<ItemReport> failures = new ArrayList<>();
        survey.failures().forEach(failed -> failures.add(failed(target, failed.repository(), "*", failed.failure())));
        outcomes.forEach(outcome -> outcome.failure().ifPresent(failures::add));
        return new Found(
                outcomes.stream().flatMap(outcome -> outcome.image().stream()).toList(),
                report(rule, failures, gate, started, Optional.empty(), all));
    }

    private static Outcome discover(ImageDiscovery discovery, SourceTag tag, String target, boolean byName)
            throws IOException {
        try {
            ArtifactGraph graph = discovery.graph(tag, discovery.root(tag));
            Optional<String> dropped = discovery.dropped(graph);
            if (dropped.isPresent() && byName) {
                throw new CopyException(Side.SOURCE, graph.root().digest(), dropped.get());
            }
            if (dropped.isPresent()) {
                String name = tag.discovery().source().repository() + ":" + tag.tag();
                return new Outcome(tag, Optional.empty(), Optional.empty(), Optional.of(name + " is " + dropped.get()));
            }
            return new Outcome(
                    tag,
                    Optional.of(new DiscoveredImage(tag.discovery().source(), tag.tag(), graph)),
                    Optional.empty(),
                    Optional.empty());
        } catch (CopyException e) {
            return new Outcome(
                    tag,
                    Optional.empty(),
                    Optional.of(failed(target, tag.repository(), tag.tag().value(), e.failure())),
                    Optional.empty());
        }
    }

    private static ItemReport failed(String target, RepositoryName repository, String tag, ItemReport.Failure failure) {
        return new ItemReport(
                target,
                repository,
                repository,
                tag,
                Optional.empty(),
                ItemReport.State.FAILED,
                "",
                Optional.of(failure),
                Tally.NONE);
    }

    private ReplicationReport report(
            ReplicationRule rule,
            List<ItemReport> failures,
            HostGate gate,
            Instant started,
            Optional<ItemReport.Failure> failure,
            List<String> warnings) {
        return new ReplicationReport(
                0,
                rule.name(),
                "export",
                started,
                time.clock().instant(),
                failures,
                List.of(),
                gate.requestCount(),
                failure,
                warnings);
    }

    /** The repositories of a source, read with the same patience as a replication has, all behind one gate. */
    public Function<RepositoryName, RepositorySource> patient(SourceRegistry source) {
        HostGate gate = new HostGate(source.name(), WINDOW, hosts.source(source.name()), retries, Pace.FREE, time);
        return name -> new GatedSource(source.repository(name), gate);
    }
}
