package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The runs of a server: those that its schedule begins, on the schedule's thread, and those that somebody asks for,
 * each on a thread of its own. A rule has one at a time. What asks for it meanwhile is another round of that run, at
 * the targets that it is done with: a target that takes long is left out, and the rule runs once more when it is free
 * again, for what came meanwhile. Safe for all threads.
 */
final class RuleRuns implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RuleRuns.class);
    private static final Duration BEGINS = Duration.ofSeconds(10);
    private static final Duration ENDS = Duration.ofSeconds(60);

    private final RuleRunner rules;
    private final InstantSource clock;
    private final List<RunListener> listeners;
    private final RunTracing tracing;
    private final BiConsumer<String, String> again;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong changes = new AtomicLong();
    private final Map<String, List<RunInProgress>> active = new HashMap<>();

    /**
     * With nothing running.
     *
     * @param again runs the rule of that name once more, soon, because of that trigger
     */
    RuleRuns(
            RuleRunner rules,
            InstantSource clock,
            List<RunListener> listeners,
            RunTracing tracing,
            BiConsumer<String, String> again) {
        this.rules = rules;
        this.clock = clock;
        this.listeners = List.copyOf(listeners);
        this.tracing = tracing;
        this.again = again;
    }

    /** Runs a rule on the calling thread. */
    interface RuleRunner {
        /** As {@link Replication#run}. */
        ReplicationReport run(ReplicationRule rule, String trigger, ProgressListener progress)
                throws IOException, RuleBusyException;
    }

    /** Makes a report. */
    interface Run {
        /** Runs, and says how that goes. */
        ReplicationReport with(ProgressListener progress) throws IOException, RuleBusyException;
    }

    /**
     * Runs a rule on this thread, or another round of its run, and logs what prevents it. What other rounds are busy
     * with follows when they have ended.
     */
    void run(ReplicationRule rule, String trigger) {
        RunInProgress mine = new RunInProgress(clock);
        try {
            run(rule.name(), mine, listener -> rules.run(rule, trigger, listener));
        } catch (RuleBusyException e) {
            // Said once: the rule may be due every few seconds, and the target be silent for minutes.
            LOG.atLevel(owes(rule.name()) ? Level.DEBUG : Level.INFO)
                    .log("{}; this run ({}) follows that one", e.getMessage(), trigger);
            follow(rule.name(), trigger);
        } catch (InterruptedIOException e) {
            Thread.currentThread().interrupt();
            LOG.info("a run of {} was broken off; the next one does what is missing", rule.name());
        } catch (IOException | RuntimeException | Error e) {
            LOG.error("a run of {} ({}) failed", rule.name(), trigger, e);
        }
    }

    /**
     * Runs on this thread. What it left out follows, whoever asked for it: but for targets at which another round began
     * after this one, which has seen what this one was for. Else rounds at two targets, each of which began while the
     * other was going on, would have each other begin again and again.
     */
    private ReplicationReport run(String name, RunInProgress mine, Run run) throws IOException, RuleBusyException {
        ReplicationReport report = told(name, mine, run);
        if (!areServedSince(name, mine, report.leftOut())) {
            follow(name, report.trigger());
        }
        return report;
    }

    private ReplicationReport told(String name, RunInProgress mine, Run run) throws IOException, RuleBusyException {
        entered(name, mine);
        try {
            ReplicationReport report = followed(name, run, mine);
            listeners.forEach(listener -> listener.ended(report));
            ended(name, mine);
            return report;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException | RuntimeException | Error e) {
            listeners.forEach(listener -> listener.failed(name));
            throw e;
        } finally {
            left(name, mine);
        }
    }

    /** Has the rule run again: when the rounds in progress have ended, or at once if there are none any more. */
    private void follow(String name, String trigger) {
        // A server that stops begins nothing more.
        if (!Thread.currentThread().isInterrupted() && !owe(name, trigger)) {
            again.accept(name, trigger);
        }
    }

    private synchronized void entered(String name, RunInProgress run) {
        active.computeIfAbsent(name, key -> new ArrayList<>()).add(run);
        run.entered(changes.incrementAndGet());
    }

    // Those in progress are in the order in which they began.
    private synchronized void ended(String name, RunInProgress run) {
        for (RunInProgress earlier : active.getOrDefault(name, List.of())) {
            if (earlier == run) {
                return;
            }
            earlier.endedSince(run);
        }
    }

    /** Whether other rounds began at all these targets after one that has ended. */
    private synchronized boolean areServedSince(String name, RunInProgress ended, List<String> targets) {
        List<RunInProgress> later = active.getOrDefault(name, List.of()).stream()
                .filter(run -> run.order() > ended.order())
                .toList();
        return targets.stream()
                .allMatch(
                        target -> ended.isServedSince(target) || later.stream().anyMatch(run -> run.serves(target)));
    }

    private void left(String name, RunInProgress run) {
        synchronized (this) {
            active.computeIfPresent(name, (key, runs) -> {
                runs.remove(run);
                return runs.isEmpty() ? null : runs;
            });
        }
        changes.incrementAndGet();
        // A server that stops begins nothing more.
        if (!Thread.currentThread().isInterrupted()) {
            run.owed().ifPresent(trigger -> again.accept(name, trigger));
        }
    }

    /**
     * Has the rule run again when those rounds of it that are in progress have ended; false if there are none any more.
     */
    private synchronized boolean owe(String name, String trigger) {
        List<RunInProgress> runs = active.getOrDefault(name, List.of());
        runs.forEach(run -> run.owe(trigger));
        return !runs.isEmpty();
    }

    /** Whether the rule is to run again already when those rounds of it that are in progress have ended. */
    private synchronized boolean owes(String name) {
        return active.getOrDefault(name, List.of()).stream()
                .anyMatch(run -> run.owed().isPresent());
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
     * Begins a run of a rule, or another round of the one in progress, on another thread.
     *
     * @return its number
     * @throws RuleBusyException if one is in progress at all its targets
     * @throws IOException if it could not begin
     */
    long begin(ReplicationRule rule, String trigger) throws IOException, RuleBusyException {
        return begin(rule.name(), listener -> rules.run(rule, trigger, listener), () -> {});
    }

    /** As above, for one image; the copy is closed at its end, also where it could not begin. */
    long begin(ImageCopy copy) throws IOException, RuleBusyException {
        return begin(copy.name(), copy::run, copy::close);
    }

    /** As above, for anything. */
    long begin(String name, Run run, Runnable atEnd) throws IOException, RuleBusyException {
        RunInProgress mine = new RunInProgress(clock);
        try {
            threads.execute(() -> {
                try {
                    logged(name, mine, run);
                } finally {
                    atEnd.run();
                }
            });
        } catch (RejectedExecutionException e) {
            atEnd.run();
            throw new IOException("the run of " + name + " did not begin: the server is stopping", e);
        }
        return number(name, mine);
    }

    private void logged(String name, RunInProgress mine, Run run) {
        try {
            mine.begun(run(name, mine, run).run());
        } catch (RuleBusyException e) {
            mine.number().completeExceptionally(e);
        } catch (InterruptedIOException e) {
            LOG.info("a run of {} was broken off; the next one does what is missing", name);
            mine.number().completeExceptionally(e);
        } catch (IOException | RuntimeException | Error e) {
            LOG.error("a run of {} failed", name, e);
            mine.number().completeExceptionally(e);
        }
    }

    // The runner notes the run in the journal before anything else, and tells its number then.
    private static long number(String name, RunInProgress run) throws IOException, RuleBusyException {
        try {
            return run.number().get(BEGINS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IOException("the run of " + name + " did not begin within " + BEGINS.toSeconds() + " s", e);
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

    /** How far the rounds of a rule's run have come, in a line; empty if none is in progress. */
    Optional<String> progress(String rule) {
        return Optional.ofNullable(running().get(rule)).map(ProgressLine.Progress::text);
    }

    /** How far all runs have come that are in progress, by their names; those of one name together. */
    synchronized Map<String, ProgressLine.Progress> running() {
        Map<String, ProgressLine.Progress> running = new TreeMap<>();
        active.forEach((name, runs) -> running.put(
                name, together(runs.stream().map(run -> run.line().progress()).toList())));
        return running;
    }

    private static ProgressLine.Progress together(List<ProgressLine.Progress> runs) {
        return new ProgressLine.Progress(
                runs.stream().mapToLong(ProgressLine.Progress::images).sum(),
                runs.stream().mapToLong(ProgressLine.Progress::done).sum(),
                runs.stream().mapToLong(ProgressLine.Progress::failed).sum(),
                runs.stream().mapToLong(ProgressLine.Progress::bytes).sum(),
                runs.stream().mapToLong(ProgressLine.Progress::movedBytes).sum(),
                runs.stream().mapToLong(ProgressLine.Progress::bytesPerSecond).sum(),
                runs.stream().flatMap(run -> run.left().stream()).max(Comparator.naturalOrder()),
                runs.stream().map(ProgressLine.Progress::text).collect(Collectors.joining("; ")));
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
