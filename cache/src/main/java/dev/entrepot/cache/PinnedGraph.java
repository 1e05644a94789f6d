package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a pin protects, as far as the manifests that are kept name it.
 *
 * @param pin the pin
 * @param root what its reference names, or named before the upstream denied it; empty if its tag was never known here
 * @param digests everything that may not be evicted, whether it is stored or not
 * @param missing the part of it that is not stored; what is under a missing manifest is not known
 * @param unsure whether there may be more, because a manifest is missing or something could not be read
 */
public record PinnedGraph(
        Pin pin, Optional<Digest> root, Set<Digest> digests, List<Descriptor> missing, boolean unsure) {
    /** Copies the collections. */
    public PinnedGraph {
        digests = Set.copyOf(digests);
        missing = List.copyOf(missing);
    }

    /**
     * As above, with what was protected before: a part that cannot be read now may still name it, and a root that is
     * not known says nothing. What a tag named before is not kept, if it is known what it names now.
     */
    PinnedGraph with(PinnedGraph before) {
        boolean knownRoot = root.isPresent() && (!unsure || !root.equals(before.root()));
        if (knownRoot || before.digests().isEmpty()) {
            return this;
        }
        Set<Digest> both = new HashSet<>(digests);
        both.addAll(before.digests());
        return new PinnedGraph(pin, root.or(before::root), both, missing, true);
    }

    /** Whether all of it is stored. */
    public boolean isComplete() {
        return root.isPresent() && missing.isEmpty();
    }
}
