package dev.entrepot.proxy.http;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Cuts connections whose client takes nothing: a write that does not return within the limit is interrupted, which
 * closes its socket. Only the time spent in one write of at most 64 KiB counts, never the time spent waiting for an
 * upstream. An interrupt is delivered during a write or not at all, so that it never hits a read of a file that others
 * share. Safe for all threads.
 */
public final class StallWatchdog {
    private final long limitNanos;
    private final LongSupplier nanoClock;
    /** By the thread of a connection, which sends one answer at a time until the connection ends. */
    private final Map<Thread, Transfer> transfers = new ConcurrentHashMap<>();

    /**
     * A watchdog.
     *
     * @param limit how long a write may take
     * @param nanoClock a clock for durations
     */
    public StallWatchdog(Duration limit, LongSupplier nanoClock) {
        this.limitNanos = limit.toNanos();
        this.nanoClock = nanoClock;
    }

    /** The writes of this thread, for one answer from now on. */
    public Transfer watch() {
        Thread writer = Thread.currentThread();
        Transfer transfer = transfers.get(writer);
        if (transfer == null) {
            transfer = new Transfer(writer);
            transfers.put(writer, transfer);
        }
        transfer.begin();
        return transfer;
    }

    /**
     * Interrupts the writes that have taken too long, and forgets threads that have ended; called about once a second.
     */
    public void check() {
        long now = nanoClock.getAsLong();
        transfers.forEach((writer, transfer) -> {
            if (writer.isAlive()) {
                transfer.interruptIfStalled(now);
            } else {
                transfers.remove(writer);
            }
        });
    }

    /** The writes of one answer. */
    public final class Transfer {
        private static final long IDLE = 0;
        private static final long INTERRUPTING = 1;
        private static final long INTERRUPTED = 2;

        private final Thread writer;
        /** One of the constants, or the time at which the current write began. */
        private final AtomicLong state = new AtomicLong(IDLE);

        private Transfer(Thread writer) {
            this.writer = writer;
        }

        // Whatever the last write of the answer before came to, wrote() has seen it.
        private void begin() {
            state.set(IDLE);
        }

        /** A write begins. */
        public void writing() {
            long now = nanoClock.getAsLong();
            state.set(now >= IDLE && now <= INTERRUPTED ? INTERRUPTED + 1 : now);
        }

        /**
         * The write that began has returned or thrown.
         *
         * @return whether it was interrupted because the client had stalled; the interrupt status is then cleared
         */
        public boolean wrote() {
            long began = state.get();
            if (began != INTERRUPTING && began != INTERRUPTED && state.compareAndSet(began, IDLE)) {
                return false;
            }
            while (state.get() != INTERRUPTED) {
                Thread.onSpinWait();
            }
            Thread.interrupted();
            return true;
        }

        private void interruptIfStalled(long now) {
            long began = state.get();
            boolean writing = began != IDLE && began != INTERRUPTING && began != INTERRUPTED;
            if (writing && now - began > limitNanos && state.compareAndSet(began, INTERRUPTING)) {
                writer.interrupt();
                state.set(INTERRUPTED);
            }
        }
    }
}
