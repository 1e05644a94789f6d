package dev.entrepot.replicator.bundle;

import java.util.List;

/**
 * What a volume has, compared with what it should have.
 *
 * @param slices where the content of each expected file is, in their order; empty if one of them is not as it should be
 * @param problems what is wrong with it, at most one thing of a kind
 * @param litter names of what systems leave behind in folders by themselves, a few of them and how many more, which was
 *     passed over
 */
record VolumeFiles(List<Slice> slices, List<VolumeProblem> problems, List<String> litter) {
    VolumeFiles {
        slices = List.copyOf(slices);
        problems = List.copyOf(problems);
        litter = List.copyOf(litter);
    }

    /** Exactly what it should have. */
    static VolumeFiles exact(List<Slice> slices) {
        return new VolumeFiles(slices, List.of(), List.of());
    }

    /** Whether each expected file is there as it should be, whatever else there is. */
    boolean isWhole() {
        return !slices.isEmpty();
    }
}
