package dev.entrepot.replicator.bundle;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.replicator.TargetRegistry;

/**
 * Where a bundle is imported to.
 *
 * @param registry the registry or layout
 * @param maxConcurrentRequests requests at one time, at least 1
 * @param onSparseRefused what to do where it refuses an index without some of its platforms
 */
public record ImportTarget(TargetRegistry registry, int maxConcurrentRequests, OnSparseRefused onSparseRefused) {
    /** One that has to take what the bundle has. */
    public ImportTarget(TargetRegistry registry, int maxConcurrentRequests) {
        this(registry, maxConcurrentRequests, OnSparseRefused.FAIL);
    }
}
