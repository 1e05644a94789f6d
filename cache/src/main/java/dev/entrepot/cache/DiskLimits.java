package dev.entrepot.cache;

/**
 * How much of a disk may be used.
 *
 * @param capacityBytes the most that may be stored, reservations included
 * @param highBytes beyond this, eviction begins in the background; at most the capacity
 * @param lowBytes down to this is evicted once eviction has begun; at most {@code highBytes}
 * @param minFreeBytes what the file system must have left
 */
public record DiskLimits(long capacityBytes, long highBytes, long lowBytes, long minFreeBytes) {
    /** The watermarks where none are configured, in hundredths of the capacity. */
    public static final int HIGH_PERCENT = 98;
    /** As above. */
    public static final int LOW_PERCENT = 95;

    /** Validates the order of the limits. */
    public DiskLimits {
        if (lowBytes < 0 || lowBytes > highBytes || highBytes > capacityBytes || minFreeBytes < 0) {
            throw new IllegalArgumentException("capacity " + capacityBytes + ", high " + highBytes + ", low " + lowBytes
                    + ", free " + minFreeBytes + " bytes");
        }
    }

    /** Limits with the watermarks at {@link #HIGH_PERCENT} and {@link #LOW_PERCENT}. */
    public static DiskLimits of(long capacityBytes, long minFreeBytes) {
        return of(capacityBytes, minFreeBytes, HIGH_PERCENT, LOW_PERCENT);
    }

    /** Limits with the watermarks in hundredths of the capacity. */
    public static DiskLimits of(long capacityBytes, long minFreeBytes, int highPercent, int lowPercent) {
        return new DiskLimits(
                capacityBytes, part(capacityBytes, highPercent), part(capacityBytes, lowPercent), minFreeBytes);
    }

    // Without overflow at any capacity.
    private static long part(long bytes, int percent) {
        return bytes / 100 * percent + bytes % 100 * percent / 100;
    }
}
