package dev.entrepot.oci;

import java.util.Optional;

/**
 * What the work of a thread is done for. It holds for the time of a call, by a scoped value, and reaches another thread
 * only where it is handed on: who starts a thread in the middle of work that may be followed wraps the task by
 * {@link #handedOn}. Where nobody follows anything there is never a cause, and nothing is allocated.
 */
public final class Causes {
    private static final ScopedValue<Cause> CURRENT = ScopedValue.newInstance();

    private Causes() {}

    /** What this thread works for; empty where nobody follows it. */
    public static Optional<Cause> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /**
     * Does something for a cause.
     *
     * @throws X what it throws
     */
    public static <T, X extends Throwable> T call(Cause cause, ScopedValue.CallableOp<? extends T, X> work) throws X {
        return ScopedValue.where(CURRENT, cause).call(work);
    }

    /** The task, for whatever thread runs it, on behalf of what this thread works for now, and at its {@link Pace}. */
    public static Runnable handedOn(Runnable task) {
        Runnable paced = Pace.handedOn(task);
        if (!CURRENT.isBound()) {
            return paced;
        }
        Cause cause = CURRENT.get();
        return () -> ScopedValue.where(CURRENT, cause).run(paced);
    }
}
