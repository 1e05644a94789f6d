package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.List;
import java.util.Locale;

/**
 * What a run would do with one thing at a target that the source no longer has, or that the rule no longer has under
 * any tag.
 *
 * @param repository repository at the target
 * @param reference the tag, or the digest of something that is left over without one; {@code *} where it is about
 *     several
 * @param action what would be done
 * @param reason why, for people
 * @param manifests the manifests that would be deleted, in that order
 */
public record PruneStep(
        RepositoryName repository, String reference, Action action, String reason, List<Digest> manifests) {
    /** Copies the list. */
    public PruneStep {
        manifests = List.copyOf(manifests);
    }

    /** What can be done. */
    public enum Action {
        /** It is deleted. */
        DELETE,
        /** It stays for now, although it is due. */
        KEEP,
        /** The target does not say what would come of it. */
        FAIL;

        /** As plans write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static PruneStep delete(RepositoryName repository, String reference, String reason, List<Digest> manifests) {
        return new PruneStep(repository, reference, Action.DELETE, reason, manifests);
    }

    static PruneStep keep(RepositoryName repository, String reference, String reason) {
        return new PruneStep(repository, reference, Action.KEEP, reason, List.of());
    }

    /** Repository with tag or digest. */
    public String name() {
        return ItemReport.name(repository, reference);
    }
}
