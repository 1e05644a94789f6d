package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ReplicationReport;

/** Is told of each run that has ended with a report. Returns quickly and throws nothing. */
@FunctionalInterface
interface RunListener {
    /** A run has ended. */
    void ended(ReplicationReport report);
}
