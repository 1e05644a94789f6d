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
        long overCapacity = sum(usedBytes, wantedBytes) - mostBytes;
        // What is promised may be more than there is: freeBytes is negative then.
        long floor = sum(limits.minFreeBytes(), wantedBytes);
        long underFloor = freeBytes < 0 ? sum(floor, -freeBytes) : floor - freeBytes;
        long missing = Math.max(overCapacity, underFloor);
        if (missing <= 0) {
            return Optional.empty();
        }
        long goal = missing;
        if (overCapacity > 0) {
            goal = Math.max(goal, sum(usedBytes, wantedBytes) - limits.lowBytes());
        }
        if (underFloor > 0) {
            goal = Math.max(goal, sum(underFloor, limits.capacityBytes() / SLACK_PARTS));
        }
        return Optional.of(new DiskNeed(
                missing, goal, underFloor > overCapacity ? EvictionReason.FREE_SPACE : EvictionReason.CAPACITY));
    }

    // Of two that are not negative, and may be configured near the most that there is.
    private static long sum(long one, long other) {
        long sum = one + other;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
