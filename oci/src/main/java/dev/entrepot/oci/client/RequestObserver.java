package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.time.Duration;
import java.util.OptionalInt;

/** Is told of every request that went over the wire, each redirect, token request and repetition included. Safe for all threads. */
@FunctionalInterface
public interface RequestObserver {
    /** Tells nobody. */
    RequestObserver NONE = (registry, operation, status, took) -> {};

    /**
     * A request has been answered, or has failed. Must not block.
     *
     * @param registry the registry that the request was made for, even where it went to a host that the registry redirected to
     * @param operation what for
     * @param status the HTTP status, or empty if there was no answer
     * @param took time until the head of the answer, or until the failure
     */
    void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took);
}
