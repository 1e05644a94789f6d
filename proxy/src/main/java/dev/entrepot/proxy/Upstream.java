package dev.entrepot.proxy;

import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.replication.Endpoints;
import java.io.IOException;

/**
 * A configured upstream, ready to be asked.
 *
 * @param client its client
 */
record Upstream(RegistryClient client) implements AutoCloseable {
    /**
     * Sets up the client of an upstream; connects to nothing yet.
     *
     * @throws IOException if its TLS files cannot be read
     */
    static Upstream open(UpstreamConfig config, ClientEnvironment environment) throws IOException {
        return new Upstream(new RegistryClient(Endpoints.of(config, environment), environment));
    }

    @Override
    public void close() {
        client.close();
    }
}
