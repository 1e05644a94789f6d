package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blobs that are being written, at most once each, and the partial files that were left by those that are not. Safe
 * for all threads.
 */
final class Ingests {
    private static final Logger LOG = LoggerFactory.getLogger(Ingests.class);

    private final StoreLayout layout;
    // Empty while the file is being opened.
    private final ConcurrentHashMap<Digest, Optional<Ingest>> active = new ConcurrentHashMap<>();
    // The lengths of the partial files that were left, so that room is counted without a look at the folder for each
    // piece of content. Written within the table above; what somebody else did in the folder shows with the next look.
    private final ConcurrentHashMap<Digest, Long> left = new ConcurrentHashMap<>();
    private volatile boolean looked;

    /** None are open; partial files may be there. */
    Ingests(StoreLayout layout) {
        this.layout = layout;
    }

    /** See {@link ContentStore#ingest}. */
    Ingest open(Digest digest) throws IOException {
        if (active.putIfAbsent(digest, Optional.empty()) != null) {
            throw new IllegalStateException("blob " + digest + " is being written already");
        }
        boolean opened = false;
        try {
            Ingest ingest = new Ingest(digest, layout, this::closed);
            active.put(digest, Optional.of(ingest));
            opened = true;
            return ingest;
        } finally {
            if (!opened) {
                active.remove(digest);
            }
        }
    }

    private void closed(Ingest ingest) {
        active.computeIfPresent(ingest.digest(), (digest, open) -> {
            if (!open.equals(Optional.of(ingest))) {
                return open;
            }
            if (ingest.isCommitted()) {
                left.remove(digest);
            } else {
                note(digest, ingest.claimedBytes());
            }
            return null;
        });
    }

    // Within the table. Where the disk does not say, what is supposed counts.
    private void note(Digest digest, long supposedBytes) {
        try {
            Optional<StoredContent> partial = describe(layout.partial(digest), digest);
            left.compute(
                    digest,
                    (same, bytes) -> partial.map(StoredContent::sizeBytes).orElse(null));
        } catch (IOException e) {
            left.put(digest, supposedBytes);
        }
    }

    /** Whether this blob is being written. */
    boolean isOpen(Digest digest) {
        return active.containsKey(digest);
    }

    /**
     * The bytes that unfinished blobs hold or have reserved. A blob that is published stays among them until its
     * {@link Ingest#close()}, so that there is no moment in which nobody counts it.
     */
    Map<Digest, Long> claims() throws IOException {
        if (!looked) {
            idle();
        }
        // Table before files: an ingest that ends in between was seen in the table, and one that begins left its file
        // before.
        Map<Digest, Long> claims = new HashMap<>();
        active.forEach((digest, ingest) -> ingest.ifPresent(open -> claims.put(digest, open.claimedBytes())));
        left.forEach(claims::putIfAbsent);
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
                .mapToLong(Ingest::promisedBytes)
                .sum();
    }

    /** The partial files that nobody is writing to: a look at the folder, after which what they hold is known again. */
    List<StoredContent> idle() throws IOException {
        Map<Digest, StoredContent> found = new HashMap<>();
        for (Path file : StoreLayout.files(layout.ingest())) {
            Optional<Digest> digest = layout.partialDigest(file);
            if (digest.isPresent()) {
                describe(file, digest.get()).ifPresent(partial -> found.put(partial.digest(), partial));
            }
        }
        Set<Digest> known = new HashSet<>(left.keySet());
        known.addAll(found.keySet());
        for (Digest digest : known) {
            // Looked at again: it may have been taken up and ended since the folder was read.
            active.compute(digest, (same, open) -> {
                if (open == null) {
                    note(same, left.getOrDefault(same, 0L));
                }
                return open;
            });
        }
        looked = true;
        return found.values().stream()
                .filter(partial -> !active.containsKey(partial.digest()))
                .toList();
    }

    private static Optional<StoredContent> describe(Path file, Digest digest) throws IOException {
        return StoredContent.describe(file, ContentKind.BLOB, digest);
    }

    /** Deletes the partial files that nobody has written to since then. Returns how many. */
    int deleteIdleBefore(Instant time) throws IOException {
        int deleted = 0;
        for (StoredContent partial : idle()) {
            deleted += partial.lastModified().isBefore(time) && deleteIdle(partial.digest()) ? 1 : 0;
        }
        return deleted;
    }

    /** Deletes a partial file, unless somebody is writing to it, or it cannot be. Returns whether it did. */
    boolean deleteIdle(Digest digest) {
        boolean[] deleted = new boolean[1];
        try {
            // Within the table, so that an ingest of the same blob begins before or after, never in between.
            active.computeIfAbsent(digest, idle -> {
                deleted[0] = deleteIfExists(layout.partial(idle));
                left.remove(idle);
                return null;
            });
        } catch (UncheckedIOException e) {
            // Others are still to have their turn.
            LOG.warn("the partial of {} cannot be deleted: {}", digest, String.valueOf(e.getMessage()));
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
