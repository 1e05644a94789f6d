package dev.entrepot.proxy;

import dev.entrepot.cache.CachePolicy;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.replication.Endpoints;
import java.io.IOException;

/**
 * A configured upstream, ready to be asked.
 *
 * @param client its client
 * @param policy how long what came from it may be served
 */
record Upstream(RegistryClient client, CachePolicy policy) implements AutoCloseable {
    /**
     * Sets up the client of an upstream; connects to nothing yet.
     *
     * @throws IOException if its TLS files cannot be read
     */
    static Upstream open(UpstreamConfig config, CacheConfig defaults, ClientEnvironment environment)
            throws IOException {
        CachePolicy policy = new CachePolicy(
                config.freshFor().orElse(defaults.freshFor()),
                config.staleFor().orElse(defaults.staleFor()),
                defaults.referrersFreshFor());
        return new Upstream(new RegistryClient(Endpoints.of(config, environment), environment), policy);
    }

    @Override
    public void close() {
        client.close();
    }
}
