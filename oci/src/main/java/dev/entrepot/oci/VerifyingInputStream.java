package dev.entrepot.oci;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Hands on the bytes of a stream and fails before its end if they are not what they should be: the read that would
 * return end of stream throws instead when the size or the digest differs, and no more than the declared number of
 * bytes is ever handed on. A failure is final: all later reads fail with it. The one place where digests of streams are
 * compared. Not safe for several threads.
 */
public final class VerifyingInputStream extends FilterInputStream {
    private final Digest expected;
    private final OptionalLong expectedBytes;
    private final MessageDigest hasher;
    private long seen;
    private boolean verified;
    private @Nullable String failure;

    /**
     * Verifies everything that is read from {@code in}, which is closed with this stream.
     *
     * @throws InvalidContentException if the digest's algorithm cannot be computed
     */
    public VerifyingInputStream(InputStream in, Digest expected, OptionalLong expectedBytes)
            throws InvalidContentException {
        super(in);
        if (!expected.algorithm().isVerifiable()) {
            throw new InvalidContentException("blob " + expected + " cannot be verified: the algorithm "
                    + expected.algorithm() + " is not supported");
        }
        this.expected = expected;
        this.expectedBytes = expectedBytes;
        this.hasher = expected.algorithm().newMessageDigest();
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
        if (failure != null) {
            throw new InvalidContentException(failure);
        }
        int count = in.read(buffer, offset, length);
        if (count < 0) {
            verify();
            return -1;
        }
        seen += count;
        if (expectedBytes.isPresent() && seen > expectedBytes.getAsLong()) {
            throw failed("blob " + expected + " is longer than the " + expectedBytes.getAsLong() + " bytes expected");
        }
        hasher.update(buffer, offset, count);
        return count;
    }

    private void verify() throws InvalidContentException {
        if (verified) {
            return;
        }
        if (expectedBytes.isPresent() && seen != expectedBytes.getAsLong()) {
            throw failed("blob " + expected + " ended after " + seen + " bytes, expected " + expectedBytes.getAsLong());
        }
        Digest actual = Digest.of(expected.algorithm(), hasher);
        if (!actual.equals(expected)) {
            throw failed("blob has the digest " + actual + " after " + seen + " bytes, expected " + expected);
        }
        verified = true;
    }

    private InvalidContentException failed(String message) {
        failure = message;
        return new InvalidContentException(message);
    }

    @Override
    public long skip(long count) throws IOException {
        byte[] buffer = new byte[(int) Math.min(Math.max(count, 0), 8192)];
        long skipped = 0;
        while (skipped < count) {
            int read = read(buffer, 0, (int) Math.min(buffer.length, count - skipped));
            if (read < 0) {
                break;
            }
            skipped += read;
        }
        return skipped;
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
