package dev.entrepot.proxy.warm;

import dev.entrepot.cache.Answer;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;

/** Is told of each manifest that a client is given, before it is sent. Called by all threads, and must return at once. */
@FunctionalInterface
public interface PullListener {
    /** Takes note of it. */
    void pulled(Repository repository, ManifestReference reference, Answer<ManifestBytes> answer);
}
