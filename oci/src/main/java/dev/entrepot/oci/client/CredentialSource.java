package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.Optional;

/**
 * Where credentials come from. Asked at each use, so that they may change while the program runs. Safe for all threads.
 */
@FunctionalInterface
public interface CredentialSource {
    /** Anonymous. */
    CredentialSource NONE = new CredentialSource() {
        @Override
        public Optional<Credential> credential(RegistryHost registry) {
            return Optional.empty();
        }

        @Override
        public Optional<String> account() {
            return Optional.of(QuotaBudgets.ANONYMOUS);
        }
    };

    /** What the account is called where each client shows its own. */
    String EACH_CLIENTS = "each client's own";

    /** None of ours: each client shows its own, and what is asked for nobody in particular is asked without. */
    CredentialSource OF_CLIENTS = new CredentialSource() {
        @Override
        public Optional<Credential> credential(RegistryHost registry) {
            return Optional.empty();
        }

        @Override
        public Optional<String> account() {
            return Optional.of(EACH_CLIENTS);
        }
    };

    /** Always the same. */
    static CredentialSource fixed(Credential credential) {
        return new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(credential);
            }

            @Override
            public Optional<String> account() {
                return Optional.of(QuotaBudgets.name(credential));
            }
        };
    }

    /**
     * The credential for a registry.
     *
     * @return empty for anonymous access
     * @throws IOException if there should be one but it cannot be read; the message shows no secret
     */
    Optional<Credential> credential(RegistryHost registry) throws IOException;

    /**
     * The credential for one repository, for sources that have several for one registry.
     *
     * @throws IOException as {@link #credential(RegistryHost)}
     */
    default Optional<Credential> credential(Repository repository) throws IOException {
        return credential(repository.registry());
    }

    /**
     * What the account is called, where that is known without asking anybody; it is shown, and its quota goes by it.
     */
    default Optional<String> account() {
        return Optional.empty();
    }

    /**
     * Called when the registry, or its token service, refused what this source gave, and not only a token that was
     * fetched with it: what is kept in memory is to be read anew. Where that cannot be, what was given before still
     * counts: it may have been refused for want of rights.
     */
    default void refused(RegistryHost registry) {}

    /**
     * Why it could not be found out whether there is another credential than the one that this source gives, and of
     * which nobody has said when it ends. If that is refused now, it may be over as well as have no rights.
     */
    default Optional<IOException> doubt() {
        return Optional.empty();
    }
}
