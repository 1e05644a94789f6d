package dev.entrepot.proxy;

import java.util.logging.LogManager;

/** A log manager that keeps its handlers when the JVM begins to stop, so that draining can still be read about. */
public final class DrainingLogManager extends LogManager {
    /** Called by the JVM. */
    public DrainingLogManager() {}

    @Override
    public void reset() {
        // Called when the JVM stops, at the same time as everything else that happens then.
    }
}
