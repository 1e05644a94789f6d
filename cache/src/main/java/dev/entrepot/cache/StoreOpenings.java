package dev.entrepot.cache;

import java.util.OptionalLong;

/**
 * What the openings of a store are told apart by. Each leaves its number in {@code store.json} and in the index, so
 * that an index which was brought from elsewhere, as from a backup, is known by a number that is not the last one.
 *
 * @param former the opening before this one; empty for a new store, or if a program that did not number them was there
 *     last
 * @param present this opening
 */
record StoreOpenings(OptionalLong former, long present) {
    /**
     * Whether an index is the one that was used with the files last: in the opening before, or earlier in this one.
     *
     * @param ofIndex the opening that it was last used in; empty if it has no number
     */
    boolean isLast(OptionalLong ofIndex) {
        return ofIndex.equals(former) || ofIndex.equals(OptionalLong.of(present));
    }
}
