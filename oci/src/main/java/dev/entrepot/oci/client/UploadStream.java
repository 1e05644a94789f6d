package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/**
 * The bytes of a blob for an upload, from an offset on. The whole blob is read and verified each time, and its last
 * bytes are handed out only when the digest is right, so that no target can commit what is not.
 */
final class UploadStream extends InputStream {
    // More than the wire's own buffer holds back, so that a request leaves with the first of them.
    private static final int AHEAD_BYTES = 16 * 1024;
    private static final byte[] NONE = new byte[0];

    private final BlobBody body;
    private final VerifyingInputStream verified;
    private final long size;
    private long seen;
    /** What was read ahead, and how much of that was handed out. */
    private byte[] ahead = NONE;

    private int taken;

    private UploadStream(Descriptor blob, BlobBody body) throws InvalidContentException {
        this.body = body;
        this.size = blob.sizeBytes();
        this.verified = new VerifyingInputStream(body.stream(), blob.digest(), OptionalLong.of(size));
    }

    /** Opens the blob and passes the bytes before {@code offset}. */
    static UploadStream open(Descriptor blob, BlobSource source, long offset) throws IOException {
        BlobBody body = source.openBlob(blob.digest(), ByteRange.ALL);
        try {
            UploadStream stream = new UploadStream(blob, body);
            stream.skipNBytes(offset);
            return stream;
        } catch (IOException | RuntimeException | Error e) {
            body.close();
            throw e;
        }
    }

    /** Waits until the bytes that come next are there, a small buffer of them, or the end of the blob. */
    void await() throws IOException {
        if (taken == ahead.length) {
            byte[] next = readNBytes(AHEAD_BYTES);
            ahead = next;
            taken = 0;
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        if (taken < ahead.length) {
            int count = Math.min(length, ahead.length - taken);
            System.arraycopy(ahead, taken, buffer, offset, count);
            taken += count;
            return count;
        }
        // Not to be kept for as long as a large blob takes.
        ahead = NONE;
        taken = 0;
        int count = verified.read(buffer, offset, length);
        if (count > 0) {
            seen += count;
            if (seen == size && verified.read() >= 0) {
                throw new InvalidContentException("blob is longer than the " + size + " bytes expected");
            }
        }
        return count;
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
