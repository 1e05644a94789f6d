package dev.entrepot.replicator.graph;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.Semaphore;

/**
 * At most so many requests at once. A permit is held for one request, never while waiting for other tasks. Safe for all
 * threads.
 */
public final class RequestLimit {
    private final Semaphore permits;

    /** With so many permits, at least 1. */
    public RequestLimit(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("a request limit of " + permits + " lets nothing through");
        }
        this.permits = new Semaphore(permits, true);
    }

    /** One request, as a task that may fail. */
    @FunctionalInterface
    public interface Request<T> {
        /**
         * Makes the request.
         *
         * @throws IOException if there was no result
         */
        T send() throws IOException;
    }

    /**
     * Makes one request when there is room for it.
     *
     * @throws IOException as the request does
     * @throws InterruptedIOException if interrupted while waiting for room
     */
    public <T> T send(Request<T> request) throws IOException {
        try {
            permits.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to send a request");
        }
        try {
            return request.send();
        } finally {
            permits.release();
        }
    }
}
