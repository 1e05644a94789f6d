package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.List;

/** Finds the digests of the parts of a blob by reading it. */
@FunctionalInterface
public interface PartReader {
    /**
     * The SHA-256 digests of the parts.
     *
     * @param blob the blob, all of which is verified
     * @param sizes the sizes of the parts in bytes, in order; they add up to the blob's
     * @throws IOException if it cannot be read or is not what its digest says
     */
    List<Digest> digests(Digest blob, List<Long> sizes) throws IOException;
}
