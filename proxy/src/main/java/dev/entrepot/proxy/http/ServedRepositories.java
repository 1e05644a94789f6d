package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The repositories that are served. Safe for all threads. */
public interface ServedRepositories {
    /** The repository, which need not exist. The registry is one of those that requests are routed to. */
    ServedRepository open(Repository repository);

    /** The same, for who can wait: it leaves of quotas and limits what is kept for those who cannot. */
    default ServedRepository openInBackground(Repository repository) {
        return open(repository);
    }

    /** For whom what comes from an upstream is, as far as that depends on how it is asked. */
    default Audience audience(RegistryHost upstream) {
        return Audience.EVERYBODY;
    }

    /** How many outages of an upstream are over; what fails after one of them fails anew. */
    default long outagesOver(RegistryHost upstream) {
        return 0;
    }

    /**
     * Repositories of which something is kept, in order.
     *
     * @param after the repository before the first; empty for the beginning
     * @param limit the most that are wanted, at least 1
     */
    List<Repository> kept(Optional<Repository> after, int limit) throws IOException;
}
