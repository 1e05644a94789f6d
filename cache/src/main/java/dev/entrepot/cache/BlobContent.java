package dev.entrepot.cache;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The bytes of one blob for one client: from the store, from a fetch in flight, or from the upstream ahead of that fetch. Used by one
 * thread at a time; holds no buffer of its own. Closing it never ends a fetch that others may want.
 */
public interface BlobContent extends AutoCloseable {
    /** The size of the whole blob in bytes; empty only while an upstream that does not state it is still sending. */
    OptionalLong totalBytes();

    /**
     * Reads at a position, waiting until bytes are there. The last bytes of a blob in flight come only after its digest was found right.
     *
     * @param position offset in the blob, at least 0
     * @return the number of bytes read, at least 1, or -1 at the end of the blob
     * @throws dev.entrepot.oci.RegistryException if the fetch failed or what came is not the blob; nothing more can be read then
     * @throws IOException if the local disk failed
     */
    int read(long position, byte[] buffer, int offset, int length) throws IOException;

    /**
     * The file that holds the whole blob, for sending it without copying; empty where there is none, or where its bytes may not all be sent yet.
     * Whoever takes it reads at positions, does not move its own position, and does not close it: it ends with this content.
     */
    default Optional<FileChannel> channel() {
        return Optional.empty();
    }

    @Override
    void close();
}
