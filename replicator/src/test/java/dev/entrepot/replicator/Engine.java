package dev.entrepot.replicator;

import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** A runner over a real journal in virtual time. */
public final class Engine implements AutoCloseable {
    public static final RetryPolicy NO_RETRIES = new RetryPolicy(1, Duration.ZERO, Duration.ZERO, 1_000_000);

    public final VirtualTime clock = new VirtualTime();
    public final CopyJournal journal;
    public final ReplicationRunner runner;

    public Engine(Path folder) throws IOException {
        this(folder, NO_RETRIES);
    }

    public Engine(Path folder, RetryPolicy retries) throws IOException {
        this(folder, retries, new RepositoryClaims(Duration.ZERO));
    }

    Engine(Path folder, RetryPolicy retries, RepositoryClaims claims) throws IOException {
        journal = CopyJournal.open(folder, clock);
        runner = new ReplicationRunner(new RunServices(
                journal,
                new SubjectLocks(),
                claims,
                new KnownHosts(retries, clock.time()),
                new RuleLimits(clock.time()),
                clock.time(),
                retries,
                Duration.ofDays(1),
                Duration.ofSeconds(30)));
    }

    public ReplicationReport run(Rules rules) throws IOException {
        return run(rules, ProgressListener.NONE);
    }

    public ReplicationReport run(Rules rules, ProgressListener progress) throws IOException {
        try {
            return runner.run(rules.rule(), "test", progress);
        } catch (RuleBusyException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        journal.close();
    }
}
