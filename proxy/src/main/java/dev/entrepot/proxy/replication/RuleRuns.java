package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.journal.RunRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The runs of a server: those that its schedule begins, on the schedule's thread, and those that somebody asks for, each on a thread of its own. Safe for
 * all threads.
 */
final class RuleRuns implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RuleRuns.class);
    private static final Duration BEGINS = Duration.ofSeconds(10);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(5);
    private static final Duration ENDS = Duration.ofSeconds(60);
    private static final int LATEST = 100;

    private final Replication replication;
    private final InstantSource clock;
    private final List<RunListener> listeners;
    private final RunTracing tracing;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong changes = new AtomicLong();
    private final Map<String, ProgressLine> progress = new ConcurrentHashMap<>();

    RuleRuns(Replication replication, InstantSource clock, List<RunListener> listeners, RunTracing tracing) {
        this.tracing = tracing;
        this.replication = replication;
        this.clock = clock;
        this.listeners = List.copyOf(listeners);
    }

    /** Makes a report. */
    private interface Run {
        ReplicationReport with(ProgressListener progress) throws IOException, RuleBusyException;
    }

    /** Runs a rule on this thread, and logs what prevents it. */
    void run(ReplicationRule rule, String trigger) {
        try {
            run(rule.name(), listener -> replication.run(rule, trigger, listener));
        } catch (RuleBusyException e) {
            LOG.info("{}; this run ({}) is left out", e.getMessage(), trigger);
        } catch (InterruptedIOException e) {
            Thread.currentThread().interrupt();
            LOG.info("a run of {} was broken off; the next one does what is missing", rule.name());
        } catch (IOException | RuntimeException e) {
            LOG.error("a run of {} ({}) failed", rule.name(), trigger, e);
        }
    }

    private ReplicationReport run(String name, Run run) throws IOException, RuleBusyException {
        ProgressLine line = new ProgressLine(clock);
        boolean first = progress.putIfAbsent(name, line) == null;
        if (!first) {
            throw new RuleBusyException(name);
        }
        changes.incrementAndGet();
        try {
            ReplicationReport report = followed(name, run, line);
            listeners.forEach(listener -> listener.ended(report));
            return report;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            listeners.forEach(listener -> listener.failed(name));
            throw e;
        } finally {
            progress.remove(name);
            changes.incrementAndGet();
        }
    }

    private ReplicationReport followed(String name, Run run, ProgressListener line)
            throws IOException, RuleBusyException {
        Optional<Cause.Work> work = tracing.begin(name);
        if (work.isEmpty()) {
            return run.with(line);
        }
        Optional<String> failure = Optional.of("broken off");
        try {
            ReplicationReport report = Causes.call(work.get().cause(), () -> run.with(line));
            failure = report.outcome() == ReplicationReport.Outcome.COMPLETE
                    ? Optional.empty()
                    : Optional.of(report.outcome().name().toLowerCase(Locale.ROOT));
            return report;
        } catch (IOException | RuleBusyException | RuntimeException e) {
            failure = Optional.of(e.getClass().getSimpleName());
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e); // there are no others
        } finally {
            work.get().ended(failure);
        }
    }

    /**
     * Begins a run of a rule on another thread.
     *
     * @return the number of the run
     * @throws RuleBusyException if one is in progress
     * @throws IOException if it could not begin
     */
    long begin(ReplicationRule rule, String trigger) throws IOException, RuleBusyException {
        return begin(rule.name(), listener -> replication.run(rule, trigger, listener));
    }

    /** As above, for one image; the copy is closed at its end. */
    long begin(ImageCopy copy) throws IOException, RuleBusyException {
        return begin(copy.name(), listener -> {
            try (copy) {
                return copy.run(listener);
            }
        });
    }

    // The runner notes the run in the journal before anything else, and only the journal knows its number.
    private long begin(String name, Run run) throws IOException, RuleBusyException {
        long before = newest(name);
        Future<ReplicationReport> running = threads.submit(() -> logged(name, run));
        long deadline = System.nanoTime() + BEGINS.toNanos();
        while (System.nanoTime() < deadline) {
            Optional<ReplicationReport> report = ended(running);
            if (report.isPresent()) {
                return report.get().run();
            }
            long now = newest(name);
            if (now > before) {
                return now;
            }
        }
        throw new IOException("the run of " + name + " did not begin within " + BEGINS.toSeconds() + " s");
    }

    private long newest(String name) throws IOException {
        return replication.journal().runs(LATEST).stream()
                .filter(run -> run.rule().equals(name))
                .mapToLong(RunRecord::id)
                .max()
                .orElse(0);
    }

    private ReplicationReport logged(String name, Run run) throws IOException, RuleBusyException {
        try {
            return run(name, run);
        } catch (InterruptedIOException e) {
            LOG.info("a run of {} was broken off; the next one does what is missing", name);
            throw e;
        } catch (IOException | RuntimeException e) {
            LOG.error("a run of {} failed", name, e);
            throw e;
        }
    }

    private static Optional<ReplicationReport> ended(Future<ReplicationReport> running)
            throws IOException, RuleBusyException {
        try {
            return Optional.of(running.get(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a run began");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuleBusyException busy -> throw busy;
                case IOException failure -> throw failure;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    /** How far the run of a rule has come, in a line; empty if it is not running. */
    Optional<String> progress(String rule) {
        return Optional.ofNullable(progress.get(rule)).map(ProgressLine::plain);
    }

    /** How far all runs have come that are running, by their names. */
    Map<String, ProgressLine.Progress> running() {
        Map<String, ProgressLine.Progress> running = new TreeMap<>();
        progress.forEach((name, line) -> running.put(name, line.progress()));
        return running;
    }

    /** Grows whenever a run begins or has ended. */
    long changes() {
        return changes.get();
    }

    /** Breaks off what was begun here and waits for its end, a minute at most. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(ENDS.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("runs did not end within {} s", ENDS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
