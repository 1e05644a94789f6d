package dev.entrepot.proxy.http;

import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Follows requests of clients to what they lead to. Safe for all threads, never blocks and never throws of itself. */
public interface RequestTracing {
    /**
     * A request was read.
     *
     * @param method the method, as sent
     * @param traceparent the header of that name, as sent, if there is one
     */
    Followed begin(String method, Optional<String> traceparent);

    /** A request under way. */
    interface Followed {
        /** Does what is done because of it, and gives what that gives. */
        boolean during(BooleanSupplier work);

        /** It has ended. */
        void ended(RequestRecord request);
    }
}
