package dev.entrepot.replicator;

import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.graph.GraphScope;
import java.io.IOException;
import java.util.List;

/** A registry that is copied from; in production the pull-through cache before it. Implementations are safe for all threads. */
public interface SourceRegistry {
    /** The name under which reports show it. */
    String name();

    /** One of its repositories; whether it exists shows when it is asked. */
    RepositorySource repository(RepositoryName name);

    /**
     * The names of its repositories, needed only where a rule selects them by pattern.
     *
     * @throws RegistryException if there is no catalog or it gave no answer; a part of the list is never returned
     */
    List<RepositoryName> catalog() throws IOException;

    /**
     * What of its graphs is to be had, of what a rule wants: a source that was left without some children of its indexes on purpose names them, so
     * that their absence is no failure.
     */
    default GraphScope scope(GraphScope wanted) {
        return wanted;
    }
}
