package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.Pace;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/**
 * A body that is read at a pace, for what reading it may send: a cache opens an upstream again where a connection
 * broke.
 */
final class PacedBody implements BlobBody {
    private final BlobBody body;
    private final InputStream stream;

    PacedBody(BlobBody body, Pace pace) {
        this.body = body;
        this.stream = new Paced(body.stream(), pace);
    }

    @Override
    public InputStream stream() {
        return stream;
    }

    @Override
    public long offset() {
        return body.offset();
    }

    @Override
    public OptionalLong totalBytes() {
        return body.totalBytes();
    }

    @Override
    public boolean isResumable() {
        return body.isResumable();
    }

    @Override
    public boolean isFromCache() {
        return body.isFromCache();
    }

    @Override
    public void close() throws IOException {
        body.close();
    }

    private static final class Paced extends FilterInputStream {
        private final Pace pace;

        Paced(InputStream in, Pace pace) {
            super(in);
            this.pace = pace;
        }

        @Override
        public int read() throws IOException {
            return pace.<Integer, IOException>call(in::read);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return pace.<Integer, IOException>call(() -> in.read(buffer, offset, length));
        }
    }
}
