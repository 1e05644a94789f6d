package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ProgressListener;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A run of a server, or a round of one: how far it has come, its number once it has one, and whether its rule is to run
 * again when it has ended. Safe for all threads.
 */
final class RunInProgress implements ProgressListener {
    private final ProgressLine line;
    private final CompletableFuture<Long> number = new CompletableFuture<>();
    private volatile Optional<String> owed = Optional.empty();
    private volatile long order;
    // Of this round; unknown before it has its targets.
    private volatile Optional<Set<String>> leftOut = Optional.empty();
    // What each of those that began after this and came to their end left out; unknown before there is one.
    private volatile Optional<Set<String>> leftOutSince = Optional.empty();

    /** One that has not begun. */
    RunInProgress(InstantSource clock) {
        this.line = new ProgressLine(clock);
    }

    /** How far it has come. */
    ProgressLine line() {
        return line;
    }

    /** Its number in the journal, as soon as it has one; fails with what prevents the run. */
    CompletableFuture<Long> number() {
        return number;
    }

    /** Says that the rule is to run again when this has ended, and why. */
    void owe(String trigger) {
        owed = Optional.of(trigger);
    }

    /** Why the rule is to run again when this has ended, if it is. */
    Optional<String> owed() {
        return owed;
    }

    /** Says which it is of all, in the order in which they begin. */
    void entered(long order) {
        this.order = order;
    }

    /** Which it is of all, in the order in which they begin. */
    long order() {
        return order;
    }

    /** Whether this round is known to have a target for its own. */
    boolean serves(String target) {
        return leftOut.isPresent() && !leftOut.get().contains(target);
    }

    /** Says that a round that began after this one came to its end; not for several threads at once. */
    void endedSince(RunInProgress later) {
        later.leftOut.ifPresent(others -> {
            Set<String> all = new HashSet<>(others);
            leftOutSince.ifPresent(all::retainAll);
            leftOutSince = Optional.of(Set.copyOf(all));
        });
    }

    /** Whether a round that began after this one came to its end and had a target for its own. */
    boolean isServedSince(String target) {
        return leftOutSince.isPresent() && !leftOutSince.get().contains(target);
    }

    @Override
    public void leavesOut(List<String> targets) {
        leftOut = Optional.of(Set.copyOf(targets));
    }

    @Override
    public void begun(long run) {
        number.complete(run);
    }

    @Override
    public void planned(String target, long images, long bytes) {
        line.planned(target, images, bytes);
    }

    @Override
    public void moved(String target, long bytes) {
        line.moved(target, bytes);
    }

    @Override
    public void finished(ItemReport item) {
        line.finished(item);
    }
}
