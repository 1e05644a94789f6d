package dev.entrepot.proxy.through;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.proxy.access.CredentialKey;
import java.util.Optional;

/**
 * That the holder of a credential may do something at an upstream.
 *
 * @param who stands for the credential
 * @param upstream where
 * @param repository of which repository; empty for the upstream itself
 * @param right what
 */
record Claim(CredentialKey who, RegistryHost upstream, Optional<RepositoryName> repository, Right right) {
    /** What upstreams let somebody do, each of which says nothing of the others. */
    enum Right {
        /** Ask for {@code /v2/}. */
        ENTER,
        /** Have manifests, blobs and referrers. */
        PULL,
        /** Have the list of tags. */
        LIST
    }
}
