package dev.entrepot.cache;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.Pace;
import java.io.InterruptedIOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The pace of work that was begun in the background, which holds while nobody follows who has none. While a client
 * does, or somebody in the background who has no such limit, the work is theirs: it goes as fast as it can, and what
 * comes counts for nobody. It would come faster than it could be paid for, so that whoever's limit it is would be kept
 * from all else for as long as the work lasts. If it was just being held back it goes on at once. For the one thread of
 * the work; those who follow come and go on any.
 */
final class LiftablePace {
    private final Pace pace;
    private final Liftable requests;
    private final Liftable bytes;
    private final BooleanSupplier hurried;
    private int clients;
    private @Nullable Thread held;
    private @Nullable Liftable heldBy;
    private boolean interrupting;

    /**
     * As long as nobody follows who has none, this pace.
     *
     * @param hurried whether the thread of the work is interrupted in order to ask anew ({@link HurriedSource}); that
     *     is never taken for an interrupt of ours
     */
    LiftablePace(Pace pace, BooleanSupplier hurried) {
        this.hurried = hurried;
        this.requests = new Liftable(pace.requests());
        this.bytes = new Liftable(pace.bytes());
        this.pace = new Pace(requests, bytes, pace.refusals());
    }

    /** The pace of the work. */
    Pace pace() {
        return pace;
    }

    /** A client waits from now on. */
    synchronized void lift() {
        clients++;
        goOn();
    }

    /** A client that waited does so no longer. */
    synchronized void restore() {
        clients--;
    }

    /**
     * Somebody in the background follows from now on, at a pace of his own: where that has no limit, this one does not
     * hold.
     *
     * @param follower his pace; empty if he has none
     * @return to be run once when he leaves; more often does nothing
     */
    synchronized Runnable liftFor(Optional<Pace> follower) {
        boolean liftsRequests = isUnlimited(follower, Pace::requests);
        boolean liftsBytes = isUnlimited(follower, Pace::bytes);
        add(1, liftsRequests, liftsBytes);
        goOn();
        AtomicBoolean left = new AtomicBoolean();
        return () -> {
            if (left.compareAndSet(false, true)) {
                add(-1, liftsRequests, liftsBytes);
            }
        };
    }

    private static boolean isUnlimited(Optional<Pace> follower, Function<Pace, Meter> which) {
        return !follower.map(which).orElse(Meter.NONE).limitsNow();
    }

    private synchronized void add(int change, boolean toRequests, boolean toBytes) {
        requests.unlimited += toRequests ? change : 0;
        bytes.unlimited += toBytes ? change : 0;
    }

    /** Whether bytes are held back now as others of the same limit are. */
    synchronized boolean holdsBytes() {
        return bytes.account() != Meter.NONE;
    }

    /** Whether the thread of the work is being held back just now. */
    synchronized boolean isHolding() {
        return held != null;
    }

    private void goOn() {
        Thread waiting = held;
        if (waiting != null && heldBy != null && isUp(heldBy) && !interrupting) {
            interrupting = true;
            waiting.interrupt();
        }
    }

    private boolean isUp(Liftable meter) {
        return clients + meter.unlimited > 0;
    }

    private synchronized boolean hold(Liftable meter) {
        if (isUp(meter)) {
            return false;
        }
        held = Thread.currentThread();
        heldBy = meter;
        return true;
    }

    private synchronized boolean isLifted() {
        return interrupting;
    }

    // Outside of this, the thread reads an answer, which is not to be broken off.
    private synchronized void release() {
        held = null;
        heldBy = null;
        if (interrupting) {
            interrupting = false;
            Thread.interrupted();
            if (hurried.getAsBoolean()) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized boolean counts(Liftable meter) {
        return !isUp(meter);
    }

    private final class Liftable implements Meter {
        private final Meter meter;
        /** How many follow in the background who have no limit of this kind. */
        private int unlimited;

        Liftable(Meter meter) {
            this.meter = meter;
        }

        private interface Wait {
            void end() throws InterruptedIOException;
        }

        @Override
        public void take(long units) throws InterruptedIOException {
            if (!waited(() -> meter.take(units))) {
                count(units);
            }
        }

        @Override
        public void settle() throws InterruptedIOException {
            waited(meter::settle);
        }

        // False if it does not hold, or no longer does.
        private boolean waited(Wait wait) throws InterruptedIOException {
            if (!hold(this)) {
                return false;
            }
            try {
                wait.end();
                return true;
            } catch (InterruptedIOException e) {
                if (!isLifted() || hurried.getAsBoolean()) {
                    throw e;
                }
                return false;
            } finally {
                release();
            }
        }

        @Override
        public void count(long units) {
            if (counts(this)) {
                meter.count(units);
            }
        }

        @Override
        public boolean limitsNow() {
            return account() != Meter.NONE && meter.limitsNow();
        }

        @Override
        public Meter account() {
            synchronized (LiftablePace.this) {
                return isUp(this) ? Meter.NONE : meter.account();
            }
        }
    }
}
