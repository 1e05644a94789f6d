package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryException;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The bytes in a gzipped body (RFC 1952) that was not asked for, of which there may be no more than a stated number: a
 * few bytes could become very many. The digest of what comes out is for others to compare. Not safe for several
 * threads.
 */
final class Gunzip extends InputStream {
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int FIRST = 0x1f;
    private static final int SECOND = 0x8b;

    private final InputStream encoded;
    private final GZIPInputStream in;
    private final String sender;
    private final long mostBytes;
    private long seen;

    /**
     * Reads the head of {@code encoded}.
     *
     * @param sender what was asked for and who sent it, for messages
     * @param mostBytes how many bytes may come out
     */
    Gunzip(InputStream encoded, String sender, long mostBytes) throws IOException {
        this.encoded = encoded;
        this.sender = sender;
        this.mostBytes = mostBytes;
        try {
            this.in = new GZIPInputStream(new Bounded(encoded), BUFFER_BYTES);
        } catch (IOException e) {
            throw translated(e);
        }
    }

    /** Whether these bytes begin as gzip does; JSON never does. */
    static boolean isGzip(byte[] bytes) {
        return bytes.length >= 2 && (bytes[0] & 0xff) == FIRST && (bytes[1] & 0xff) == SECOND;
    }

    /**
     * What is in these bytes.
     *
     * @throws InvalidContentException if they are broken, or more than {@code mostBytes} come out
     */
    static byte[] all(byte[] bytes, String sender, int mostBytes) throws InvalidContentException {
        try (Gunzip gunzip = new Gunzip(new ByteArrayInputStream(bytes), sender, mostBytes)) {
            return gunzip.readAllBytes();
        } catch (InvalidContentException e) {
            throw e;
        } catch (IOException e) {
            throw new InvalidContentException(sender + " sent a gzipped body that is incomplete");
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int count;
        try {
            count = in.read(buffer, offset, length);
        } catch (IOException e) {
            throw translated(e);
        }
        if (count < 0) {
            // Lets the library see the end, so that the connection is free.
            if (encoded.read() < 0) {
                in.close();
            }
            return -1;
        }
        seen += count;
        if (seen > mostBytes) {
            throw new InvalidContentException(
                    sender + " sent a gzipped body with more in it than the " + mostBytes + " bytes expected");
        }
        return count;
    }

    private IOException translated(IOException failure) {
        return switch (failure) {
            case RegistryException known -> known;
            case EOFException end ->
                new OutageException(
                        Reason.UNREACHABLE, sender + " ended a gzipped body after " + seen + " bytes of what is in it");
            case ZipException broken ->
                new InvalidContentException(
                        sender + " sent a body that is said to be gzipped and is not: " + broken.getMessage());
            default -> failure;
        };
    }

    /** Ends the body. May be called while another thread reads: what the decoder holds goes with it. */
    @Override
    public void close() throws IOException {
        encoded.close();
    }

    /** A gzipped body, which may be an endless row of pieces with nothing in them. */
    private final class Bounded extends FilterInputStream {
        private long passed;

        Bounded(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int count = in.read(buffer, offset, length);
            passed += Math.max(0, count);
            // Twice what comes out is more than anybody needs.
            if ((passed - BUFFER_BYTES) / 2 > mostBytes) {
                throw new InvalidContentException(sender + " sent a gzipped body of more than " + passed
                        + " bytes, where at most " + mostBytes + " come out of it");
            }
            return count;
        }
    }
}
