package dev.entrepot.proxy.replication;

import dev.entrepot.replicator.ReplicationReport;

/** Is told of each run that has ended. Returns quickly and throws nothing. */
@FunctionalInterface
interface RunListener {
    /** A run has ended with a report. */
    void ended(ReplicationReport report);

    /** A run of a rule has ended without one: it could not be made at all. The log says why. */
    default void failed(String rule) {}
}
