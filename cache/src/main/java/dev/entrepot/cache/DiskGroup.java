package dev.entrepot.cache;

/**
 * Repositories that the disk treats alike.
 *
 * @param name what the group is called in statistics; one group has one name
 * @param priority content of a lower priority is evicted first
 * @param share how much of the capacity the group's large blobs may have before they are evicted first, more than 0, at
 *     most 1
 */
public record DiskGroup(String name, int priority, double share) {
    /** The group of repositories that nothing is said about. */
    public static final DiskGroup DEFAULT = new DiskGroup("default", 0, 1);

    /** Validates the share. */
    public DiskGroup {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException("disk group " + name + " with the share " + share);
        }
    }

    /** Whether the group may not have all of the disk. */
    boolean isLimited() {
        return share < 1;
    }
}
