package dev.entrepot.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The bytes of all blobs: one base file of noise and a short tail per blob. So a new blob of any size costs nothing:
 * the hash of the shared part is computed once per size. Thread-safe.
 */
final class BenchContent implements AutoCloseable {
    private static final int TAIL_BYTES = 64;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int THROTTLED_CHUNK_BYTES = 32 * 1024;

    private final FileChannel base;
    private final RandomGenerator random;
    private final Map<Long, MessageDigest> hashes = new HashMap<>();
    private long written;

    /** Keeps the base file at {@code file}; it grows to the largest blob. The same seed makes the same blobs. */
    BenchContent(Path file, long seed) throws IOException {
        base = FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    /** A blob that did not exist before. */
    synchronized BenchBlob blob(long size, OptionalLong bytesPerSecond, Duration headerDelay) throws IOException {
        byte[] tail = new byte[TAIL_BYTES];
        random.nextBytes(tail);
        grow(size - TAIL_BYTES);
        MessageDigest hash = copy(hashOfBase(size - TAIL_BYTES));
        String digest = "sha256:" + HexFormat.of().formatHex(hash.digest(tail));
        Optional<Throttle> throttle =
                bytesPerSecond.isPresent() ? Optional.of(new Throttle(bytesPerSecond.getAsLong())) : Optional.empty();
        return new BenchBlob(digest, size, tail, throttle, headerDelay);
    }

    private void grow(long size) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        while (written < size) {
            random.nextBytes(chunk);
            base.write(ByteBuffer.wrap(chunk), written);
            written += chunk.length;
        }
    }

    private MessageDigest hashOfBase(long size) throws IOException {
        MessageDigest known = hashes.get(size);
        if (known != null) {
            return known;
        }
        MessageDigest hash = sha256();
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
        for (long at = 0; at < size; at += chunk.limit()) {
            chunk.clear().limit((int) Math.min(CHUNK_BYTES, size - at));
            base.read(chunk, at);
            hash.update(chunk.flip());
        }
        hashes.put(size, hash);
        return hash;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static MessageDigest copy(MessageDigest hash) {
        try {
            return (MessageDigest) hash.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("the JDK's SHA-256 can be cloned", e);
        }
    }

    /** Sends a blob from an offset to its end, at its rate; by sendfile where it has none. */
    void send(BenchBlob blob, long from, WritableByteChannel to) throws IOException {
        long shared = blob.size() - TAIL_BYTES;
        long at = from;
        while (at < shared) {
            long limit = blob.throttle().isPresent() ? THROTTLED_CHUNK_BYTES : shared;
            long step = Math.min(limit, shared - at);
            blob.throttle().ifPresent(throttle -> throttle.take(step));
            for (long end = at + step; at < end; ) {
                long sent = base.transferTo(at, end - at, to);
                blob.bytesSent().addAndGet(sent);
                at += sent;
            }
        }
        ByteBuffer tail = ByteBuffer.wrap(blob.tail());
        tail.position((int) (at - shared));
        blob.bytesSent().addAndGet(tail.remaining());
        while (tail.hasRemaining()) {
            to.write(tail);
        }
    }

    @Override
    public void close() throws IOException {
        base.close();
    }
}
