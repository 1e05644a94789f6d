package dev.entrepot.replicator.graph;

import java.io.IOException;

/** A function that asks something of a registry or a disk. */
@FunctionalInterface
public interface IoFunction<A, B> {
    /**
     * Asks.
     *
     * @throws IOException if there was no result
     */
    B apply(A argument) throws IOException;
}
