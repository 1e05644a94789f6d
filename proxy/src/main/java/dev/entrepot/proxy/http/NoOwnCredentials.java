package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import java.util.Optional;
import java.util.function.Predicate;

/** Every upstream is asked in the same way, whoever wants something. */
final class NoOwnCredentials implements OwnCredentials {
    @Override
    public boolean areAsked() {
        return false;
    }

    @Override
    public boolean areAskedBy(RegistryHost upstream) {
        return false;
    }

    @Override
    public ServedRepository open(Repository repository, Approach approach) {
        throw new IllegalStateException(repository + " is asked for with the same credentials for all");
    }

    @Override
    public void requirePing(Optional<RegistryHost> meant, Approach approach) {
        // nobody need show any
    }

    @Override
    public Predicate<Repository> mayList(Approach approach) {
        return repository -> true;
    }
}
