package dev.entrepot.proxy;

/** Something that serves the registry API until it is closed. Closing it drains. */
interface Serving extends AutoCloseable {
    /** The port of the registry API. */
    int port();

    /** The port of the admin API. */
    int adminPort();

    /**
     * Reads again what may change while it serves.
     *
     * @param cause why, for the log
     * @return whether what is in the file is in effect; false too if nothing can change
     */
    default boolean reload(String cause) {
        return false;
    }

    /** Drains and closes; a second time does no harm. */
    @Override
    void close();
}
