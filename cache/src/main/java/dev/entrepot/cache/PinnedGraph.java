package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a pin protects, as far as the manifests that are kept name it.
 *
 * @param pin the pin
 * @param root what its reference names; empty if its tag is not known here
 * @param digests everything that may not be evicted, whether it is stored or not
 * @param missing the part of it that is not stored; what is under a missing manifest is not known
 */
public record PinnedGraph(Pin pin, Optional<Digest> root, Set<Digest> digests, List<Descriptor> missing) {
    /** Copies the collections. */
    public PinnedGraph {
        digests = Set.copyOf(digests);
        missing = List.copyOf(missing);
    }

    /** Whether all of it is stored. */
    public boolean isComplete() {
        return root.isPresent() && missing.isEmpty();
    }
}
