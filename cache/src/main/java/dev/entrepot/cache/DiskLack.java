package dev.entrepot.cache;

/**
 * Why there is no room for a blob, though all was evicted that may go.
 *
 * @param claimedBytes what the blob has already, among what is coming
 * @param inUseBytes of images that are being pulled, among what is stored
 * @param pinnedBytes of what is pinned, among what is stored
 * @param promisedBytes what is coming and not written yet, among what looks free
 * @param freeBytes what the file system has left
 */
record DiskLack(
        DiskLimits limits,
        DiskUsage usage,
        long claimedBytes,
        long inUseBytes,
        long pinnedBytes,
        long promisedBytes,
        long freeBytes) {
    /** Says which limit leaves no room for a blob of so many bytes, and what to do about that one. */
    String of(long totalBytes) {
        if (totalBytes > limits.capacityBytes() - usage.ballast()) {
            return "that is more than the whole capacity of " + limits.capacityBytes() + " bytes"
                    + (usage.ballast() == 0 ? "" : ", " + usage.ballast() + " of them for the ballast")
                    + "; raise capacity";
        }
        long wanted = Math.max(0, totalBytes - claimedBytes);
        return DiskNeed.of(limits, limits.capacityBytes(), wanted, usage.total(), freeBytes - promisedBytes)
                .map(need -> need.reason() == EvictionReason.FREE_SPACE ? freeSpace() : capacity())
                .orElse("there was none for a moment, and is now; see whether the disk is slow");
    }

    private String freeSpace() {
        return "the disk has " + freeBytes + " bytes free, of which " + promisedBytes
                + " are promised to what is coming, and min-free keeps " + limits.minFreeBytes()
                + "; free space on the disk, or lower min-free";
    }

    private String capacity() {
        long pulledBytes = usage.coming() - claimedBytes + inUseBytes;
        String remedy = pulledBytes >= pinnedBytes
                ? "raise capacity, or have less pulled at one time"
                : "unpin what need not stay, or raise capacity";
        return "of the capacity of " + limits.capacityBytes() + " bytes, " + pulledBytes
                + " are held by what is being pulled and " + pinnedBytes + " by what is pinned; " + remedy;
    }
}
