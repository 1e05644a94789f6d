package dev.entrepot.proxy.http;

/** Is told of requests. Implementations are safe for all threads, never block and never throw. */
public interface RequestObserver {
    /** A request was read. */
    default void started() {}

    /** A request that had started ended. */
    void finished(RequestRecord request);

    /** A request could not even be read: it is not HTTP, too large or too old. */
    default void unreadable(int status) {}
}
