package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.graph.GraphScope;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A registry that is copied from; in production the pull-through cache before it. Implementations are safe for all
 * threads.
 */
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
     * Whether it has a manifest at this moment, whatever a cache before it keeps.
     *
     * @throws RegistryException if it gave no answer
     */
    default boolean hasNow(RepositoryName repository, Digest manifest) throws IOException {
        return repository(repository).resolve(manifest).isPresent();
    }

    /**
     * What the registry itself lists as referrers at this moment, where somebody else may have answered for it, as a
     * mirror that is behind; empty where nobody else does.
     *
     * @throws RegistryException if it gave no answer
     */
    default Optional<Referrers> ownReferrers(RepositoryName repository, Digest subject) throws IOException {
        return Optional.empty();
    }

    /**
     * Whether what is read of it once stays with it, as with a cache: then a run reads no manifest again that planning
     * it read, and each blob once whatever the number of targets.
     */
    default boolean keepsWhatIsRead() {
        return false;
    }

    /** Whether it has this content itself now, so that reading it costs its upstream nothing. Asks nobody. */
    default boolean keeps(Digest content, boolean manifest) {
        return false;
    }

    /**
     * What of its graphs is to be had, of what a rule wants: a source that was left without some children of its
     * indexes on purpose names them, so that their absence is no failure.
     */
    default GraphScope scope(GraphScope wanted) {
        return wanted;
    }
}
