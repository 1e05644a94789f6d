package dev.entrepot.oci;

import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/**
 * An open body of a blob. Not safe for several threads at once, except that any thread may {@link #close()} it to end a
 * read that blocks. The bytes are not verified: whoever has all of them wraps the stream in a
 * {@link VerifyingInputStream}.
 */
public interface BlobBody extends AutoCloseable {
    /**
     * The bytes, from {@link #offset()}. Reading throws {@link RegistryException} for remote faults; ends early never
     * silently when the length is known.
     */
    InputStream stream();

    /**
     * The offset in the blob of the first byte of the stream: 0 where the server ignored the range that was asked for.
     */
    long offset();

    /** The size of the whole blob in bytes, where the server stated it. */
    OptionalLong totalBytes();

    /** Whether a part of the same bytes can be asked for when this breaks off. What came encoded begins anew. */
    default boolean isResumable() {
        return true;
    }

    /** Whether the bytes were in a cache of this program already, here or at a server of it. */
    default boolean isFromCache() {
        return false;
    }

    /** Ends the transfer at once, without reading what remains. Harmless when repeated. */
    @Override
    void close() throws IOException;
}
