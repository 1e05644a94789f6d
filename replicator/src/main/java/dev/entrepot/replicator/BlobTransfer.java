package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryTarget;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Moves one blob from a source to a target, and tells whose fault it is if that fails: what the source throws while the target reads is
 * marked, so that an outage of the one is never counted against the other. For one blob and one thread.
 */
final class BlobTransfer implements BlobSource {
    private final BlobSource source;
    private final HostGate sourceGate;
    private final RateLimit bandwidth;
    private final LongConsumer moved;
    private volatile @Nullable IOException fault;

    /**
     * From this source.
     *
     * @param sourceGate told of the source's outages
     * @param bandwidth bytes per second
     * @param moved told of bytes that the target has taken
     */
    BlobTransfer(BlobSource source, HostGate sourceGate, RateLimit bandwidth, LongConsumer moved) {
        this.source = source;
        this.sourceGate = sourceGate;
        this.bandwidth = bandwidth;
        this.moved = moved;
    }

    /** What the source threw. An {@code IOException} of no other kind, so that nobody takes it for a fault of the target. */
    static final class SourceFault extends IOException {
        private final IOException fault;

        SourceFault(IOException fault) {
            super(fault.getMessage(), fault);
            this.fault = fault;
        }

        IOException fault() {
            return fault;
        }
    }

    /**
     * Pushes the blob.
     *
     * @throws SourceFault if the source failed, after retries
     * @throws IOException if the target failed, after retries
     */
    void push(Descriptor blob, RepositoryTarget target, HostGate targetGate, int attempts) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                targetGate.transfer(() -> {
                    attempt(blob, target);
                    return blob;
                });
                return;
            } catch (SourceFault e) {
                if (!(e.fault() instanceof OutageException outage) || attempt >= attempts) {
                    throw e;
                }
                sourceGate.failed(outage);
            }
        }
    }

    private void attempt(Descriptor blob, RepositoryTarget target) throws IOException {
        fault = null;
        try {
            target.pushBlob(blob, this);
        } catch (IOException e) {
            IOException atSource = fault;
            if (atSource != null) {
                throw new SourceFault(atSource);
            }
            throw e;
        }
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return source.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        try {
            BlobBody body = source.openBlob(digest, range);
            return new WatchedBody(body, new WatchedStream(body.stream()));
        } catch (IOException e) {
            fault = e;
            throw e;
        }
    }

    private record WatchedBody(BlobBody body, InputStream stream) implements BlobBody {
        @Override
        public long offset() {
            return body.offset();
        }

        @Override
        public OptionalLong totalBytes() {
            return body.totalBytes();
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    private final class WatchedStream extends FilterInputStream {
        WatchedStream(InputStream in) {
            super(in);
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
                fault = e;
                throw e;
            }
            if (count > 0) {
                moved.accept(count);
                bandwidth.take(count);
            }
            return count;
        }
    }
}
