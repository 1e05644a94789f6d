package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Moves the content of one file after the other into a channel, and compares what is in a channel with what should be.
 * One buffer; for one thread.
 */
final class EntryCopy {
    private static final int BUFFER_BYTES = 256 * 1024;
    // The source has been patient with each request; this is for bodies that break.
    private static final int ATTEMPTS = 4;

    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final LongConsumer moved;

    /**
     * Tells {@code moved} of bytes; of those that have to be moved again, it is told again with a negative number
     * before.
     */
    EntryCopy(LongConsumer moved) {
        this.moved = moved;
    }

    /**
     * Writes the content of an entry from the channel's position on. A body that breaks is read again from its start.
     */
    void write(VolumeEntry entry, VolumeContent content, FileChannel out) throws IOException {
        long start = out.position();
        for (int attempt = 1; ; attempt++) {
            try (InputStream in = content.open(entry)) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    put(out, ByteBuffer.wrap(buffer, 0, count));
                    moved.accept(count);
                }
                return;
            } catch (OutageException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                moved.accept(start - out.position());
                out.truncate(start);
                out.position(start);
            }
        }
    }

    static void put(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** Whether the channel has the content of the entry at its position, which is moved behind it. */
    boolean matches(VolumeEntry entry, FileChannel in) throws IOException {
        return switch (entry.content()) {
            case VolumeEntry.Content.Constant constant -> matches(constant.bytes(), in);
            case VolumeEntry.Content.Manifest manifest -> matches(manifest.digest(), entry.sizeBytes(), in);
            case VolumeEntry.Content.Blob blob -> matches(blob.digest(), entry.sizeBytes(), in);
            case VolumeEntry.Content.Part part -> matches(part.digest(), entry.sizeBytes(), in);
            case VolumeEntry.Content.Fallback fallback -> matches(fallback.digest(), entry.sizeBytes(), in);
        };
    }

    /** Whether the channel has these bytes at its position, which is moved behind them. */
    boolean matches(byte[] bytes, FileChannel in) throws IOException {
        int at = 0;
        while (at < bytes.length) {
            int count = read(in, bytes.length - at);
            if (count < 0 || !Arrays.equals(buffer, 0, count, bytes, at, at + count)) {
                return false;
            }
            at += count;
        }
        return true;
    }

    private boolean matches(Digest digest, long sizeBytes, FileChannel in) throws IOException {
        MessageDigest hasher = digest.algorithm().newMessageDigest();
        long rest = sizeBytes;
        while (rest > 0) {
            int count = read(in, rest);
            if (count < 0) {
                return false;
            }
            hasher.update(buffer, 0, count);
            moved.accept(count);
            rest -= count;
        }
        return Digest.of(digest.algorithm(), hasher).equals(digest);
    }

    private int read(FileChannel in, long atMost) throws IOException {
        return in.read(ByteBuffer.wrap(buffer, 0, (int) Math.min(buffer.length, atMost)));
    }
}
