package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.List;

/** Where the content of a node is. */
public sealed interface Placement {
    /**
     * Whole in one volume.
     *
     * @param volume number of the volume, from 1
     */
    record InVolume(int volume) implements Placement {
        /** Checks the range. */
        public InVolume {
            Checks.volume(volume);
        }
    }

    /**
     * In parts, because it is larger than a volume.
     *
     * @param parts at least two, in order, each in a later volume than the one before
     */
    record InParts(List<Part> parts) implements Placement {
        /** Checks number and order. */
        public InParts {
            parts = List.copyOf(parts);
            Checks.that(
                    parts.size() >= 2 && parts.size() <= BundleLimits.VOLUMES,
                    "a blob has " + parts.size() + " parts, allowed are 2 to " + BundleLimits.VOLUMES);
            for (int i = 1; i < parts.size(); i++) {
                Checks.that(
                        parts.get(i).volume() > parts.get(i - 1).volume(),
                        "part " + (i + 1) + " of a blob is not in a later volume than the part before");
            }
        }

        /** The sum of the sizes of the parts, in bytes. */
        public long sizeBytes() {
            return parts.stream().mapToLong(Part::sizeBytes).reduce(0, Math::addExact);
        }
    }

    /**
     * Not in the bundle: the receipt that it is the difference to says that the target has it.
     *
     * @param repository a repository, by the source's name, in which the target has it
     */
    record Held(RepositoryName repository) implements Placement {}

    /**
     * A part of a blob.
     *
     * @param volume the volume that it is in, from 1
     * @param sizeBytes its size, at least 1
     * @param digest the digest of the part alone
     */
    record Part(int volume, long sizeBytes, Digest digest) {
        /** Checks the ranges. */
        public Part {
            Checks.volume(volume);
            Checks.that(sizeBytes > 0, "a part of a blob has " + sizeBytes + " bytes");
        }
    }
}
