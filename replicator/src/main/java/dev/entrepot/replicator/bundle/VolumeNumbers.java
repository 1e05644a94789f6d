package dev.entrepot.replicator.bundle;

import java.util.Collection;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** How the numbers of volumes are written. */
final class VolumeNumbers {
    private VolumeNumbers() {}

    /** In order, with commas, as {@code --volumes} takes them: {@code 2,5,6}. */
    static String shown(Collection<Integer> numbers) {
        return new TreeSet<>(numbers).stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
