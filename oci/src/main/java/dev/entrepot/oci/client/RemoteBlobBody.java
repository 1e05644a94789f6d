package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A blob on its way. Its stream ends exactly after the stated number of bytes, or throws; of what was unpacked no
 * number is stated.
 */
final class RemoteBlobBody implements BlobBody {
    // What a server of this program says of where an answer is from.
    private static final String VERDICT = "X-Entrepot-Cache";
    private static final Set<String> KEPT = Set.of("hit", "revalidated");

    private final ApiResponse response;
    private final long offset;
    private final OptionalLong totalBytes;
    private final boolean ofServer;
    private final InputStream stream;
    private final boolean resumable;

    /**
     * Wraps an answer.
     *
     * @param offset offset in the blob of the first byte of the body
     * @param bodyBytes number of bytes of the body, where it is stated
     * @param totalBytes size of the blob, where it is stated
     * @param ofServer whether it is from a server of this program, which says whether it had the blob
     */
    RemoteBlobBody(
            ApiResponse response, long offset, OptionalLong bodyBytes, OptionalLong totalBytes, boolean ofServer) {
        this(
                response,
                offset,
                totalBytes,
                ofServer,
                bodyBytes.isPresent() ? new Counted(response, bodyBytes.getAsLong()) : response.body(),
                true);
    }

    private RemoteBlobBody(
            ApiResponse response,
            long offset,
            OptionalLong totalBytes,
            boolean ofServer,
            InputStream stream,
            boolean resumable) {
        response.withoutEnd();
        this.response = response;
        this.offset = offset;
        this.totalBytes = totalBytes;
        this.ofServer = ofServer;
        this.stream = stream;
        this.resumable = resumable;
    }

    /**
     * A whole blob whose body is said to be gzipped, without a length that says otherwise. If it does not begin so, it
     * is the blob itself.
     *
     * @param knownBytes the size of the blob, which no more than may come out
     * @throws InvalidContentException if it is gzipped and no size is known
     */
    static RemoteBlobBody gzipped(ApiResponse response, OptionalLong knownBytes, boolean ofServer) throws IOException {
        PushbackInputStream body = new PushbackInputStream(response.body(), 2);
        byte[] first = body.readNBytes(2);
        body.unread(first);
        InputStream stream = body;
        if (Gunzip.isGzip(first)) {
            if (knownBytes.isEmpty()) {
                throw new InvalidContentException(response.sender()
                        + " sent a gzipped body, which was not asked for, of a blob whose size no manifest has stated"
                        + " here; ask for its manifest first");
            }
            stream = new Gunzip(body, response.sender(), knownBytes.getAsLong());
        }
        return new RemoteBlobBody(response, 0, OptionalLong.empty(), ofServer, stream, false);
    }

    /**
     * A whole blob of the right length whose body is said to have an encoding that is not undone here. Its stream
     * compares the digest, and says what the encoding was where that differs.
     *
     * @param totalBytes size of the blob, and of the body
     * @param encoding what the body is said to have
     * @throws InvalidContentException if the digest's algorithm cannot be computed
     */
    static RemoteBlobBody doubted(
            ApiResponse response, Digest digest, long totalBytes, String encoding, boolean ofServer)
            throws InvalidContentException {
        OptionalLong size = OptionalLong.of(totalBytes);
        InputStream verified = new VerifyingInputStream(new Counted(response, totalBytes), digest, size);
        return new RemoteBlobBody(
                response, 0, size, ofServer, new Doubted(verified, response.sender(), encoding), true);
    }

    @Override
    public InputStream stream() {
        return stream;
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public OptionalLong totalBytes() {
        return totalBytes;
    }

    @Override
    public boolean isResumable() {
        return resumable;
    }

    @Override
    public boolean isFromCache() {
        return ofServer && response.header(VERDICT).filter(KEPT::contains).isPresent();
    }

    @Override
    public void close() {
        response.close();
    }

    private static final class Doubted extends FilterInputStream {
        private final String sender;
        private final String encoding;

        Doubted(InputStream verified, String sender, String encoding) {
            super(verified);
            this.sender = sender;
            this.encoding = encoding;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int start, int length) throws IOException {
            try {
                return in.read(buffer, start, length);
            } catch (InvalidContentException e) {
                throw new InvalidContentException(sender + " sent a body with the content encoding " + encoding
                        + ", which was not asked for and is not understood: " + e.getMessage());
            }
        }
    }

    private static final class Counted extends FilterInputStream {
        private final ApiResponse response;
        private final long expected;
        private long seen;

        Counted(ApiResponse response, long expected) {
            super(response.body());
            this.response = response;
            this.expected = expected;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int start, int length) throws IOException {
            int count = in.read(buffer, start, length);
            if (count < 0) {
                if (seen < expected) {
                    throw new OutageException(Reason.UNREACHABLE, message("ended the body after "));
                }
                return -1;
            }
            seen += count;
            if (seen > expected) {
                throw new InvalidContentException(message("sent "));
            }
            if (seen == expected && response.contentLength().isPresent()) {
                // Lets the library see the end now, so that the connection is free even if nobody reads on. It does not
                // touch the wire: the library knows the length.
                seeEnd();
            }
            return count;
        }

        private void seeEnd() throws IOException {
            if (in.read() >= 0) {
                seen++;
                throw new InvalidContentException(message("sent "));
            }
        }

        private String message(String verb) {
            return response.request().what() + ": " + response.request().host() + " " + verb + seen
                    + " bytes, expected " + expected;
        }
    }
}
