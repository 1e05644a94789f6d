package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.OptionalLong;

/** What an upstream says of the length of a blob, by HEAD and else. */
final class StatedSize {
    private StatedSize() {}

    /**
     * Whether an upstream that has answered HEAD has something else under the digest. A HEAD may be answered by
     * something else: a redirect, or a server that has an answer to everything. Some registries state wrong lengths by
     * HEAD, so that what they would send counts before they are not believed.
     *
     * @param stated by HEAD
     * @param known the length of the blob, as far as it is known
     * @throws IOException if the upstream had to be asked and fails
     */
    static boolean isOther(BlobSource upstream, Digest digest, OptionalLong stated, OptionalLong known)
            throws IOException {
        boolean agree = stated.isEmpty() || known.isEmpty() || stated.equals(known);
        return !agree && !bySending(upstream, digest).equals(known);
    }

    /** The length that it states where it sends the blob, of which it is asked for one byte. */
    static OptionalLong bySending(BlobSource upstream, Digest digest) throws IOException {
        try (BlobBody body = upstream.openBlob(digest, ByteRange.of(0, 0))) {
            return body.totalBytes();
        }
    }
}
