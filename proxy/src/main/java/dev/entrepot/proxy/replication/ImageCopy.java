package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * One image that is to be copied without a rule. For one use; closing it closes the connections that were made for it
 * alone.
 */
public final class ImageCopy implements AutoCloseable {
    private final ReplicationRunner runner;
    private final ReplicationRule rule;
    private final RepositoryName repository;
    private final ManifestReference reference;
    private final Tag tag;
    private final List<Runnable> own;

    /**
     * A copy.
     *
     * @param rule says from where and to where; its name is that of the run
     * @param own ends the use of clients, when this is closed
     */
    ImageCopy(
            ReplicationRunner runner,
            ReplicationRule rule,
            RepositoryName repository,
            ManifestReference reference,
            Tag tag,
            List<Runnable> own) {
        this.runner = runner;
        this.rule = rule;
        this.repository = repository;
        this.reference = reference;
        this.tag = tag;
        this.own = List.copyOf(own);
    }

    /** The name of the run in reports and the journal. */
    public String name() {
        return rule.name();
    }

    /** The same copy, verified in this way if one is given; it is closed instead of this. */
    ImageCopy verifying(Optional<Verify> verify) {
        return verify.isEmpty()
                ? this
                : new ImageCopy(runner, rule.verifying(verify.get()), repository, reference, tag, own);
    }

    /**
     * Copies on this thread.
     *
     * @throws RuleBusyException if the same copy is running already
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport run(ProgressListener progress) throws IOException, RuleBusyException {
        return runner.copy(rule, repository, reference, tag, progress);
    }

    @Override
    public void close() {
        own.forEach(Runnable::run);
    }
}
