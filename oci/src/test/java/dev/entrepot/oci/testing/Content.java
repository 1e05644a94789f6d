package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.util.Arrays;

/** Bytes that can be read from any offset, however many they are. Immutable. */
public interface Content {
    /** No bytes. */
    Content EMPTY = of(new byte[0]);

    /** How many bytes there are. */
    long sizeBytes();

    /** The bytes from {@code offset}, which is at most {@link #sizeBytes()}. */
    InputStream open(long offset);

    /** These bytes, which are not copied. */
    static Content of(byte[] bytes) {
        return new Content() {
            @Override
            public long sizeBytes() {
                return bytes.length;
            }

            @Override
            public InputStream open(long offset) {
                return new ByteArrayInputStream(bytes, (int) offset, bytes.length - (int) offset);
            }
        };
    }

    /** Incompressible bytes that are computed as they are read, so that a blob of many gigabytes needs no memory. */
    static Content generated(long seed, long sizeBytes) {
        return new GeneratedContent(seed, sizeBytes);
    }

    /** {@code length} bytes of this content from {@code offset}. */
    default Content slice(long offset, long length) {
        Content whole = this;
        return new Content() {
            @Override
            public long sizeBytes() {
                return length;
            }

            @Override
            public InputStream open(long from) {
                return new LimitedInput(whole.open(offset + from), length - from);
            }
        };
    }

    /** The digest of all bytes. */
    default Digest digest(DigestAlgorithm algorithm) {
        MessageDigest hasher = algorithm.newMessageDigest();
        byte[] buffer = new byte[64 * 1024];
        try (InputStream in = open(0)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                hasher.update(buffer, 0, n);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Digest.of(algorithm, hasher);
    }

    /** All bytes in one array; for small contents. */
    default byte[] bytes() {
        try (InputStream in = open(0)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** These bytes followed by others. */
    default Content followedBy(byte[] tail) {
        byte[] head = bytes();
        byte[] joined = Arrays.copyOf(head, head.length + tail.length);
        System.arraycopy(tail, 0, joined, head.length, tail.length);
        return of(joined);
    }

    /** These bytes with the one at {@code offset} changed. */
    default Content corruptedAt(long offset) {
        Content whole = this;
        return new Content() {
            @Override
            public long sizeBytes() {
                return whole.sizeBytes();
            }

            @Override
            public InputStream open(long from) {
                return new CorruptingInput(whole.open(from), offset - from);
            }
        };
    }
}
