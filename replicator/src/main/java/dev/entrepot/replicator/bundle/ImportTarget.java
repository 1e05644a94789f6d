package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.TargetRegistry;

/**
 * Where a bundle is imported to.
 *
 * @param registry the registry or layout
 * @param maxConcurrentRequests requests at one time, at least 1
 */
public record ImportTarget(TargetRegistry registry, int maxConcurrentRequests) {}
