package dev.entrepot.oci.client;

/** How urgent the requests of a repository view are. */
public enum Priority {
    /** Somebody waits for the answer: goes first, and is told at once when the registry is over its limits. */
    INTERACTIVE,
    /**
     * Nobody waits: leaves slots to interactive requests, adapts its concurrency to the registry, and honours
     * {@code Retry-After}.
     */
    BACKGROUND
}
