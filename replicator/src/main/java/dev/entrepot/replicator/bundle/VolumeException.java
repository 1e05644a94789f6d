package dev.entrepot.replicator.bundle;

import java.io.IOException;

/** One volume is not what it should be; ends the reading of that volume and no other. */
final class VolumeException extends IOException {
    private static final long serialVersionUID = 1;

    private final transient VolumeProblem problem;

    VolumeException(VolumeProblem problem) {
        super(problem.toString());
        this.problem = problem;
    }

    VolumeProblem problem() {
        return problem;
    }
}
