package dev.entrepot.oci;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The disk does not give a blob that is kept, or not all of it: a bad sector, say. Nothing is wrong with the upstream.
 */
public final class UnreadableBlobException extends IOException {
    /** Names the blob, its file, the offset of the first byte that could not be read, and what the system says. */
    public UnreadableBlobException(Digest digest, Path file, long position, IOException cause) {
        super(
                "blob " + digest + ", kept in " + file + ", cannot be read from byte " + position + " on: "
                        + cause.getMessage(),
                cause);
    }
}
