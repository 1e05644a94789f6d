package dev.entrepot.replicator;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** Registries over real sockets, as sources and targets. Closing it closes its clients. */
public final class HttpRegistries implements AutoCloseable {
    private final List<RegistryClient> clients = new ArrayList<>();

    private RegistryClient client(URI uri) throws IOException {
        RegistryClient client = new RegistryClient(
                RegistryEndpoint.of(new RegistryHost(uri.getAuthority()), uri), ClientEnvironment.system("test"));
        clients.add(client);
        return client;
    }

    public SourceRegistry source(URI uri) throws IOException {
        RegistryClient client = client(uri);
        return new SourceRegistry() {
            @Override
            public String name() {
                return uri.getAuthority();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return client.repository(name, Priority.BACKGROUND);
            }

            @Override
            public List<RepositoryName> catalog() {
                throw new AssertionError("these rules name their repositories");
            }
        };
    }

    public TargetRegistry target(URI uri) throws IOException {
        RegistryClient client = client(uri);
        return new TargetRegistry() {
            @Override
            public String name() {
                return uri.getAuthority();
            }

            @Override
            public RepositoryTarget target(RepositoryName name) {
                return client.repository(name, Priority.BACKGROUND);
            }

            @Override
            public RepositorySource reader(RepositoryName name) {
                return client.repository(name, Priority.BACKGROUND);
            }
        };
    }

    @Override
    public void close() {
        clients.forEach(RegistryClient::close);
    }
}
