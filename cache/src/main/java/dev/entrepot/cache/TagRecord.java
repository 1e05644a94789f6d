package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * What a tag was found to be.
 *
 * @param digest the manifest that it names
 * @param checkedAt when the upstream last said so, to the millisecond
 * @param firstSeenAt when the upstream first said so, to the millisecond
 */
public record TagRecord(Digest digest, Instant checkedAt, Instant firstSeenAt) {
    /** Cuts the times to what the index keeps. */
    public TagRecord {
        checkedAt = checkedAt.truncatedTo(ChronoUnit.MILLIS);
        firstSeenAt = firstSeenAt.truncatedTo(ChronoUnit.MILLIS);
    }
}
