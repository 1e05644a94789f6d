package dev.entrepot.proxy;

import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.proxy.replication.Endpoints;
import dev.entrepot.proxy.replication.UpstreamClients;
import java.io.IOException;

/**
 * A configured upstream, ready to be asked.
 *
 * @param client its client, with those of its mirrors
 */
record Upstream(RegistryClient client) implements AutoCloseable {
    /**
     * Sets up the client of an upstream; connects to nothing yet.
     *
     * @throws IOException if its TLS files cannot be read
     */
    static Upstream open(UpstreamConfig config, ClientEnvironment environment) throws IOException {
        Safeguards safeguards = Safeguards.shared(Endpoints.reserve(config)).withHedges(config.hedge());
        return new Upstream(UpstreamClients.open(config, safeguards, environment));
    }

    @Override
    public void close() {
        client.close();
    }
}
