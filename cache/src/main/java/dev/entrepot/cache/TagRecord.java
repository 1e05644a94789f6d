package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What a tag was found to be.
 *
 * @param digest the manifest that it names
 * @param checkedAt when the upstream last said so, to the millisecond
 * @param firstSeenAt when the upstream first said so, to the millisecond
 * @param descriptor type and size of that manifest, as the upstream said them, whether it is kept or not; empty if that
 *     was not noted
 */
public record TagRecord(Digest digest, Instant checkedAt, Instant firstSeenAt, Optional<Descriptor> descriptor) {
    /** Cuts the times, and what is said of the manifest, to what the index keeps. */
    public TagRecord {
        checkedAt = checkedAt.truncatedTo(ChronoUnit.MILLIS);
        firstSeenAt = firstSeenAt.truncatedTo(ChronoUnit.MILLIS);
        if (descriptor.filter(said -> !said.digest().equals(digest)).isPresent()) {
            throw new IllegalArgumentException("a tag that names " + digest + " described as " + descriptor.get());
        }
        descriptor = descriptor.map(said -> Descriptor.of(said.mediaType(), digest, said.sizeBytes()));
    }

    /** A tag of which no more is known than what it names. */
    public TagRecord(Digest digest, Instant checkedAt, Instant firstSeenAt) {
        this(digest, checkedAt, firstSeenAt, Optional.empty());
    }
}
