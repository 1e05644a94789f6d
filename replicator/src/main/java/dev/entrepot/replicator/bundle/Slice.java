package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Consecutive bytes of a file.
 *
 * @param file the file, opened anew by each reader
 * @param offset where they begin
 * @param bytes how many they are
 */
public record Slice(Path file, long offset, long bytes) {
    /**
     * The bytes from an offset on; the caller closes the stream. A file that has become shorter is the end of the
     * stream.
     *
     * @param from offset in the slice, at most its size
     * @throws UnreadableException if the file cannot be opened; reading throws it, too
     */
    InputStream open(long from) throws IOException {
        return new SliceInput(file, UnreadableException.reading(file, this::channel), offset + from, offset + bytes);
    }

    /**
     * The file, for reading at positions; the caller closes it.
     *
     * @throws IOException if it cannot be opened, or is a link
     */
    public FileChannel channel() throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * All bytes, of which there may not be more than a caller can bear.
     *
     * @throws UnreadableException if the file cannot be read or is too short
     */
    byte[] read() throws IOException {
        try (InputStream in = open(0)) {
            byte[] all = in.readNBytes(Math.toIntExact(bytes));
            if (all.length < bytes) {
                throw new UnreadableException(file, new IOException("it ends at " + (offset + all.length) + " bytes"));
            }
            return all;
        }
    }

    /** Reads at positions of its own, so that the channel's is left alone. */
    private static final class SliceInput extends InputStream {
        private final Path file;
        private final FileChannel channel;
        private final long end;
        private long position;

        SliceInput(Path file, FileChannel channel, long position, long end) {
            this.file = file;
            this.channel = channel;
            this.position = position;
            this.end = end;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            int wanted = (int) Math.min(length, end - position);
            int count = wanted == 0
                    ? -1
                    : UnreadableException.reading(
                            file, () -> channel.read(ByteBuffer.wrap(buffer, offset, wanted), position));
            position += Math.max(0, count);
            return count;
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
