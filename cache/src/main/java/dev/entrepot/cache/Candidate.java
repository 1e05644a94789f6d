package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.time.Instant;

/**
 * Content that may be evicted.
 *
 * @param digest the content
 * @param kind what it is stored as
 * @param bytes its length
 * @param lastUsed when it was last served or stored
 */
record Candidate(Digest digest, ContentKind kind, long bytes, Instant lastUsed) {}
