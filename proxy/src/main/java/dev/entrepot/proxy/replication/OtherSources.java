package dev.entrepot.proxy.replication;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Safeguards;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * The registries that are read without being configured, each with the credentials that the user's docker
 * {@code config.json} has for it. Whoever reads from one place shares a client, and with it its slots, its pull quotas
 * (one for each account), what it asked to be left alone for, and its tokens. Clients outlive their use, so that the
 * next copy knows what is left; of those that nobody uses, sixteen are kept. Safe for all threads.
 */
final class OtherSources implements AutoCloseable {
    private static final int MOST_UNUSED = 16;

    private final ClientEnvironment environment;
    private final boolean servesClients;
    // Those that were let go last are at the end.
    private final List<Shared> all = new ArrayList<>();

    /**
     * None yet.
     *
     * @param servesClients whether this process does
     */
    OtherSources(ClientEnvironment environment, boolean servesClients) {
        this.environment = environment;
        this.servesClients = servesClients;
    }

    private static final class Shared {
        private final RegistryClient client;
        private int users;

        Shared(RegistryClient client) {
            this.client = client;
        }
    }

    /** One use of a client, to be ended once. */
    final class Use implements AutoCloseable {
        private final Shared shared;

        private Use(Shared shared) {
            this.shared = shared;
        }

        /** The client, which is not to be closed. */
        RegistryClient client() {
            return shared.client;
        }

        @Override
        public void close() {
            leave(shared);
        }
    }

    /**
     * A client for what is at a place; connects to nothing yet.
     *
     * @throws IOException if its client cannot be set up
     */
    synchronized Use open(URI place) throws IOException {
        for (Shared shared : all) {
            if (Endpoints.same(shared.client.endpoint().baseUrl(), place)) {
                shared.users++;
                return new Use(shared);
            }
        }
        Shared shared = new Shared(client(place, servesClients, environment));
        shared.users = 1;
        all.add(shared);
        return new Use(shared);
    }

    /** A client for a command that reads from one place and ends. */
    static RegistryClient client(URI place, ClientEnvironment environment) throws IOException {
        return client(place, false, environment);
    }

    private static RegistryClient client(URI place, boolean servesClients, ClientEnvironment environment)
            throws IOException {
        return new RegistryClient(
                UpstreamClients.slots(Endpoints.of(place, environment), servesClients),
                Safeguards.ofCommand(QuotaReserve.NONE),
                environment);
    }

    private synchronized void leave(Shared shared) {
        shared.users--;
        if (shared.users == 0 && all.remove(shared)) {
            all.add(shared);
            List<Shared> unused = all.stream().filter(one -> one.users == 0).toList();
            if (unused.size() > MOST_UNUSED) {
                all.remove(unused.getFirst());
                unused.getFirst().client.close();
            }
        }
    }

    @Override
    public synchronized void close() {
        all.forEach(shared -> shared.client.close());
        all.clear();
    }
}
