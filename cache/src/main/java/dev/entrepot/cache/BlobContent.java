package dev.entrepot.cache;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The bytes of one blob for one client: from the store, from a fetch in flight, or from the upstream ahead of that
 * fetch. Used by one thread at a time; holds no buffer of its own. Closing it never ends a fetch that others may want.
 */
public interface BlobContent extends AutoCloseable {
    /** The size of the whole blob in bytes; empty only while an upstream that does not state it is still sending. */
    OptionalLong totalBytes();

    /**
     * Reads at a position, waiting until bytes are there. Who reads a blob in flight from its beginning gets the last
     * bytes only after the digest was found right; what is read far ahead of the fetch comes straight from the
     * upstream, and nobody can verify a piece.
     *
     * @param position offset in the blob, at least 0
     * @return the number of bytes read, at least 1, or -1 at the end of the blob
     * @throws dev.entrepot.oci.RegistryException if the fetch failed or what came is not the blob; nothing more can be
     *     read then
     * @throws IOException if the local disk failed
     */
    int read(long position, byte[] buffer, int offset, int length) throws IOException;

    /**
     * A file that holds the blob from its beginning up to an offset, for sending it without copying.
     *
     * @param file the file
     * @param startBytes where in the file the blob begins
     * @param endBytes the offset in the blob up to which it is there
     */
    record Stored(FileChannel file, long startBytes, long endBytes) {
        /** A file that begins with the blob. */
        public Stored(FileChannel file, long endBytes) {
            this(file, 0, endBytes);
        }
    }

    /**
     * The file that the byte at {@code position} lies in, if there is one now and the byte may be read already. Never
     * waits. Whoever takes it reads at positions of the blob before {@code endBytes}, does not move the file's own
     * position, and does not close it: it ends with this content.
     *
     * @param position offset in the blob, at least 0
     * @throws IOException as for {@link #read}
     */
    default Optional<Stored> stored(long position) throws IOException {
        return Optional.empty();
    }

    @Override
    void close();
}
