package dev.entrepot.cache;

import dev.entrepot.oci.Repository;

/**
 * What all pulls of one repository stand on.
 *
 * @param admission who reads what, and by which rules
 * @param upstream the upstream's repository, as far as rules let it be asked
 * @param cache what is kept, for all repositories
 * @param index what is known of what is kept
 */
record PullBasis(Admission admission, GuardedSource upstream, PullThroughCache cache, CacheIndex index) {
    /** Which repository it is. */
    Repository repository() {
        return admission.repository();
    }

    /** Who reads it. */
    Readers readers() {
        return admission.readers();
    }
}
