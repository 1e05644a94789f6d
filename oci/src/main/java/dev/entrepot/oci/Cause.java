package dev.entrepot.oci;

import java.util.Map;
import java.util.Optional;

/**
 * What work is done for, where somebody follows what leads to what. Whoever does the work need not know who that is.
 * Implementations are safe for all threads, never block and never throw.
 */
public interface Cause {
    /** Names the whole that it belongs to, in logs. */
    String traceId();

    /**
     * Begins a piece of work of its own because of this; it may outlast what it is begun for.
     *
     * @param name what kind of work, of which there are few
     * @param facts what is known of it, by the names of attributes; no secrets
     */
    Work begin(String name, Map<String, String> facts);

    /** This waits for work that was begun for another cause. */
    void joins(Cause other);

    /** A piece of work under way. */
    interface Work {
        /** What is done within it is done for this. */
        Cause cause();

        /**
         * It has ended.
         *
         * @param failure why without success, in a word or two that are the same for many failures; empty if it
         *     succeeded
         */
        void ended(Optional<String> failure);
    }
}
