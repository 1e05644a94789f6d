package dev.entrepot.cache;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;

/** Content whose closing somebody hears of, once. */
final class WatchedContent implements BlobContent {
    private final BlobContent content;
    private final Runnable closed;
    private final AtomicBoolean open = new AtomicBoolean(true);

    WatchedContent(BlobContent content, Runnable closed) {
        this.content = content;
        this.closed = closed;
    }

    @Override
    public OptionalLong totalBytes() {
        return content.totalBytes();
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        return content.read(position, buffer, offset, length);
    }

    @Override
    public Optional<Stored> stored(long position) throws IOException {
        return content.stored(position);
    }

    @Override
    public void close() {
        try {
            content.close();
        } finally {
            if (open.compareAndSet(true, false)) {
                closed.run();
            }
        }
    }
}
