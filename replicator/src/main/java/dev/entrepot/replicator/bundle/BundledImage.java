package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.Comparator;

/**
 * A tag that a bundle carries.
 *
 * @param source where it came from
 * @param repository the repository that it is in, by the source's name
 * @param tag the tag
 * @param manifest what it names
 */
public record BundledImage(Repository source, RepositoryName repository, Tag tag, Digest manifest) {
    /** By repository and tag. */
    static final Comparator<BundledImage> ORDER =
            Comparator.comparing(BundledImage::repository).thenComparing(BundledImage::tag);

    /** {@code repository:tag}. */
    public String name() {
        return repository + ":" + tag;
    }
}
