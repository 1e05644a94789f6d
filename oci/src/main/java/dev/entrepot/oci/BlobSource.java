package dev.entrepot.oci;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** A place that blobs are read from (distribution-spec, "Pulling blobs"). Implementations are safe for all threads. */
public interface BlobSource {
    /**
     * Asks whether the blob is there.
     *
     * @return the size in bytes if the blob is there and its size is stated; an empty {@code OptionalLong} if it is
     *     there without a size; an empty {@code Optional} if the source answered that it does not have it
     * @throws RegistryException if the source gave no such answer
     */
    Optional<OptionalLong> statBlob(Digest digest) throws IOException;

    /**
     * Opens the blob. The caller closes the body.
     *
     * @param range the bytes wanted; a source that ignores ranges answers from 0, see {@link BlobBody#offset()}
     * @throws NotFoundException if the source answered that it does not have it
     * @throws RegistryException if the source gave no such answer
     */
    BlobBody openBlob(Digest digest, ByteRange range) throws IOException;

    /**
     * As above, of a blob whose size is known from elsewhere, a manifest say: by it a source is understood that sends
     * bodies encoded unasked. It is a hint; the digest decides.
     *
     * @param knownBytes the size of the whole blob
     */
    default BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        return openBlob(digest, range);
    }

    /** Whether it is known now that a part of a blob costs all that comes before it, too. */
    default boolean ignoresRanges() {
        return false;
    }

    /**
     * Tells the source that what {@link #openBlob} gave turned out not to be the blob, so that one that can goes
     * elsewhere for it.
     */
    default void refuted(Digest digest) {}
}
