package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Comparator;
import java.util.List;

/**
 * A blob of a bundle.
 *
 * @param digest the digest of its bytes
 * @param sizeBytes its size, at least 0
 * @param repositories the repositories of the manifests that name it, sorted
 * @param placement where its bytes are
 */
public record BundledBlob(Digest digest, long sizeBytes, List<RepositoryName> repositories, Placement placement) {
    /** Checks the size, and that parts add up to it. */
    public BundledBlob {
        Checks.that(sizeBytes >= 0, "blob " + digest + " has " + sizeBytes + " bytes");
        if (placement instanceof Placement.InParts parts) {
            Checks.that(
                    parts.sizeBytes() == sizeBytes,
                    "the parts of blob " + digest + " have " + parts.sizeBytes() + " bytes together, it has "
                            + sizeBytes);
        }
        repositories = Checks.sorted(repositories, Comparator.naturalOrder(), "repositories of blob " + digest);
    }

    /** The same blob elsewhere. */
    BundledBlob at(Placement other) {
        return new BundledBlob(digest, sizeBytes, repositories, other);
    }
}
