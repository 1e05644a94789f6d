package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.ResumableTarget;
import dev.entrepot.oci.UploadLog;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Moves one blob from a source to a target, and tells whose fault it is if that fails: what the source throws while the
 * target reads is marked, so that an outage of the one is never counted against the other. For one blob and one thread.
 */
final class BlobTransfer implements BlobSource {
    private final BlobSource source;
    private final HostGate sourceGate;
    private final Meter bandwidth;
    private final LongConsumer moved;
    private final AtomicLong movedBytes = new AtomicLong();
    private volatile @Nullable IOException fault;
    private volatile long reached;

    /**
     * From this source.
     *
     * @param sourceGate told of the source's outages
     * @param bandwidth bytes that may be sent
     * @param moved told of bytes that the target has taken
     */
    BlobTransfer(BlobSource source, HostGate sourceGate, Meter bandwidth, LongConsumer moved) {
        this.source = source;
        this.sourceGate = sourceGate;
        this.bandwidth = bandwidth;
        this.moved = moved;
    }

    /**
     * What the source threw. An {@code IOException} of no other kind, so that nobody takes it for a fault of the
     * target.
     */
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
     * @param log where the uploads to this repository of the target are
     * @throws SourceFault if the source failed, after retries
     * @throws IOException if the target failed, after retries
     */
    void push(Descriptor blob, RepositoryTarget target, UploadLog log, HostGate targetGate, int attempts)
            throws IOException {
        UploadLog watched = new WatchedLog(log);
        for (int attempt = 1; ; attempt++) {
            try {
                targetGate.transfer(blob.sizeBytes(), bandwidth, () -> {
                    attempt(blob, target, watched);
                    return blob;
                });
                return;
            } catch (SourceFault e) {
                if (!(e.fault() instanceof OutageException outage) || attempt >= attempts) {
                    throw e;
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                sourceGate.failed(RequestKind.READ_BLOB, outage);
            }
        }
    }

    /**
     * The bytes that were read to be sent, those that were sent again included; not those that an earlier process had
     * sent.
     */
    long movedBytes() {
        return movedBytes.get();
    }

    private void attempt(Descriptor blob, RepositoryTarget target, UploadLog log) throws IOException {
        fault = null;
        reached = 0;
        try {
            if (target instanceof ResumableTarget resumable) {
                resumable.pushBlob(blob, this, log);
            } else {
                target.pushBlob(blob, this);
            }
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
            // The outage before, if there was one, is survived: what fails from now on is another's fault.
            fault = null;
            return new WatchedBody(body, new WatchedStream(body.stream(), reached));
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

    /** Notes how far the target is, so that bytes that are read only to be verified do not count as moved. */
    private final class WatchedLog implements UploadLog {
        private final UploadLog log;

        WatchedLog(UploadLog log) {
            this.log = log;
        }

        @Override
        public Optional<Upload> recall(Digest blob) throws IOException {
            return log.recall(blob);
        }

        @Override
        public void note(Digest blob, Upload upload) {
            reached = upload.offset();
            log.note(blob, upload);
        }

        @Override
        public void forget(Digest blob) {
            reached = 0;
            log.forget(blob);
        }
    }

    private final class WatchedStream extends FilterInputStream {
        private long passed;

        WatchedStream(InputStream in, long passed) {
            super(in);
            this.passed = passed;
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
            long news = Math.max(0, count - passed);
            passed -= Math.max(0, count) - news;
            if (news > 0) {
                movedBytes.addAndGet(news);
                moved.accept(news);
                bandwidth.take(news);
            }
            return count;
        }
    }
}
