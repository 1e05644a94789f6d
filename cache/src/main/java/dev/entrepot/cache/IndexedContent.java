package dev.entrepot.cache;

import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What the index knows of a piece of content on the disk.
 *
 * @param kind what it is stored as
 * @param bytes its length
 * @param mediaType for a manifest, its type as the upstream stated it
 * @param lastUsed when it was last served or stored, to the millisecond
 * @param owner the repository that it was fetched for, if that is known; a row that names none leaves what was known
 */
record IndexedContent(
        ContentKind kind, long bytes, Optional<MediaType> mediaType, Instant lastUsed, Optional<Repository> owner) {
    /** Content whose owner is not known, or stays as it was. */
    IndexedContent(ContentKind kind, long bytes, Optional<MediaType> mediaType, Instant lastUsed) {
        this(kind, bytes, mediaType, lastUsed, Optional.empty());
    }

    /** Validates the length and cuts the time to what the index keeps. */
    IndexedContent {
        if (bytes < 0) {
            throw new IllegalArgumentException("content of " + bytes + " bytes");
        }
        lastUsed = lastUsed.truncatedTo(ChronoUnit.MILLIS);
    }

    /** The same, used then if it was not used later. */
    IndexedContent usedAt(Instant at) {
        return at.isAfter(lastUsed) ? new IndexedContent(kind, bytes, mediaType, at, owner) : this;
    }
}
