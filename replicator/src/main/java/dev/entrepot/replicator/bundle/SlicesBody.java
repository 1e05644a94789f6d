package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import java.io.IOException;
import java.io.InputStream;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;

/** A blob that is in one or several slices, one behind the other. */
final class SlicesBody extends InputStream implements BlobBody {
    private final Iterator<Slice> rest;
    private final long first;
    private final long total;
    private InputStream current;

    /**
     * From an offset on.
     *
     * @param first offset in the blob; beyond its end there is nothing to read
     * @throws IOException if the file of the first slice cannot be opened
     */
    SlicesBody(List<Slice> slices, long first) throws IOException {
        this.rest = slices.iterator();
        this.first = first;
        this.total = slices.stream().mapToLong(Slice::bytes).sum();
        this.current = nullInputStream();
        long skip = first;
        while (rest.hasNext()) {
            Slice slice = rest.next();
            if (skip < slice.bytes()) {
                current = slice.open(skip);
                break;
            }
            skip -= slice.bytes();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int count = current.read(buffer, offset, length);
        while (count < 0 && rest.hasNext()) {
            current.close();
            current = rest.next().open(0);
            count = current.read(buffer, offset, length);
        }
        return count;
    }

    @Override
    public InputStream stream() {
        return this;
    }

    @Override
    public long offset() {
        return first;
    }

    @Override
    public OptionalLong totalBytes() {
        return OptionalLong.of(total);
    }

    @Override
    public void close() throws IOException {
        current.close();
    }
}
