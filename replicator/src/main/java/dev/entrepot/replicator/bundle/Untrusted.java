package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Of volumes of which none has an inventory that counts: what is wrong with each, and what to ask the sender for. */
final class Untrusted {
    private Untrusted() {}

    /** Why nothing that a volume says is believed. */
    static VolumeProblem why(BundleOpening.Candidate candidate, List<BundleTrust> trust) throws IOException {
        return candidate.head().isPresent()
                ? untrusted(candidate.reader(), candidate.head().get(), trust)
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

    private static VolumeProblem untrusted(VolumeReader reader, BundleOpening.Head head, List<BundleTrust> trust)
            throws IOException {
        Path path = reader.path();
        if (!head.agrees()) {
            return contradicting(reader, head, !trust.isEmpty() && head.signed());
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

    // Where there is a signature that does not fit, it is the inventory that is altered, or the key is another. Where
    // there is none, nothing says which of the two is right: a remedy that goes by one of them may name a bundle that
    // there never was.
    private static VolumeProblem contradicting(VolumeReader reader, BundleOpening.Head head, boolean signed)
            throws IOException {
        String what = "its inventory has the digest " + head.id() + ", and " + VolumePlan.VOLUME + " says ";
        if (head.stated().isEmpty()) {
            VolumeProblem problem = VolumeProblem.of(Kind.ALTERED, reader.path(), what + "nothing that can be read");
            int number = byItsFiles(reader, head.id());
            return number == 0 ? problem.alone() : problem.in(number, head.id());
        }
        VolumeClaims.Stated stated = head.stated().get();
        VolumeProblem problem = VolumeProblem.of(Kind.ALTERED, reader.path(), what + stated.bundle());
        return signed
                ? problem.in(stated.volume(), stated.bundle())
                : problem.inOneOf(stated.volume(), head.id(), stated.bundle());
    }

    // An inventory that can be read as one, and names the files that are there, is hardly the one that is damaged.
    private static int byItsFiles(VolumeReader reader, Digest id) throws IOException {
        try {
            VolumeClaims claims = UnreadableException.reading(reader.path(), reader::head);
            Inventory inventory = InventoryJson.read(claims.document(), VolumePlan.INVENTORY);
            return claims.id().equals(id)
                    ? BundleOpening.byItsFiles(reader, VolumePlan.of(inventory, claims.document(), claims.signature()))
                    : 0;
        } catch (BundleException | UnreadableException | VolumeException e) {
            return 0;
        }
    }
}
