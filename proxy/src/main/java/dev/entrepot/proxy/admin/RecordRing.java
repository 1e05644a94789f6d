package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.RequestRecord;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** A bounded queue that any thread offers to, without a lock or a wait, and one thread polls. */
final class RecordRing {
    private final AtomicReferenceArray<@Nullable RequestRecord> slots;
    private final int mask;
    private final AtomicLong offered = new AtomicLong();
    private final AtomicLong polled = new AtomicLong();

    /**
     * An empty queue.
     *
     * @param capacity a power of two
     */
    RecordRing(int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException(capacity + " is not a power of two");
        }
        slots = new AtomicReferenceArray<>(capacity);
        mask = capacity - 1;
    }

    /** Adds a record; false if the queue is full. */
    boolean offer(RequestRecord request) {
        while (true) {
            long position = offered.get();
            if (position - polled.get() > mask) {
                return false;
            }
            if (offered.compareAndSet(position, position + 1)) {
                slots.setRelease((int) position & mask, request);
                return true;
            }
        }
    }

    /** Takes the oldest record; null if there is none yet. Called by one thread only. */
    @Nullable
    RequestRecord poll() {
        long position = polled.get();
        int slot = (int) position & mask;
        RequestRecord request = slots.getAcquire(slot);
        if (request != null) {
            slots.setRelease(slot, null);
            polled.setRelease(position + 1);
        }
        return request;
    }
}
