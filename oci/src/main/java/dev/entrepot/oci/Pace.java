package dev.entrepot.oci;

import java.time.Duration;
import java.util.Optional;

/**
 * At what pace the background may use the wire. It holds for the time of a call, by a scoped value, and reaches another
 * thread only where it is handed on, as {@link Causes} do. Whoever puts requests on the wire keeps to it
 * ({@code PacedExchange}), so that what is answered from a cache costs nothing. What somebody waits for is never held
 * back.
 *
 * @param requests requests that are sent, each redirect and repetition included
 * @param bytes bytes of bodies of answers
 * @param refusals is told where a registry asks for fewer requests, before the one that was refused is perhaps repeated
 */
public record Pace(Meter requests, Meter bytes, Refusals refusals) {
    /** None. */
    public static final Pace FREE = new Pace(Meter.NONE, Meter.NONE);

    private static final ScopedValue<Pace> CURRENT = ScopedValue.newInstance();

    /** Hears of refusals. */
    @FunctionalInterface
    public interface Refusals {
        /** Nobody hears. */
        Refusals UNHEARD = (status, retryAfter) -> {};

        /**
         * A registry, or where it redirected to, answered 429 or 503. Must not block.
         *
         * @param status which of the two
         * @param retryAfter how long it asks to be left alone, where it said so
         */
        void refused(int status, Optional<Duration> retryAfter);
    }

    /** One that nobody hears of. */
    public Pace(Meter requests, Meter bytes) {
        this(requests, bytes, Refusals.UNHEARD);
    }

    /** The same, of which somebody hears. */
    public Pace heardBy(Refusals newRefusals) {
        return new Pace(requests, bytes, newRefusals);
    }

    /** Whose bandwidth this thread uses; empty where there is no limit to it. */
    public static Optional<Meter> currentAccount() {
        return current().map(pace -> pace.bytes().account()).filter(account -> account != Meter.NONE);
    }

    /** The pace of what this thread works for; empty where there is none. */
    public static Optional<Pace> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /**
     * Does something at this pace.
     *
     * @throws X what it throws
     */
    public <T, X extends Throwable> T call(ScopedValue.CallableOp<? extends T, X> work) throws X {
        return ScopedValue.where(CURRENT, this).call(work);
    }

    /** The task, for whatever thread runs it, at the pace of this one. */
    static Runnable handedOn(Runnable task) {
        if (!CURRENT.isBound()) {
            return task;
        }
        Pace pace = CURRENT.get();
        return () -> ScopedValue.where(CURRENT, pace).run(task);
    }
}
