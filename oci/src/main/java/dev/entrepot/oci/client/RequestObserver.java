package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;

/**
 * Is told of every request that went over the wire, each redirect, token request and repetition included. Safe for all
 * threads.
 */
@FunctionalInterface
public interface RequestObserver {
    /** Tells nobody. */
    RequestObserver NONE = (registry, operation, status, took) -> {};

    /**
     * A request has been answered, or has failed. Must not block.
     *
     * @param registry the registry that the request was made for, even where it went to a host that the registry
     *     redirected to
     * @param operation what for
     * @param status the HTTP status, or empty if there was no answer
     * @param took time until the head of the answer, or until the failure
     */
    void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took);

    /**
     * A request is about to be sent, by the thread that calls this. Must not block.
     *
     * @param registry the registry that the request is made for
     * @param operation what for
     * @param method HTTP method
     * @param uri where it is sent to; its query may be a secret
     */
    default Sending sending(RegistryHost registry, Operation operation, String method, URI uri) {
        return Sending.UNFOLLOWED;
    }

    /**
     * The head of an answer with a body is there. What this returns is told of each number of bytes of that body that
     * was read, whatever the status and also where the body breaks off, by the thread that reads. Neither may block.
     *
     * @param registry the registry that the request was made for, even where it went to a host that the registry
     *     redirected to
     * @param operation what for
     */
    default LongConsumer receiving(RegistryHost registry, Operation operation) {
        return bytes -> {};
    }

    /** A request under way. */
    @FunctionalInterface
    interface Sending {
        /** One that nobody follows. */
        Sending UNFOLLOWED = status -> {};

        /** The head of the answer is there, or with an empty status: there will be none. */
        void ended(OptionalInt status);

        /**
         * What the registry itself, and nobody that it redirects to, is told of the trace that this belongs to: the
         * value of {@code traceparent}.
         */
        default Optional<String> traceparent() {
            return Optional.empty();
        }
    }
}
