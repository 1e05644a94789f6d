package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Upstreams that are asked with the credentials of each client, and of which nobody gets anything for whom they have
 * not said that he may have it. Safe for all threads.
 */
public interface OwnCredentials {
    /** There are no such upstreams. */
    OwnCredentials NONE = new NoOwnCredentials();

    /** Whether there are any. */
    boolean areAsked();

    /** Whether an upstream is one of them. */
    boolean areAskedBy(RegistryHost upstream);

    /**
     * A repository of such an upstream, for the client that shows these credentials and for no other. Each of its
     * methods throws {@link AccessRefusedException} where the upstream does not let the client in.
     *
     * @throws AccessRefusedException if the client shows none
     */
    ServedRepository open(Repository repository, Approach approach) throws AccessRefusedException;

    /**
     * Refuses who asks for {@code /v2/} without credentials that such an upstream takes, so that clients learn here how
     * to show them.
     *
     * @param meant the registry that the request names
     * @throws IOException as {@link ServedRepository}
     */
    void requirePing(Optional<RegistryHost> meant, Approach approach) throws IOException;

    /** Tells of repositories whether their upstream has lately let this client pull from them. Asks nobody. */
    Predicate<Repository> mayList(Approach approach);
}
