package dev.entrepot.cache;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;

/**
 * A stored blob, open for reading. It stays readable when the blob is evicted meanwhile: the name goes, the open file
 * does not. Used by one thread at a time.
 *
 * <p>Each has a file descriptor of its own, so that an interrupt, which closes it, harms nobody else.
 */
final class BlobFile implements Closeable {
    private final RandomAccessFile file;
    private final long sizeBytes;
    private long filePosition;

    /** Takes over an open file of so many bytes, which is closed with this one. */
    BlobFile(RandomAccessFile file, long sizeBytes) {
        this.file = file;
        this.sizeBytes = sizeBytes;
    }

    /** The length of the blob. */
    long sizeBytes() {
        return sizeBytes;
    }

    /**
     * Reads at a position; in sequence this costs one system call.
     *
     * @return the number of bytes read, at least 1 unless {@code length} is 0, or -1 at the end
     */
    int read(long position, byte[] buffer, int offset, int length) throws IOException {
        if (position >= sizeBytes) {
            return -1;
        }
        if (position != filePosition) {
            file.seek(position);
            filePosition = position;
        }
        int count = file.read(buffer, offset, length);
        if (count > 0) {
            filePosition += count;
        }
        return count;
    }

    /** Whether nobody has closed it. */
    boolean isOpen() {
        return file.getChannel().isOpen();
    }

    /** The file, for reads at positions; closed with this. */
    FileChannel channel() {
        return file.getChannel();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
