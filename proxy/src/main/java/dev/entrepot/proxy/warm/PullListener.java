package dev.entrepot.proxy.warm;

import dev.entrepot.cache.Answer;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;

/**
 * Is told of each manifest that a client is given or told of, before that is sent. Called by all threads, and must
 * return at once.
 */
@FunctionalInterface
public interface PullListener {
    /**
     * Takes note of it.
     *
     * @param reference what was asked for
     * @param answer what the client is told of it, and where that comes from
     */
    void pulled(Repository repository, ManifestReference reference, Answer<Descriptor> answer);
}
