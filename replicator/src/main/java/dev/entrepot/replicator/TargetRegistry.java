package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;

/** A registry, or something like one, that is copied to. Implementations are safe for all threads. */
public interface TargetRegistry {
    /** The name under which reports show it and the journal remembers it: it must stay the same over restarts. */
    String name();

    /** One of its repositories, for writing. */
    RepositoryTarget target(RepositoryName name);

    /** The same repository, for reading what is there now; never through a cache. */
    RepositorySource reader(RepositoryName name);
}
