package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The parts of one upload, cut from one pass over the blob, so that a blob of many parts is read once and verified as a
 * whole. It is opened anew only where a part does not begin at the end of the one before. A part is open when its first
 * bytes are there. For one thread.
 */
final class UploadParts implements AutoCloseable {
    private final Descriptor blob;
    private final BlobSource content;
    private @Nullable UploadStream stream;
    private long position;
    private byte @Nullable [] kept;

    UploadParts(Descriptor blob, BlobSource content) {
        this.blob = blob;
        this.content = content;
    }

    /** The bytes from {@code offset} on, so many. */
    RequestBody part(long offset, long length) {
        byte[] whole = kept;
        if (whole != null) {
            boolean all = offset == 0 && length == whole.length;
            byte[] part =
                    all ? whole : Arrays.copyOfRange(whole, Math.toIntExact(offset), Math.toIntExact(offset + length));
            return new RequestBody.Bytes(part, MediaType.OCTET_STREAM);
        }
        return new RequestBody.Stream(() -> open(offset, length), length, MediaType.OCTET_STREAM);
    }

    /** Waits until the first bytes from {@code offset} on are there. They are kept for the part that begins there. */
    void await(long offset) throws IOException {
        if (kept == null) {
            at(offset);
        }
    }

    /**
     * Reads the whole blob, which is small, and verifies it. All parts are cut from that from now on, so that what is
     * sent twice is read once.
     */
    void keep() throws IOException {
        try (InputStream in = open(0, blob.sizeBytes())) {
            kept = in.readAllBytes();
        } finally {
            close();
        }
    }

    /** How much of the blob has been read from its start: what it costs to be there again once it was closed. */
    long positionBytes() {
        return position;
    }

    private InputStream open(long offset, long length) throws IOException {
        return new Part(at(offset), length);
    }

    private UploadStream at(long offset) throws IOException {
        UploadStream open = stream;
        if (open == null || position != offset) {
            close();
            open = UploadStream.open(blob, content, offset);
            stream = open;
            position = offset;
        }
        try {
            open.await();
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
        return open;
    }

    @Override
    public void close() throws IOException {
        UploadStream open = stream;
        stream = null;
        if (open != null) {
            open.close();
        }
    }

    /** Leaves the blob open for the part that follows. */
    private final class Part extends InputStream {
        private final UploadStream in;
        private final long length;
        private long left;

        Part(UploadStream in, long length) {
            this.in = in;
            this.length = length;
            this.left = length;
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
            if (left == 0 && position < blob.sizeBytes()) {
                return -1;
            }
            // At the end of the blob it is for the verifier to say that this is the end.
            int count = in.read(buffer, offset, (int) Math.min(length, Math.max(1, left)));
            if (count > 0) {
                left -= count;
                position += count;
            }
            return count;
        }

        // What was broken off goes on elsewhere, and perhaps not soon. What was not begun, as where there was no
        // connection to be had, is begun again in seconds, or never.
        @Override
        public void close() throws IOException {
            if (left > 0 && left < length) {
                UploadParts.this.close();
            }
        }
    }
}
