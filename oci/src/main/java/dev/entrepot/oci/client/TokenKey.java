package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What a token is good for.
 *
 * @param registry the registry
 * @param credential {@link Credential#fingerprint()}, or empty for anonymous
 * @param realm the token service
 * @param service the name of the registry there, where the challenge states one
 * @param scopes what it allows, without order
 */
record TokenKey(
        RegistryHost registry,
        Optional<String> credential,
        URI realm,
        Optional<String> service,
        SortedSet<Scope> scopes) {
    static TokenKey of(
            RegistryHost registry,
            Optional<Credential> credential,
            URI realm,
            Optional<String> service,
            List<Scope> scopes) {
        return new TokenKey(registry, credential.map(Credential::fingerprint), realm, service, new TreeSet<>(scopes));
    }
}
