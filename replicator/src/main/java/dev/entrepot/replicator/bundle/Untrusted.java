package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Of volumes of which none has an inventory that counts: what is wrong with each, and what to ask the sender for. */
final class Untrusted {
    private Untrusted() {}

    /** Why nothing that a volume says is believed. */
    static VolumeProblem why(BundleOpening.Candidate candidate, List<BundleTrust> trust) {
        return candidate.head().isPresent()
                ? untrusted(candidate.reader().path(), candidate.head().get(), trust)
                : broken(candidate, candidate.broken().orElseThrow());
    }

    // Nothing of it is signed; but it serves to ask the sender for.
    private static VolumeProblem broken(BundleOpening.Candidate candidate, VolumeProblem broken) {
        if (candidate.traces().isEmpty()) {
            return broken.alone();
        }
        VolumeClaims.Stated stated = candidate.traces().get();
        VolumeProblem problem = broken.kind() == Kind.FOREIGN ? broken.as(Kind.ALTERED) : broken;
        return problem.in(stated.volume(), stated.bundle());
    }

    private static VolumeProblem untrusted(Path path, BundleOpening.Head head, List<BundleTrust> trust) {
        if (!head.agrees()) {
            VolumeProblem problem = VolumeProblem.of(
                    Kind.ALTERED,
                    path,
                    "its inventory has the digest " + head.id() + ", and " + VolumePlan.VOLUME + " says "
                            + head.stated()
                                    .map(stated -> stated.bundle().toString())
                                    .orElse("nothing that can be read"));
            return head.stated()
                    .map(stated -> problem.in(stated.volume(), stated.bundle()))
                    .orElseGet(problem::alone);
        }
        String keys = trust.stream().map(keysOf -> keysOf.file().toString()).collect(Collectors.joining(", "));
        VolumeProblem problem = head.signed()
                ? VolumeProblem.of(
                        Kind.UNTRUSTED,
                        path,
                        "its inventory is not signed by a key of " + keys + ", or the signature is altered")
                : VolumeProblem.unsigned(path);
        VolumeClaims.Stated stated = head.stated().orElseThrow();
        return problem.in(stated.volume(), stated.bundle());
    }
}
