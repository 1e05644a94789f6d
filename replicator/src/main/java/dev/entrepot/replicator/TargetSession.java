package dev.entrepot.replicator;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One target during one run: its repositories, its gate, and what it turned out to be able to do. Safe for all threads.
 */
final class TargetSession {
    private static final int MOUNT_REFUSALS = 3;

    private final ReplicationRule rule;
    private final ReplicationRule.Placement placement;
    private final HostGate gate;
    private final LeftoverPauses leftoverPauses;
    private final HostGate sourceGate;
    private final RunServices services;
    private final Meter bandwidth;
    private final ProgressListener progress;
    private final ConcurrentHashMap<RepositoryName, TargetRepository> repositories = new ConcurrentHashMap<>();
    private final AtomicInteger mounted = new AtomicInteger();
    private final AtomicInteger mountsRefused = new AtomicInteger();
    private final PruneNotes notes = new PruneNotes(this);
    private volatile boolean deletesTags = true;
    private volatile boolean deletedTag;

    TargetSession(
            ReplicationRule rule,
            ReplicationRule.Placement placement,
            HostGate sourceGate,
            RunServices services,
            ProgressListener progress) {
        this.rule = rule;
        this.placement = placement;
        this.sourceGate = sourceGate;
        this.bandwidth =
                placement.registry().isAtHand() ? Meter.NONE : services.limits().sent(rule);
        this.services = services;
        this.progress = progress;
        KnownHost host = services.hosts().target(placement.registry().place(), placement.maxConcurrentRequests());
        this.leftoverPauses = host.leftoverPauses();
        this.gate = new HostGate(
                placement.registry().name(),
                placement.maxConcurrentRequests(),
                host,
                services.retries(),
                services.limits().target(rule, placement.registry().place()),
                services.time());
    }

    String name() {
        return placement.registry().name();
    }

    /** Where it is, under whatever names rules reach it. */
    String place() {
        return placement.registry().place();
    }

    TargetRegistry registry() {
        return placement.registry();
    }

    ReplicationRule rule() {
        return rule;
    }

    HostGate gate() {
        return gate;
    }

    HostGate sourceGate() {
        return sourceGate;
    }

    CopyJournal journal() {
        return services.journal();
    }

    /** What the journal is to know of what was deleted here; for who prunes. */
    PruneNotes notes() {
        return notes;
    }

    /** Where nothing is looked at that is left over, as all runs know. */
    LeftoverPauses leftoverPauses() {
        return leftoverPauses;
    }

    SubjectLocks locks() {
        return services.locks();
    }

    RunServices services() {
        return services;
    }

    /** Bytes that may be sent. */
    Meter bandwidth() {
        return bandwidth;
    }

    boolean trims() {
        return rule.onSparseRefused() == OnSparseRefused.TRIM;
    }

    boolean verifiesDeep() {
        return rule.verify() == Verify.DEEP;
    }

    /** The name that a repository of the source gets here. */
    RepositoryName nameFor(RepositoryName source) {
        return placement.naming().apply(source);
    }

    /**
     * Whether a repository of the source gets this name here. Another target of the rule may be at the same place, and
     * the rule may have given other names before.
     */
    boolean isNamed(RepositoryName source, RepositoryName repository) {
        try {
            return nameFor(source).equals(repository);
        } catch (InvalidNameException e) {
            return false;
        }
    }

    TargetRepository repository(RepositoryName name) {
        return repositories.computeIfAbsent(
                name, key -> new TargetRepository(key, placement.registry(), gate, journal()));
    }

    /** Notes bytes that the target took. */
    void moved(long bytes) {
        gate.moved();
        progress.moved(name(), bytes);
    }

    /** Whether mounting is worth a request. */
    boolean mounts() {
        return mounted.get() > 0 || mountsRefused.get() < MOUNT_REFUSALS;
    }

    void noteMounted() {
        mounted.incrementAndGet();
    }

    void noteMountRefused() {
        mountsRefused.incrementAndGet();
    }

    /** Whether it may delete tags by their names; false once it refused that. */
    boolean deletesTags() {
        return deletesTags;
    }

    void noteTagDeleteRefused() {
        deletesTags = false;
    }

    /** Whether it has deleted a tag by its name: then one that it does not delete so is locked. */
    boolean hasDeletedTag() {
        return deletedTag;
    }

    void noteTagDeleted() {
        deletedTag = true;
    }

    /**
     * Waits until another repository of this target has a blob in a committed manifest, as long as the target makes
     * progress.
     *
     * @return whether it has; false also if nothing moved for the patience of the services
     */
    boolean awaitCommitted(RepositoryName from, Digest blob) throws IOException {
        CompletableFuture<Boolean> future = repository(from).committed(blob);
        Duration patience = services.mountPatience();
        long before = gate.progress();
        while (true) {
            try {
                return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                long now = gate.progress();
                if (now == before) {
                    return false;
                }
                before = now;
            } catch (ExecutionException e) {
                return false;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for " + from + " to have " + blob);
            }
        }
    }
}
