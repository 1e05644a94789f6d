package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Cause;
import java.util.Optional;

/** Follows runs of rules. Safe for all threads. */
@FunctionalInterface
public interface RunTracing {
    /** Follows none. */
    RunTracing OFF = name -> Optional.empty();

    /** A run begins, for nothing but itself; empty if nobody follows it. */
    Optional<Cause.Work> begin(String name);
}
