package dev.entrepot.cache;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * An answer of an upstream that is kept for a while: a referrers list or a tag list.
 *
 * @param json the document, not a copy: neither side writes to the array
 * @param fetchedAt when the upstream gave it, to the millisecond
 */
public record KeptDocument(byte[] json, Instant fetchedAt) {
    /** Cuts the time to what the index keeps. */
    public KeptDocument {
        fetchedAt = fetchedAt.truncatedTo(ChronoUnit.MILLIS);
    }
}
