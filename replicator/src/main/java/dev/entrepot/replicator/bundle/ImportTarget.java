package dev.entrepot.replicator.bundle;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.replicator.TargetRegistry;

/**
 * Where a bundle is imported to.
 *
 * @param registry the registry or layout
 * @param maxConcurrentRequests requests at one time, at least 1
 * @param onSparseRefused what to do where it refuses an index without some of its platforms
 * @param verify whether what it has is believed by name and size, or read
 */
public record ImportTarget(
        TargetRegistry registry, int maxConcurrentRequests, OnSparseRefused onSparseRefused, Verify verify) {
    /** One of which names and sizes are believed. */
    public ImportTarget(TargetRegistry registry, int maxConcurrentRequests, OnSparseRefused onSparseRefused) {
        this(registry, maxConcurrentRequests, onSparseRefused, Verify.HEAD);
    }

    /** The same, verified so. */
    public ImportTarget verified(Verify other) {
        return new ImportTarget(registry, maxConcurrentRequests, onSparseRefused, other);
    }

    /** One that has to take what the bundle has. */
    public ImportTarget(TargetRegistry registry, int maxConcurrentRequests) {
        this(registry, maxConcurrentRequests, OnSparseRefused.FAIL);
    }
}
