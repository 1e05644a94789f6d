package dev.entrepot.proxy.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.VerifyingInputStream;
import dev.entrepot.replicator.bundle.Bundle;
import dev.entrepot.replicator.bundle.BundledBlob;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Verifies each blob of a bundle once: all of them in the background from the start, one that a client asks for at
 * once. The outcome, also a failure, holds until this is closed. Safe for all threads.
 */
final class VerifiedBlobs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VerifiedBlobs.class);
    private static final int AT_ONCE = 2;
    private static final int BUFFER_BYTES = 128 * 1024;

    private final Bundle bundle;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ConcurrentHashMap<Digest, CompletableFuture<Boolean>> outcomes = new ConcurrentHashMap<>();
    private final Semaphore asked = new Semaphore(AT_ONCE);

    VerifiedBlobs(Bundle bundle) {
        this.bundle = bundle;
    }

    /** Begins with all of them, one after the other. */
    void start() {
        threads.execute(() -> {
            for (BundledBlob blob : bundle.inventory().blobs().values()) {
                if (Thread.interrupted()) {
                    return;
                }
                CompletableFuture<Boolean> mine = new CompletableFuture<>();
                if (bundle.has(blob) && outcomes.putIfAbsent(blob.digest(), mine) == null) {
                    complete(blob, mine);
                }
            }
            LOG.info("all blobs of {} that are at hand were looked at", bundle.id());
        });
    }

    /**
     * Returns when a blob was found to be what its digest says.
     *
     * @throws InvalidContentException if it is not
     * @throws IOException if it cannot be read, the thread is interrupted, or this is closed
     */
    void await(BundledBlob blob) throws IOException {
        CompletableFuture<Boolean> mine = new CompletableFuture<>();
        CompletableFuture<Boolean> earlier = outcomes.putIfAbsent(blob.digest(), mine);
        if (earlier == null) {
            begin(blob, mine);
        }
        try {
            (earlier == null ? mine : earlier).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while " + blob.digest() + " was verified");
        } catch (ExecutionException e) {
            // What the files are called does not leave the process.
            if (e.getCause() instanceof InvalidContentException) {
                throw new InvalidContentException(
                        "the volumes do not have what " + blob.digest() + " is the digest of", e);
            }
            throw new IOException("the blob " + blob.digest() + " cannot be read", e.getCause());
        }
    }

    private void begin(BundledBlob blob, CompletableFuture<Boolean> outcome) {
        try {
            threads.execute(() -> {
                asked.acquireUninterruptibly();
                try {
                    complete(blob, outcome);
                } finally {
                    asked.release();
                }
            });
        } catch (RejectedExecutionException e) {
            // Whoever comes next finds this outcome, and nobody else would give it one.
            outcome.completeExceptionally(e);
        }
    }

    // Whatever goes wrong, those who wait hear of it.
    private void complete(BundledBlob blob, CompletableFuture<Boolean> outcome) {
        try (BlobBody body = bundle.open(blob, ByteRange.ALL).orElseThrow();
                InputStream in =
                        new VerifyingInputStream(body.stream(), blob.digest(), OptionalLong.of(blob.sizeBytes()))) {
            byte[] buffer = new byte[BUFFER_BYTES];
            while (in.read(buffer) >= 0) {}
            outcome.complete(true);
        } catch (IOException | RuntimeException | Error e) {
            LOG.error("the blob {} of the bundle is not served: {}", blob.digest(), e.toString());
            outcome.completeExceptionally(e);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
