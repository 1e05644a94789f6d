package dev.entrepot.replicator;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * The runs in progress: one at most of each rule. A run begins with a round at all targets; what asks for the rule
 * while some of them are still busy is another round of the same run, at the others, so that a slow target delays no
 * other. No target is served by two rounds at a time, and the run ends with the last of its rounds. Safe for all
 * threads.
 */
final class RunningTargets {
    // What a rule without targets has busy.
    private static final Set<String> NONE = Set.of("");
    // For the journal to take the beginning of a run.
    private static final Duration NUMBERED = Duration.ofSeconds(30);

    private final Map<String, Running> running = new HashMap<>();

    /**
     * A run in progress: how many rounds of it have not ended, the targets that they serve, and its number once the
     * journal has it.
     */
    private static final class Running {
        private int rounds;
        private final Set<String> busy = new LinkedHashSet<>();
        private final CompletableFuture<Long> number = new CompletableFuture<>();
    }

    /**
     * A round: targets of a rule that are its own, each until it is {@linkplain #ended said to have ended}, at the
     * latest until this is closed. That is when its report is written, so that the run goes on until then.
     */
    final class Claim implements AutoCloseable {
        private final String rule;
        private final Running run;
        private final boolean first;
        private final Set<String> targets;
        private final Set<String> held;
        private boolean closed;

        private Claim(String rule, Running run, boolean first, Set<String> targets) {
            this.rule = rule;
            this.run = run;
            this.first = first;
            this.targets = Set.copyOf(targets);
            this.held = new LinkedHashSet<>(targets);
        }

        /** Whether a target is this round's. */
        boolean has(String target) {
            return targets.contains(target);
        }

        /**
         * The run that this is another round of; empty if it is the first.
         *
         * @throws IOException if the run could not begin
         */
        OptionalLong roundOf() throws IOException {
            return first ? OptionalLong.empty() : OptionalLong.of(number(rule, run));
        }

        /** Says what number the run has, whose first round this is. */
        void begun(long number) {
            run.number.complete(number);
        }

        /** Says that nothing more is done at a target. */
        void ended(String target) {
            release(this, Set.of(target));
        }

        @Override
        public void close() {
            end(this);
            if (first) {
                run.number.completeExceptionally(new IOException("the run of " + rule + " could not begin"));
            }
        }
    }

    /**
     * Claims the targets of a rule that are not busy: for a run, or for another round of the one in progress.
     *
     * @throws RuleBusyException if all are busy
     */
    synchronized Claim claim(ReplicationRule rule) throws RuleBusyException {
        Set<String> idle = rule.targets().isEmpty()
                ? new LinkedHashSet<>(NONE)
                : rule.targets().stream()
                        .map(target -> target.registry().name())
                        .collect(Collectors.toCollection(LinkedHashSet::new));
        boolean first = !running.containsKey(rule.name());
        Running run = running.computeIfAbsent(rule.name(), name -> new Running());
        idle.removeAll(run.busy);
        if (idle.isEmpty()) {
            throw new RuleBusyException(rule.name());
        }
        run.busy.addAll(idle);
        run.rounds++;
        return new Claim(rule.name(), run, first, idle);
    }

    /** Whether a run of a rule is in progress. */
    synchronized boolean isRunning(String rule) {
        return running.containsKey(rule);
    }

    private static long number(String rule, Running run) throws IOException {
        try {
            return run.number.get(NUMBERED.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IOException("another round of " + rule + " cannot begin", e.getCause());
        } catch (TimeoutException e) {
            throw new IOException("the run of " + rule + " did not begin within " + NUMBERED.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a run of " + rule + " began");
        }
    }

    private synchronized void release(Claim claim, Set<String> targets) {
        Set<String> ended = new LinkedHashSet<>(targets);
        ended.retainAll(claim.held);
        claim.held.removeAll(ended);
        claim.run.busy.removeAll(ended);
    }

    private synchronized void end(Claim claim) {
        release(claim, claim.targets);
        if (claim.closed) {
            return;
        }
        claim.closed = true;
        claim.run.rounds--;
        if (claim.run.rounds == 0) {
            running.remove(claim.rule, claim.run);
        }
    }
}
