package dev.entrepot.cache;

import java.util.Optional;

/**
 * What has to go from a disk.
 *
 * @param missingBytes without which there is no room
 * @param goalBytes with which there is some for a while
 * @param reason for what it goes
 */
record DiskNeed(long missingBytes, long goalBytes, EvictionReason reason) {
    // Once the file system needs room, this part of the capacity is freed as well, so that not every fetch has to
    // evict.
    private static final int SLACK_PARTS = 20;

    /**
     * What has to go so that more can come.
     *
     * @param mostBytes the most that may be used then
     * @param wantedBytes what is to come
     * @param usedBytes what is used
     * @param freeBytes what the file system has left, and is promised to nobody
     * @return empty if there is room
     */
    static Optional<DiskNeed> of(DiskLimits limits, long mostBytes, long wantedBytes, long usedBytes, long freeBytes) {
        long overCapacity = usedBytes + wantedBytes - mostBytes;
        long underFloor = limits.minFreeBytes() + wantedBytes - freeBytes;
        long missing = Math.max(overCapacity, underFloor);
        if (missing <= 0) {
            return Optional.empty();
        }
        long goal = missing;
        if (overCapacity > 0) {
            goal = Math.max(goal, usedBytes + wantedBytes - limits.lowBytes());
        }
        if (underFloor > 0) {
            goal = Math.max(goal, underFloor + limits.capacityBytes() / SLACK_PARTS);
        }
        return Optional.of(new DiskNeed(
                missing, goal, underFloor > overCapacity ? EvictionReason.FREE_SPACE : EvictionReason.CAPACITY));
    }
}
