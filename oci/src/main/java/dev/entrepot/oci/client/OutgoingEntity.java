package dev.entrepot.oci.client;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;

/**
 * A body on its way out: faults of its source are told apart from those of the wire, and a peer that takes no bytes is
 * cut off. It is opened before the request is sent, because a source may let wait for longer than a peer, or a proxy
 * before it, does. For one thread.
 */
final class OutgoingEntity extends AbstractHttpEntity {
    private static final int BUFFER_BYTES = 64 * 1024;

    private final RequestBody.Stream body;
    private final OverdueWatch watch;
    private final Duration longestWrite;
    private final Runnable cancel;
    private volatile boolean stalled;
    private Optional<Source> opened = Optional.empty();

    /**
     * A body to send.
     *
     * @param watch what looks whether the peer takes any
     * @param longestWrite how long the peer may take no byte
     * @param cancel cuts the connection
     */
    OutgoingEntity(RequestBody.Stream body, OverdueWatch watch, Duration longestWrite, Runnable cancel) {
        super(ContentType.create(body.type().value()), null);
        this.body = body;
        this.watch = watch;
        this.longestWrite = longestWrite;
        this.cancel = cancel;
    }

    /** The same for bytes in memory. */
    static RequestBody.Stream stream(RequestBody.Bytes bytes) {
        return new RequestBody.Stream(
                () -> new ByteArrayInputStream(bytes.bytes()), bytes.bytes().length, bytes.type());
    }

    /**
     * Opens the body, and returns when its first bytes are there. Who calls this calls {@link #release} in the end.
     *
     * @throws SourceFault if the source failed
     */
    void open() throws SourceFault {
        opened = Optional.of(new Source(body.opener()));
    }

    /**
     * Closes the body if it was opened and not sent; what it is cut from may stay open for the next try, as with
     * {@link UploadParts}. What goes wrong does not matter: nothing was sent.
     */
    void release() {
        Optional<Source> unsent = opened;
        opened = Optional.empty();
        if (unsent.isPresent()) {
            try {
                unsent.get().close();
            } catch (SourceFault e) {
                return;
            }
        }
    }

    private Source source() throws SourceFault {
        Optional<Source> first = opened;
        opened = Optional.empty();
        return first.isPresent() ? first.get() : new Source(body.opener());
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
        byte[] buffer = new byte[Math.clamp(body.length(), 1, BUFFER_BYTES)];
        StallGuard guard = new StallGuard(watch, longestWrite, cancel);
        try (guard;
                Source in = source()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                guard.beforeWrite();
                out.write(buffer, 0, count);
                guard.afterWrite();
            }
        } finally {
            stalled = guard.hasFired();
        }
    }

    /** Whether the connection was cut because the peer took no byte. */
    boolean hasStalled() {
        return stalled;
    }

    @Override
    public InputStream getContent() {
        throw new UnsupportedOperationException("this body is only written");
    }

    @Override
    public boolean isStreaming() {
        return true;
    }

    @Override
    public boolean isRepeatable() {
        return true;
    }

    @Override
    public long getContentLength() {
        return body.length();
    }

    @Override
    public void close() {}

    private static final class Source implements AutoCloseable {
        private final InputStream in;

        Source(RequestBody.Opener opener) throws SourceFault {
            try {
                in = opener.open();
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }

        int read(byte[] buffer) throws SourceFault {
            try {
                return in.read(buffer);
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }

        @Override
        public void close() throws SourceFault {
            try {
                in.close();
            } catch (IOException e) {
                throw new SourceFault(e);
            }
        }
    }
}
