package dev.entrepot.proxy;

import dev.entrepot.config.PassThroughConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.proxy.replication.Endpoints;
import dev.entrepot.proxy.replication.UpstreamClients;
import java.io.IOException;
import java.util.Optional;

/**
 * A configured upstream, ready to be asked.
 *
 * @param client its client, with those of its mirrors
 * @param showsOurs whether it, or a mirror of it, is shown credentials of ours
 * @param passThrough whether it is shown those of each client in their place
 */
record Upstream(RegistryClient client, boolean showsOurs, Optional<PassThroughConfig> passThrough)
        implements AutoCloseable {
    /**
     * Sets up the client of an upstream; connects to nothing yet.
     *
     * @param servesClients whether this process does
     * @throws IOException if its TLS files cannot be read
     */
    static Upstream open(UpstreamConfig config, boolean servesClients, ClientEnvironment environment)
            throws IOException {
        Safeguards safeguards = Safeguards.shared(Endpoints.reserve(config)).withHedges(config.hedge());
        boolean ours = config.credentials().isPresent()
                || config.clientCertificate().isPresent()
                || config.mirrors().stream()
                        .anyMatch(mirror -> mirror.credentials().isPresent()
                                || mirror.clientCertificate().isPresent());
        return new Upstream(
                UpstreamClients.open(config, safeguards, servesClients, environment), ours, config.passThrough());
    }

    @Override
    public void close() {
        client.close();
    }
}
