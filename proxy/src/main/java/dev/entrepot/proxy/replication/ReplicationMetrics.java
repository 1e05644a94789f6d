package dev.entrepot.proxy.replication;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.journal.RunRecord;
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
 * What the runs of the configured rules came to, for each rule and each of its targets; what a rule once copied to and
 * does not any more is left out. What is remembered starts with what the journal has of the last runs, so that a
 * restart does not forget how old the copies are; counters start at zero. The last run is the one with the highest
 * number, in whatever order reports come: that of a round that was long busy at one target comes after those of many
 * later rounds at the others. Safe for all threads.
 */
final class ReplicationMetrics implements RunListener {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationMetrics.class);
    private static final List<String> LABELS = List.of("rule", "target");

    private final InstantSource clock;
    // The names of the targets of each.
    private final Map<String, List<String>> rules;
    private final Metrics.Counter bytes;
    private final Metrics.Counter runs;
    private final Map<Place, State> states = new TreeMap<>();
    /** By rule, how its last run ended. */
    private final Map<String, Ending> endings = new TreeMap<>();

    /**
     * How a run of a rule ended.
     *
     * @param run its number; 0 if there was none
     * @param failed whether it brought nothing
     */
    private record Ending(long run, boolean failed) {}

    /**
     * A run after which nothing was missing.
     *
     * @param run its number
     */
    private record Success(long run, Instant began, Instant ended) {}

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
     * @param run number of the last run that served it
     * @param success the last run after which nothing was missing
     * @param tags that the last run found to be the rule's
     * @param missing of them, those that the last run did not bring
     * @param ratio share of the tags that are complete after the last run
     */
    private record State(long run, Optional<Success> success, long tags, long missing, double ratio) {
        static final State NONE = new State(0, Optional.empty(), 0, 0, 0);

        /**
         * After a run that brought nothing at all; how many tags it should have brought is not known better than
         * before.
         */
        State failed(long number) {
            return number < run ? this : new State(number, success, tags, Math.max(1, tags), 0);
        }

        /** After a run that served the target. */
        State served(ReplicationReport report, ReplicationReport.TargetSummary target) {
            boolean succeeded = target.failed() == 0
                    && success.filter(last -> last.run() > report.run()).isEmpty();
            Optional<Success> last =
                    succeeded ? Optional.of(new Success(report.run(), report.started(), report.ended())) : success;
            if (report.run() < run) {
                return new State(run, last, tags, missing, ratio);
            }
            // Not of the items: a report that was written down has those only that something is to be said about.
            long all = target.tags();
            return new State(
                    report.run(), last, all, target.failed(), all == 0 ? 1 : (double) (all - target.failed()) / all);
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
            endings.put(rule, new Ending(0, false));
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
                state -> state.success().map(last -> seconds(last.ended())).orElse(Double.NaN));
        gauge(
                metrics,
                "lag_seconds",
                "How long ago the last run began after which the target lacked nothing.",
                state -> state.success().map(last -> age(last.began())).orElse(Double.NaN));
        gauge(metrics, "lag_digests", "Tags that the last run did not bring to the target.", State::missing);
        gauge(metrics, "complete_ratio", "Share of the tags that are complete at the target.", State::ratio);
    }

    private void gauge(Metrics metrics, String name, String help, ToDoubleFunction<State> value) {
        metrics.gauges("entrepot_replication_" + name, help, LABELS, () -> samples(value));
    }

    private synchronized List<Metrics.Sample> failing() {
        return endings.entrySet().stream()
                .map(rule -> new Metrics.Sample(
                        List.of(rule.getKey()), rule.getValue().failed() ? 1 : 0))
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
        states.forEach((place, state) -> standings.add(new Standing(
                place.rule(), place.target(), state.success().map(Success::began), state.missing(), state.ratio())));
        return standings;
    }

    private static double seconds(Instant instant) {
        return instant.toEpochMilli() / 1000.0;
    }

    private double age(Instant since) {
        return Duration.between(since, clock.instant()).toMillis() / 1000.0;
    }

    /** Takes up what the journal knows of runs. */
    void recall(List<RunRecord> newestFirst) {
        for (RunRecord run : newestFirst.reversed()) {
            if (run.summaryJson().isPresent() && rules.containsKey(run.rule())) {
                try {
                    remember(ReportReader.read(run.summaryJson().get()));
                } catch (InvalidContentException e) {
                    LOG.warn("run {} of {} is left out of the metrics: {}", run.id(), run.rule(), e.getMessage());
                }
            }
        }
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
                endings.computeIfPresent(rule, (name, last) -> new Ending(last.run(), true));
            }
        }
    }

    private synchronized void remember(ReplicationReport report) {
        Ending ending = new Ending(report.run(), report.outcome() == ReplicationReport.Outcome.FAILED);
        endings.merge(report.rule(), ending, (last, now) -> now.run() < last.run() ? last : now);
        List<String> served = rules.getOrDefault(report.rule(), List.of());
        if (report.failure().isPresent()) {
            for (String target : served) {
                if (!report.leftOut().contains(target)) {
                    states.put(
                            new Place(report.rule(), target),
                            state(report.rule(), target).failed(report.run()));
                }
            }
            return;
        }
        for (ReplicationReport.TargetSummary target : report.targets()) {
            // Nothing ever changes any more how it stands at a target that was taken out of the rule.
            if (served.contains(target.target())) {
                states.put(
                        new Place(report.rule(), target.target()),
                        state(report.rule(), target.target()).served(report, target));
            }
        }
    }

    private State state(String rule, String target) {
        return states.getOrDefault(new Place(rule, target), State.NONE);
    }
}
