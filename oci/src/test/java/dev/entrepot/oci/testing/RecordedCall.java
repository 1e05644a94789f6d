package dev.entrepot.oci.testing;

import java.util.concurrent.atomic.AtomicLong;

/**
 * One request that a server received, and how far its answer has come. Recorded when its head has arrived. Safe for all
 * threads.
 */
public final class RecordedCall {
    private final Request request;
    private final AtomicLong bytesSent = new AtomicLong();
    private volatile int status;
    private volatile boolean complete;

    RecordedCall(Request request) {
        this.request = request;
    }

    /** The request. */
    public Request request() {
        return request;
    }

    /** The status that was sent, or 0 while none was. */
    public int status() {
        return status;
    }

    /** The body bytes that were handed to the socket so far. */
    public long bytesSent() {
        return bytesSent.get();
    }

    /** Whether the answer was sent to its end. */
    public boolean complete() {
        return complete;
    }

    void started(int sentStatus) {
        status = sentStatus;
    }

    void sent(int count) {
        bytesSent.addAndGet(count);
    }

    void completed() {
        complete = true;
    }

    @Override
    public String toString() {
        return request + " -> " + status + ", " + bytesSent + " bytes" + (complete ? "" : ", not complete");
    }
}
