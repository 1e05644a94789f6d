package dev.entrepot.proxy.bundle;

import dev.entrepot.cache.BlobContent;
import dev.entrepot.replicator.bundle.Slice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob in one or several slices of files, for one client. */
final class SliceContent implements BlobContent {
    private static final Logger LOG = LoggerFactory.getLogger(SliceContent.class);

    private final List<Part> parts = new ArrayList<>();
    private final long total;

    /** A slice, the open file that it is in, and where in the blob it begins and ends. */
    private record Part(FileChannel file, long offset, long first, long end) {}

    /**
     * Opens the files.
     *
     * @throws IOException if one cannot be opened
     */
    SliceContent(List<Slice> slices) throws IOException {
        long position = 0;
        try {
            for (Slice slice : slices) {
                long end = position + slice.bytes();
                parts.add(new Part(slice.channel(), slice.offset(), position, end));
                position = end;
            }
        } catch (IOException e) {
            close();
            throw e;
        }
        this.total = position;
    }

    private Optional<Part> at(long position) {
        return parts.stream()
                .filter(part -> position >= part.first() && position < part.end())
                .findFirst();
    }

    @Override
    public OptionalLong totalBytes() {
        return OptionalLong.of(total);
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        Optional<Part> part = at(position);
        if (part.isEmpty()) {
            return -1;
        }
        int wanted = (int) Math.min(length, part.get().end() - position);
        long inFile = part.get().offset() + position - part.get().first();
        return part.get().file().read(ByteBuffer.wrap(buffer, offset, wanted), inFile);
    }

    @Override
    public Optional<Stored> stored(long position) {
        return at(position).map(part -> new Stored(part.file(), part.offset() - part.first(), part.end()));
    }

    @Override
    public void close() {
        for (Part part : parts) {
            try {
                part.file().close();
            } catch (IOException e) {
                // Nothing was written through it: a failure to close it loses nothing.
                LOG.debug("closing a volume: {}", e.toString());
            }
        }
    }
}
