package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** Volumes are not what they should be. Nothing was written anywhere. */
public final class DamagedBundleException extends IOException {
    private static final long serialVersionUID = 1;

    private final transient List<VolumeProblem> problems;

    /** Says everything that was found, at least one thing, each in a line. */
    public DamagedBundleException(List<VolumeProblem> problems) {
        super(problems.stream().map(VolumeProblem::toString).collect(Collectors.joining("\n  ")));
        this.problems = List.copyOf(problems);
    }

    /** What was found. */
    public List<VolumeProblem> problems() {
        return problems;
    }
}
