package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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

    /** Puts a stored blob in quarantine, as one that was found bad. */
    static void quarantine(ContentStore store, Digest digest) throws IOException {
        store.quarantine(
                ContentKind.BLOB,
                digest,
                store.identity(ContentKind.BLOB, digest).orElseThrow());
    }

    /** Has room made for so many bytes, as a fill does that ends at once; returns whether there is. */
    static boolean room(ContentStore store, Evictor evictor, long bytes) throws IOException {
        try (Ingest ingest = store.ingest(Digest.sha256("room".getBytes(StandardCharsets.US_ASCII)))) {
            boolean room = evictor.reserve(ingest, bytes);
            ingest.abort();
            return room;
        }
    }

    /** The digests of all blobs of a store. */
    static List<Digest> blobs(ContentStore store) throws IOException {
        List<Digest> found = new ArrayList<>();
        for (DigestAlgorithm algorithm : StoreLayout.ALGORITHMS) {
            for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
                found.addAll(store.shard(ContentKind.BLOB, algorithm, shard));
            }
        }
        return found;
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
