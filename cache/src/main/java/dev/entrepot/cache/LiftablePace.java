package dev.entrepot.cache;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.Pace;
import java.io.InterruptedIOException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The pace of a fetch that was begun in the background, which holds while no client waits for it. While one does, the fetch is that client's: it runs as fast as it can, what comes counts for nobody, and if
 * it was just being held back it goes on at once. For the one thread of the fetch; clients come and go on any.
 */
final class LiftablePace {
    private final Pace pace;
    private final BooleanSupplier hurried;
    private int clients;
    private @Nullable Thread held;
    private boolean interrupting;

    /**
     * As long as nobody waits, this pace.
     *
     * @param hurried whether the thread of the fetch is interrupted in order to ask anew as a client ({@link HurriedSource}); that is never taken for an interrupt of ours
     */
    LiftablePace(Pace pace, BooleanSupplier hurried) {
        this.hurried = hurried;
        this.pace = new Pace(new Liftable(pace.requests()), new Liftable(pace.bytes()));
    }

    /** The pace of the fetch. */
    Pace pace() {
        return pace;
    }

    /** A client waits from now on. */
    synchronized void lift() {
        clients++;
        Thread waiting = held;
        if (waiting != null && !interrupting) {
            interrupting = true;
            waiting.interrupt();
        }
    }

    /** A client that waited does so no longer. */
    synchronized void restore() {
        clients--;
    }

    private synchronized boolean hold() {
        if (clients > 0) {
            return false;
        }
        held = Thread.currentThread();
        return true;
    }

    private synchronized boolean isLifted() {
        return interrupting;
    }

    // Outside of this, the thread reads an answer, which is not to be broken off.
    private synchronized void release() {
        held = null;
        if (interrupting) {
            interrupting = false;
            Thread.interrupted();
            if (hurried.getAsBoolean()) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized boolean counts() {
        return clients == 0;
    }

    private final class Liftable implements Meter {
        private final Meter meter;

        Liftable(Meter meter) {
            this.meter = meter;
        }

        @Override
        public void take(long units) throws InterruptedIOException {
            if (!hold()) {
                return;
            }
            try {
                meter.take(units);
            } catch (InterruptedIOException e) {
                if (!isLifted() || hurried.getAsBoolean()) {
                    throw e;
                }
            } finally {
                release();
            }
        }

        @Override
        public void count(long units) {
            if (counts()) {
                meter.count(units);
            }
        }
    }
}
