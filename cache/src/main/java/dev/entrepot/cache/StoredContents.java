package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What lies on the disk, as the index knows it: kind, length, owner and last use of each piece, and their sums. Safe
 * for all threads. Part of {@link CacheIndex}.
 */
public final class StoredContents {
    private final WriteBehind<Digest, IndexedContent> contents;
    private final IndexReaders readers;
    private final Touches touches;
    private final Clock clock;
    private final AtomicLong storedCount = new AtomicLong();
    private final AtomicLong storedBytes = new AtomicLong();
    private final AtomicLong smallBytes = new AtomicLong();
    private volatile ContentWatcher watcher = ContentWatcher.NONE;

    /**
     * The contents of a database.
     *
     * @param totals what it has
     * @param clock the time of last uses
     */
    StoredContents(
            WriteBehind<Digest, IndexedContent> contents,
            IndexReaders readers,
            Touches touches,
            IndexReader.Totals totals,
            Clock clock) {
        this.contents = contents;
        this.readers = readers;
        this.touches = touches;
        this.clock = clock;
        storedCount.set(totals.count());
        storedBytes.set(totals.bytes());
        smallBytes.set(totals.smallBytes());
        touches.whenWritten((digest, at) -> contents.amend(digest, known -> known.usedAt(at)));
    }

    /** Who hears of what comes, is used and goes. */
    ContentWatcher watcher() {
        return watcher;
    }

    /**
     * Registers content that has been published in the store, as used now. Harmless when repeated.
     *
     * @param mediaType for a manifest, its type as the upstream stated it
     */
    public void stored(Digest digest, ContentKind kind, long bytes, Optional<MediaType> mediaType) {
        stored(digest, kind, bytes, mediaType, Optional.empty());
    }

    /**
     * As above.
     *
     * @param owner the repository that it was fetched for, whose part of the disk it takes; if not known, it stays as
     *     it was
     */
    public void stored(
            Digest digest, ContentKind kind, long bytes, Optional<MediaType> mediaType, Optional<Repository> owner) {
        Instant now = clock.instant();
        Optional<IndexedContent> noted = contents.update(digest, known -> {
            Optional<MediaType> type = mediaType.or(() -> known.flatMap(IndexedContent::mediaType));
            Optional<Repository> heldBy = owner.or(() -> known.flatMap(IndexedContent::owner));
            IndexedContent content = new IndexedContent(kind, bytes, type, now, heldBy);
            account(known, Optional.of(content));
            return Optional.of(content);
        });
        watcher.stored(digest, kind, bytes, noted.flatMap(IndexedContent::owner));
    }

    /** Has one other hear of what comes, is used and goes from now on. */
    void watch(ContentWatcher newWatcher) {
        watcher = newWatcher;
    }

    // Within the step that makes the change visible: who sees the content finds it in the sums.
    private void account(Optional<IndexedContent> before, Optional<IndexedContent> after) {
        storedCount.addAndGet((after.isPresent() ? 1 : 0) - (before.isPresent() ? 1 : 0));
        storedBytes.addAndGet(after.map(IndexedContent::bytes).orElse(0L)
                - before.map(IndexedContent::bytes).orElse(0L));
        smallBytes.addAndGet(small(after) - small(before));
    }

    private static long small(Optional<IndexedContent> content) {
        return content.filter(known -> DiskPolicy.isSmall(known.kind(), known.bytes()))
                .map(IndexedContent::bytes)
                .orElse(0L);
    }

    /** What is known of content that is registered; of its last use only what is in the database. */
    Optional<IndexedContent> get(Digest digest) {
        return contents.get(digest);
    }

    /** Content that is registered, with its last use. */
    Optional<Candidate> candidate(Digest digest) {
        return get(digest)
                .map(known -> withUse(
                        new Candidate(digest, known.kind(), known.bytes(), known.lastUsed()), touches.pending()));
    }

    /** Whether content is registered. */
    public boolean isStored(Digest digest) {
        return contents.get(digest).isPresent();
    }

    /** The type of a stored manifest; empty if it is not known, as after the index was damaged. */
    public Optional<MediaType> manifestType(Digest digest) {
        return contents.get(digest).flatMap(IndexedContent::mediaType);
    }

    /**
     * Notes that content was served for a repository. Cheap: no lock, no database, at most one note per digest in 30 s.
     */
    public void touched(Digest digest, Repository by) {
        if (touches.add(digest, clock.millis())) {
            watcher.used(digest, by);
        }
    }

    /** Forgets content that has been deleted from the store. Harmless when repeated. */
    public void removed(Digest digest) {
        touches.forget(digest);
        contents.update(digest, known -> {
            account(known, Optional.empty());
            return Optional.empty();
        });
        watcher.removed(digest);
    }

    /** The bytes of all stored content. */
    public long storedBytes() {
        return storedBytes.get();
    }

    /** The part of {@link #storedBytes()} that is manifests and blobs of less than 64 KiB. */
    public long smallBytes() {
        return smallBytes.get();
    }

    /** Visits all content, the longest unused first, except that what waits to be committed comes last. */
    void forEachByUse(IndexReader.ContentVisitor visitor) throws IOException {
        Map<Digest, Optional<IndexedContent>> pending = contents.pending();
        readers.ask(reader -> {
            reader.forEachByUse((digest, kind, bytes, owner, uses) ->
                    pending.containsKey(digest) || visitor.visit(digest, kind, bytes, owner, uses));
            return 0;
        });
        List<Candidate> found = new ArrayList<>();
        pending.forEach((digest, value) -> value.ifPresent(
                content -> found.add(new Candidate(digest, content.kind(), content.bytes(), content.lastUsed()))));
        found.sort(Comparator.comparing(Candidate::lastUsed));
        for (Candidate next : found) {
            Optional<Repository> owner =
                    pending.getOrDefault(next.digest(), Optional.empty()).flatMap(IndexedContent::owner);
            visitor.visit(next.digest(), next.kind(), next.bytes(), owner, 1);
        }
    }

    /** The number of stored blobs and manifests. */
    public long storedCount() {
        return storedCount.get();
    }

    /**
     * The content that was not used for the longest time, longest first.
     *
     * @param n the most that are returned, at least 1
     * @throws IOException if the database cannot be read
     */
    List<Candidate> leastRecentlyUsed(int n) throws IOException {
        // What is in memory first, the database second: what is committed in between is seen twice, and the pending
        // value counts.
        Map<Digest, Optional<IndexedContent>> pending = contents.pending();
        Map<Digest, Long> used = new HashMap<>(touches.pending());
        // Each of these can push one row of the answer back, so with that many more the first n are among them.
        int limit = n + pending.size() + used.size();
        List<Candidate> found = new ArrayList<>();
        for (Candidate row : readers.ask(reader -> reader.leastRecentlyUsed(limit))) {
            if (!pending.containsKey(row.digest())) {
                found.add(withUse(row, used));
            }
        }
        pending.forEach((digest, value) -> value.ifPresent(content ->
                found.add(withUse(new Candidate(digest, content.kind(), content.bytes(), content.lastUsed()), used))));
        found.sort(Comparator.comparing(Candidate::lastUsed).thenComparing(Candidate::digest));
        return found.subList(0, Math.min(n, found.size()));
    }

    private static Candidate withUse(Candidate candidate, Map<Digest, Long> used) {
        Long millis = used.get(candidate.digest());
        return millis == null || millis <= candidate.lastUsed().toEpochMilli()
                ? candidate
                : new Candidate(candidate.digest(), candidate.kind(), candidate.bytes(), Instant.ofEpochMilli(millis));
    }
}
