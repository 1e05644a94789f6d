package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositorySource;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's view of a {@link BlobFetch}. Reads from the file that is being written; far ahead of the fill, from the
 * upstream in windows; after a disk fault, from the upstream with the digest verified to the end.
 */
final class FetchReader implements BlobContent {
    private static final Logger LOG = LoggerFactory.getLogger(FetchReader.class);

    private final Digest digest;
    private final BlobFetch fetch;
    private final RepositorySource upstream;
    private final FetchSettings settings;
    private final FetchProgress.Patience patience;
    private final CacheStatistics statistics;
    private final Runnable left;
    private @Nullable RandomAccessFile partial;
    private @Nullable BlobFile finished;
    private @Nullable Window window;
    private @Nullable DirectRead direct;
    private boolean rangesWork = true;

    /**
     * Follows {@code fetch}.
     *
     * @param upstream this client's own way to the blob
     * @param patience how long it waits for the fetch
     * @param left run when this is closed
     */
    FetchReader(
            Digest digest,
            BlobFetch fetch,
            RepositorySource upstream,
            FetchSettings settings,
            FetchProgress.Patience patience,
            CacheStatistics statistics,
            Runnable left) {
        this.digest = digest;
        this.fetch = fetch;
        this.upstream = upstream;
        this.settings = settings;
        this.patience = patience;
        this.statistics = statistics;
        this.left = left;
    }

    @Override
    public OptionalLong totalBytes() {
        try {
            return fetch.progress().now().totalBytes();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        if (direct != null) {
            return direct.read(position, buffer, offset, length);
        }
        FetchProgress.View view = fetch.progress().now();
        if (position >= view.visibleBytes() && isFarAhead(position, view)) {
            int count = readAhead(position, view, buffer, offset, length);
            if (count != 0) {
                return count;
            }
        }
        if (position >= view.visibleBytes()
                && !view.verified()
                && view.degraded().isEmpty()) {
            // Its slot at the upstream may be the one that the fill waits for.
            closeWindow();
            view = fetch.progress().awaitByte(position, patience);
        }
        if (position < view.visibleBytes() && openFile(view)) {
            return readFile(position, buffer, offset, (int) Math.min(length, view.visibleBytes() - position));
        }
        if (view.verified() && position >= view.visibleBytes()) {
            return -1;
        }
        closeWindow();
        direct = new DirectRead(
                digest, upstream, left(fetch.progress().now()), fetch.declaredBytes(), settings, partial, _ -> {});
        return direct.read(position, buffer, offset, length);
    }

    private FetchProgress.Degraded left(FetchProgress.View view) {
        return view.degraded()
                .orElseGet(
                        () -> new FetchProgress.Degraded(0, digest.algorithm().newMessageDigest(), view.totalBytes()));
    }

    @Override
    public Optional<Stored> stored(long position) throws IOException {
        if (direct != null) {
            return Optional.empty();
        }
        FetchProgress.View view = fetch.progress().now();
        if (position >= view.visibleBytes() || !openFile(view)) {
            return Optional.empty();
        }
        closeWindow();
        FileChannel file = finished != null
                ? finished.channel()
                : Objects.requireNonNull(partial).getChannel();
        return Optional.of(new Stored(file, view.visibleBytes()));
    }

    private boolean isFarAhead(long position, FetchProgress.View view) {
        return rangesWork
                && !upstream.ignoresRanges()
                && view.started()
                && !view.verified()
                && view.degraded().isEmpty()
                && view.totalBytes().isPresent()
                && position < view.totalBytes().getAsLong()
                && (position - view.visibleBytes() > settings.aheadBytes()
                        || window != null && window.continuesAt(position));
    }

    // 0 means that the upstream cannot be read at this position, and that waiting for the fill is all that is left.
    private int readAhead(long position, FetchProgress.View view, byte[] buffer, int offset, int length)
            throws IOException {
        Window current = window;
        if (current == null || !current.continuesAt(position)) {
            closeWindow();
            current = openWindow(position, view.totalBytes().orElseThrow());
        }
        if (current == null) {
            return 0;
        }
        try {
            int count = current.read(buffer, offset, length);
            if (count > 0) {
                statistics.bytesAhead.add(count);
                return count;
            }
        } catch (OutageException e) {
            rangesWork = false;
        }
        closeWindow();
        return 0;
    }

    private @Nullable Window openWindow(long position, long totalBytes) throws IOException {
        long last = Math.min(position + settings.windowBytes(), totalBytes) - 1;
        BlobBody body;
        try {
            body = upstream.openBlob(digest, ByteRange.of(position, last), OptionalLong.of(totalBytes));
        } catch (OutageException e) {
            rangesWork = false;
            return null;
        }
        if (body.offset() != position) {
            body.close();
            rangesWork = false;
            return null;
        }
        window = new Window(body, position, last);
        return window;
    }

    // False when there is no file to read: the fetch has given up on the disk, or the blob was evicted again before
    // this reader came to open it.
    private boolean openFile(FetchProgress.View view) throws IOException {
        if (partial != null || finished != null) {
            return true;
        }
        if (view.complete()) {
            finished = fetch.openComplete().orElse(null);
            return finished != null;
        }
        try {
            partial = fetch.openPartial().orElse(null);
        } catch (FileNotFoundException e) {
            // Deleted or renamed in this moment: what became of the fetch is about to be known.
            FetchProgress.View end = fetch.progress().awaitEnd(patience);
            return end.complete() && openFile(end);
        }
        return partial != null && isOfThisFetch();
    }

    // Once the fetch has ended, the file by that name may be another's, with other bytes. While it has not, it was its.
    private boolean isOfThisFetch() throws IOException {
        FetchProgress.View now = fetch.progress().now();
        if (now.degraded().isEmpty() && !now.complete()) {
            return true;
        }
        closeQuietly(partial);
        partial = null;
        return now.complete() && openFile(now);
    }

    private int readFile(long position, byte[] buffer, int offset, int length) throws IOException {
        closeWindow();
        if (finished != null) {
            return finished.read(position, buffer, offset, length);
        }
        RandomAccessFile file = Objects.requireNonNull(partial);
        file.seek(position);
        return file.read(buffer, offset, length);
    }

    private void closeWindow() throws IOException {
        Window current = window;
        window = null;
        if (current != null) {
            current.body().close();
        }
    }

    @Override
    public void close() {
        left.run();
        Window current = window;
        window = null;
        closeQuietly(current == null ? null : current.body()::close);
        closeQuietly(direct);
        closeQuietly(partial);
        BlobFile file = finished;
        closeQuietly(file == null ? null : file::close);
    }

    // Nothing was written through any of these handles: a failure to close one loses nothing.
    private static void closeQuietly(@Nullable Closeable handle) {
        if (handle != null) {
            try {
                handle.close();
            } catch (IOException e) {
                LOG.debug("closing a blob: {}", e.toString());
            }
        }
    }

    /** A piece of the blob that is read straight from the upstream. */
    private static final class Window {
        private final BlobBody body;
        private final long last;
        private long position;

        Window(BlobBody body, long position, long last) {
            this.body = body;
            this.position = position;
            this.last = last;
        }

        BlobBody body() {
            return body;
        }

        boolean continuesAt(long wanted) {
            return wanted == position && position <= last;
        }

        int read(byte[] buffer, int offset, int length) throws IOException {
            int count = body.stream().read(buffer, offset, (int) Math.min(length, last - position + 1));
            if (count > 0) {
                position += count;
            }
            return count;
        }
    }
}
