package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The blobs that are being written, at most once each, and the partial files that were left by those that are not. Safe for all threads. */
final class Ingests {
    private final StoreLayout layout;
    // Empty while the file is being opened.
    private final ConcurrentHashMap<Digest, Optional<Ingest>> active = new ConcurrentHashMap<>();

    /** None are open; partial files may be there. */
    Ingests(StoreLayout layout) {
        this.layout = layout;
    }

    /** See {@link ContentStore#ingest}. */
    Ingest open(Digest digest) throws IOException {
        if (active.putIfAbsent(digest, Optional.empty()) != null) {
            throw new IllegalStateException("blob " + digest + " is being written already");
        }
        try {
            Ingest ingest = new Ingest(digest, layout, closed -> active.remove(digest, Optional.of(closed)));
            active.put(digest, Optional.of(ingest));
            return ingest;
        } catch (IOException e) {
            active.remove(digest);
            throw e;
        }
    }

    /** Whether this blob is being written. */
    boolean isOpen(Digest digest) {
        return active.containsKey(digest);
    }

    /**
     * The bytes that unfinished blobs hold or have reserved. A blob that is published stays among them until its {@link Ingest#close()},
     * so that there is no moment in which nobody counts it.
     */
    Map<Digest, Long> claims() throws IOException {
        // Files before table: an ingest that ends in between was seen as a file, one that begins is seen in the table.
        Map<Digest, Long> claims = new HashMap<>();
        for (StoredContent partial : partials()) {
            claims.put(partial.digest(), partial.sizeBytes());
        }
        active.forEach((digest, ingest) -> ingest.ifPresent(open -> claims.put(digest, open.claimedBytes())));
        return claims;
    }

    /** The sum of the {@link #claims()}. */
    long claimedBytes() throws IOException {
        return claims().values().stream().mapToLong(Long::longValue).sum();
    }

    /** The bytes that were reserved by unfinished blobs and are not written yet, and so still look free. */
    long promisedBytes() {
        return active.values().stream()
                .flatMap(Optional::stream)
                .mapToLong(open -> Math.max(0, open.claimedBytes() - open.writtenBytes()))
                .sum();
    }

    /** The partial files that nobody is writing to. */
    List<StoredContent> idle() throws IOException {
        return partials().stream()
                .filter(partial -> !active.containsKey(partial.digest()))
                .toList();
    }

    private List<StoredContent> partials() throws IOException {
        List<StoredContent> found = new ArrayList<>();
        for (Path file : StoreLayout.files(layout.ingest())) {
            Optional<Digest> digest = layout.partialDigest(file);
            if (digest.isPresent()) {
                StoredContent.describe(file, ContentKind.BLOB, digest.get()).ifPresent(found::add);
            }
        }
        return found;
    }

    /** Deletes the partial files that nobody has written to since then. Returns how many. */
    int deleteIdleBefore(Instant time) throws IOException {
        int deleted = 0;
        for (StoredContent partial : idle()) {
            deleted += partial.lastModified().isBefore(time) && deleteIdle(partial.digest()) ? 1 : 0;
        }
        return deleted;
    }

    /** Deletes a partial file, unless somebody is writing to it. Returns whether it did. */
    boolean deleteIdle(Digest digest) throws IOException {
        boolean[] deleted = new boolean[1];
        try {
            // Within the table, so that an ingest of the same blob begins before or after, never in between.
            active.computeIfAbsent(digest, idle -> {
                deleted[0] = deleteIfExists(layout.partial(idle));
                return null;
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return deleted[0];
    }

    private static boolean deleteIfExists(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
