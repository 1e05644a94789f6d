package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/** A body from a mirror. Whatever goes wrong with it is an outage: the rest can be had elsewhere. */
final class MirrorBody implements BlobBody {
    private final BlobBody body;
    private final InputStream stream;

    /**
     * Wraps a body.
     *
     * @param onFault is run when reading fails
     */
    MirrorBody(BlobBody body, Runnable onFault) {
        this.body = body;
        this.stream = new Watched(body, onFault);
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
    public void close() throws IOException {
        body.close();
    }

    private static final class Watched extends FilterInputStream {
        private final Runnable onFault;

        Watched(BlobBody body, Runnable onFault) {
            super(body.stream());
            this.onFault = onFault;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int start, int length) throws IOException {
            try {
                return in.read(buffer, start, length);
            } catch (OutageException e) {
                onFault.run();
                throw e;
            } catch (InvalidContentException e) {
                onFault.run();
                throw new OutageException(Reason.SERVER_ERROR, String.valueOf(e.getMessage()), e);
            }
        }
    }
}
