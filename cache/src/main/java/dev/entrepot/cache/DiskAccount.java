package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * What of the disk is used, and what has to go so that more can come. Counted are stored content, partial files, what
 * lies in quarantine, the {@link Ballast}, and what was {@linkplain Ingest#reserve reserved} for blobs that are still
 * coming. Safe for all threads; each answer is of its moment, and who acts on one sees to it that nobody else does
 * meanwhile.
 */
final class DiskAccount {
    /** Where the free space is read: {@link ContentStore#freeBytes()}, except in tests. */
    @FunctionalInterface
    interface FreeSpace {
        /** The bytes that the file system has left. */
        long bytes() throws IOException;
    }

    private final ContentStore store;
    private final CacheIndex index;
    private final DiskLimits limits;
    private final FreeSpace freeSpace;

    /** The account of a store and its index, which are open as long as it is asked. */
    DiskAccount(ContentStore store, CacheIndex index, DiskLimits limits, FreeSpace freeSpace) {
        this.store = store;
        this.index = index;
        this.limits = limits;
        this.freeSpace = freeSpace;
    }

    /** The bytes that count against the capacity, by what they are. */
    DiskUsage usage() throws IOException {
        // Claims before the sum: a blob that is registered in between is counted twice for a moment, never not at all.
        long claimed = 0;
        for (Map.Entry<Digest, Long> claim : store.ingests().claims().entrySet()) {
            claimed += index.contents().isStored(claim.getKey()) ? 0 : claim.getValue();
        }
        return new DiskUsage(
                index.contents().storedBytes(),
                claimed,
                store.quarantine().bytes(),
                store.ballast().bytes());
    }

    /**
     * The bytes that the file system has left.
     *
     * @throws IOException if it does not say
     */
    long freeBytes() throws IOException {
        return freeSpace.bytes();
    }

    /**
     * What has to go so that more can come.
     *
     * @param wantedBytes what is to come
     * @param mostBytes the most that may be used then
     * @return empty if there is room
     */
    Optional<DiskNeed> need(long wantedBytes, long mostBytes) throws IOException {
        return DiskNeed.of(
                limits,
                mostBytes,
                wantedBytes,
                usage().total(),
                freeBytes() - store.ingests().promisedBytes());
    }

    /**
     * What there is, for who has found no room.
     *
     * @param claimedBytes what the blob has already that finds none
     * @param inUseBytes of images that are being pulled
     * @param pinnedBytes of what is pinned
     */
    DiskLack lack(long claimedBytes, long inUseBytes, long pinnedBytes) throws IOException {
        return new DiskLack(
                limits,
                usage(),
                claimedBytes,
                inUseBytes,
                pinnedBytes,
                store.ingests().promisedBytes(),
                freeBytes());
    }
}
