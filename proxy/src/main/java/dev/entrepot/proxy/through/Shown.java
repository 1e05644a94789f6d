package dev.entrepot.proxy.through;

import dev.entrepot.oci.client.Credential;
import dev.entrepot.proxy.access.BasicCredentials;
import dev.entrepot.proxy.access.CredentialKey;
import dev.entrepot.proxy.http.Approach;
import java.util.Optional;

/**
 * The credential that a client shows, by the scheme Basic. A token is none: what it would be good for at the registry
 * it was not given out for here.
 *
 * @param key stands for it in what is remembered
 * @param credential the credential itself
 */
record Shown(CredentialKey key, Credential.UserPassword credential) {
    /**
     * Longest value of {@code Authorization} that is looked at, in characters: keys of clouds have up to four thousand.
     */
    private static final int LONGEST = 16 * 1024;

    /** What a client shows; empty if it shows nothing, or nothing of use. */
    static Optional<Shown> of(Approach approach, CredentialKey.Maker keys) {
        return approach.authorization()
                .filter(value -> value.length() <= LONGEST)
                .flatMap(BasicCredentials::of)
                .filter(basic -> !basic.user().isEmpty() && !basic.password().isEmpty())
                .map(basic -> new Shown(
                        keys.of(basic.user(), basic.password()),
                        new Credential.UserPassword(basic.user(), basic.password())));
    }

    @Override
    public String toString() {
        return "Shown[...]";
    }
}
