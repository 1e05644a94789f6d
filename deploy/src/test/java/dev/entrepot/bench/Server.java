package dev.entrepot.bench;

import java.io.Closeable;

/**
 * A running server and where it serves the repository of the benchmarks.
 *
 * @param place where
 * @param process what runs
 */
record Server(Place place, ServerProcess process) implements Closeable {
    /** The name in the report. */
    String name() {
        return place.name();
    }

    @Override
    public void close() {
        process.close();
    }
}
