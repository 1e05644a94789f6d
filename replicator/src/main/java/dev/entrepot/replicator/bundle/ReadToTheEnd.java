package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which blobs somebody has read from their first byte to their end. One is noted at the end of its stream, before
 * whoever reads has compared it with its digest: so it says of a blob that it is right only where the reader verifies
 * what it reads and has not failed, as each {@link dev.entrepot.oci.RepositoryTarget#pushBlob} does. Safe for all
 * threads.
 */
final class ReadToTheEnd {
    private final Set<Digest> digests = ConcurrentHashMap.newKeySet();

    /** The digests of the blobs, as far as they are known now. */
    Set<Digest> digests() {
        return Set.copyOf(digests);
    }

    /** The same blob, whose reading is watched. */
    BlobBody watched(Digest blob, BlobBody body) {
        return body.offset() == 0 ? new Watched(body, new WatchedStream(blob, body.stream()), body.offset()) : body;
    }

    private record Watched(BlobBody body, InputStream stream, long offset) implements BlobBody {
        @Override
        public OptionalLong totalBytes() {
            return body.totalBytes();
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    // What is skipped is read, too.
    private final class WatchedStream extends InputStream {
        private final Digest blob;
        private final InputStream in;

        WatchedStream(Digest blob, InputStream in) {
            this.blob = blob;
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int count = in.read(buffer, offset, length);
            if (count < 0) {
                digests.add(blob);
            }
            return count;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
