package dev.entrepot.cache;

import dev.entrepot.oci.Repository;

/** How the disk is divided. Content counts for the repository that it was fetched for. Called often, by all threads. */
@FunctionalInterface
public interface DiskShares {
    /** One group for all. */
    DiskShares EQUAL = repository -> DiskGroup.DEFAULT;

    /** The group that a repository's content counts for. */
    DiskGroup of(Repository repository);
}
