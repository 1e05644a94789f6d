package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ProgressListener;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A run of a server, or a round of one: how far it has come, its number once it has one, and whether its rule is to run
 * again when it has ended. Safe for all threads.
 */
final class RunInProgress implements ProgressListener {
    private final ProgressLine line;
    private final CompletableFuture<Long> number = new CompletableFuture<>();
    private volatile Optional<String> owed = Optional.empty();

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
