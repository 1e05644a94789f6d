package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.Random;

/** Bytes for tests, the same for the same seed. */
final class Samples {
    private Samples() {}

    static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Stores a blob and returns its digest. */
    static Digest store(ContentStore store, byte[] bytes) throws IOException {
        Digest digest = Digest.sha256(bytes);
        try (Ingest ingest = store.ingest(digest)) {
            ingest.write(bytes, 0, bytes.length);
            ingest.commit(OptionalLong.of(bytes.length));
        }
        return digest;
    }

    /** Reads a blob to its end. */
    static byte[] read(ContentStore store, Digest digest) throws IOException {
        try (BlobFile file = store.openBlob(digest).orElseThrow()) {
            byte[] all = new byte[Math.toIntExact(file.sizeBytes())];
            int at = 0;
            while (at < all.length) {
                at += file.read(at, all, at, Math.min(777, all.length - at));
            }
            return all;
        }
    }
}
