package dev.entrepot.replicator.bundle;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;

/**
 * What the constructors of the documents check; a failure is an {@link IllegalArgumentException} whose message says
 * what is wrong.
 */
final class Checks {
    private Checks() {}

    static void that(boolean valid, String otherwise) {
        if (!valid) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    static void volume(int volume) {
        that(
                volume >= 1 && volume <= BundleLimits.VOLUMES,
                "volume " + volume + " is not one of 1 to " + BundleLimits.VOLUMES);
    }

    /** A copy of the list, which must be sorted and have no entry twice. */
    static <T> List<T> sorted(List<T> list, Comparator<? super T> order, String what) {
        for (int i = 1; i < list.size(); i++) {
            that(
                    order.compare(list.get(i - 1), list.get(i)) < 0,
                    what + " are not sorted, or one is there twice: " + list.get(i));
        }
        return List.copyOf(list);
    }

    /** A copy of the list, which must have no entry twice. */
    static <T> List<T> distinct(List<T> list, String what) {
        that(new HashSet<>(list).size() == list.size(), what + " are there twice");
        return List.copyOf(list);
    }
}
