package dev.entrepot.proxy.replication;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.journal.RunRecord;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the runs of the configured rules came to, for each rule and target. What is remembered starts with the last reports of the journal, so that a
 * restart does not forget how old the copies are; counters start at zero. Safe for all threads.
 */
final class ReplicationMetrics implements RunListener {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationMetrics.class);
    private static final int REPORTS_READ = 100;
    private static final List<String> LABELS = List.of("rule", "target");

    private final InstantSource clock;
    // The names of the targets of each.
    private final Map<String, List<String>> rules;
    private final Metrics.Counter bytes;
    private final Metrics.Counter runs;
    private final Map<Place, State> states = new TreeMap<>();
    /** By rule, whether its last run brought nothing. */
    private final Map<String, Boolean> failing = new TreeMap<>();

    private record Place(String rule, String target) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int byRule = rule.compareTo(other.rule);
            return byRule != 0 ? byRule : target.compareTo(other.target);
        }
    }

    /**
     * How it stands at one target.
     *
     * @param successStart start of the last run after which nothing was missing
     * @param successEnd end of that run
     * @param tags that the last run found to be the rule's
     * @param missing of them, those that the last run did not bring
     * @param ratio share of the tags that are complete after the last run
     */
    private record State(
            Optional<Instant> successStart, Optional<Instant> successEnd, long tags, long missing, double ratio) {
        static final State NONE = new State(Optional.empty(), Optional.empty(), 0, 0, 0);

        /** After a run that brought nothing at all; how many tags it should have brought is not known better than before. */
        State failed() {
            return new State(successStart, successEnd, tags, Math.max(1, tags), 0);
        }
    }

    ReplicationMetrics(Metrics metrics, Collection<ReplicationRule> rules, InstantSource clock) {
        this.clock = clock;
        this.rules = rules.stream()
                .collect(Collectors.toMap(
                        ReplicationRule::name,
                        rule -> rule.targets().stream()
                                .map(target -> target.registry().name())
                                .toList()));
        this.bytes = metrics.counter(
                "entrepot_replication_bytes_total", "Bytes of blobs and manifests sent.", "rule", "target");
        this.runs = metrics.counter(
                "entrepot_replication_runs_total", "Runs that ended, each round for itself.", "rule", "outcome");
        // From the start, so that the first run that fails is a change: Prometheus sees none in a series that begins
        // with 1.
        for (String rule : this.rules.keySet()) {
            failing.put(rule, false);
            for (ReplicationReport.Outcome outcome : ReplicationReport.Outcome.values()) {
                this.runs.with(rule, outcome.toString());
            }
        }
        metrics.gauges(
                "entrepot_replication_failing",
                "1 if the last run of a rule failed as a whole, or for every tag.",
                List.of("rule"),
                this::failing);
        gauge(
                metrics,
                "last_success_timestamp_seconds",
                "End of the last run after which the target lacked nothing.",
                state -> state.successEnd().map(ReplicationMetrics::seconds).orElse(Double.NaN));
        gauge(
                metrics,
                "lag_seconds",
                "How long ago the last run began after which the target lacked nothing.",
                state -> state.successStart().map(this::age).orElse(Double.NaN));
        gauge(metrics, "lag_digests", "Tags that the last run did not bring to the target.", State::missing);
        gauge(metrics, "complete_ratio", "Share of the tags that are complete at the target.", State::ratio);
    }

    private void gauge(Metrics metrics, String name, String help, ToDoubleFunction<State> value) {
        metrics.gauges("entrepot_replication_" + name, help, LABELS, () -> samples(value));
    }

    private synchronized List<Metrics.Sample> failing() {
        return failing.entrySet().stream()
                .map(rule -> new Metrics.Sample(List.of(rule.getKey()), rule.getValue() ? 1 : 0))
                .toList();
    }

    private synchronized List<Metrics.Sample> samples(ToDoubleFunction<State> value) {
        List<Metrics.Sample> samples = new ArrayList<>();
        states.forEach((place, state) -> {
            double number = value.applyAsDouble(state);
            if (!Double.isNaN(number)) {
                samples.add(new Metrics.Sample(List.of(place.rule(), place.target()), number));
            }
        });
        return samples;
    }

    /**
     * How a rule stands at a target.
     *
     * @param completeSince when the last run began after which nothing was missing; empty if there was none
     * @param missing tags that the last run did not bring
     * @param ratio share of the tags that are complete there after the last run, from 0 to 1
     */
    record Standing(String rule, String target, Optional<Instant> completeSince, long missing, double ratio) {}

    /** How the rules stand, as far as runs are known. */
    synchronized List<Standing> standings() {
        List<Standing> standings = new ArrayList<>();
        states.forEach((place, state) -> standings.add(
                new Standing(place.rule(), place.target(), state.successStart(), state.missing(), state.ratio())));
        return standings;
    }

    private static double seconds(Instant instant) {
        return instant.toEpochMilli() / 1000.0;
    }

    private double age(Instant since) {
        return Duration.between(since, clock.instant()).toMillis() / 1000.0;
    }

    /** Takes up what the journal knows, oldest first. */
    void recall(List<RunRecord> newestFirst) {
        for (RunRecord run : newestFirst.reversed()) {
            if (run.reportJson().isPresent() && rules.containsKey(run.rule())) {
                try {
                    remember(ReportReader.read(run.reportJson().get()));
                } catch (InvalidContentException e) {
                    LOG.warn("run {} of {} is left out of the metrics: {}", run.id(), run.rule(), e.getMessage());
                }
            }
        }
    }

    /** The runs of the journal that are worth reading. */
    static List<RunRecord> worthReading(Replication replication) throws IOException {
        return replication.journal().runs(REPORTS_READ);
    }

    @Override
    public void ended(ReplicationReport report) {
        if (!rules.containsKey(report.rule())) {
            return;
        }
        runs.with(report.rule(), report.outcome().toString()).increment();
        for (ReplicationReport.TargetSummary target : report.targets()) {
            bytes.with(report.rule(), target.target()).add(target.tally().bytes());
        }
        remember(report);
    }

    @Override
    public void failed(String rule) {
        if (rules.containsKey(rule)) {
            runs.with(rule, ReplicationReport.Outcome.FAILED.toString()).increment();
            synchronized (this) {
                failing.put(rule, true);
            }
        }
    }

    private synchronized void remember(ReplicationReport report) {
        failing.put(report.rule(), report.outcome() == ReplicationReport.Outcome.FAILED);
        if (report.failure().isPresent()) {
            for (String target : rules.getOrDefault(report.rule(), List.of())) {
                states.merge(
                        new Place(report.rule(), target), State.NONE.failed(), (before, unused) -> before.failed());
            }
            return;
        }
        for (ReplicationReport.TargetSummary target : report.targets()) {
            Place place = new Place(report.rule(), target.target());
            // Not of the items: a report that was written down has those only that something is to be said about.
            long all = target.copied() + target.upToDate() + target.skipped() + target.failed();
            boolean success = target.failed() == 0;
            State before = states.getOrDefault(place, State.NONE);
            states.put(
                    place,
                    new State(
                            success ? Optional.of(report.started()) : before.successStart(),
                            success ? Optional.of(report.ended()) : before.successEnd(),
                            all,
                            target.failed(),
                            all == 0 ? 1 : (double) (all - target.failed()) / all));
        }
    }
}
