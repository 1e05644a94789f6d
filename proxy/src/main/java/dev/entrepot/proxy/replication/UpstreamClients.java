package dev.entrepot.proxy.replication;

import dev.entrepot.config.MirrorConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.Safeguards;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Sets up the client of an upstream with those of its mirrors. */
public final class UpstreamClients {
    private UpstreamClients() {}

    /**
     * A client with its mirrors, which are closed with it. Connects to nothing yet.
     *
     * @param safeguards of the upstream, and in the same way of each mirror
     * @param servesClients whether this process does: a quarter of the requests to the upstream, and to each mirror, is
     *     then kept for them
     * @throws IOException if a TLS file cannot be read
     */
    public static RegistryClient open(
            UpstreamConfig config, Safeguards safeguards, boolean servesClients, ClientEnvironment environment)
            throws IOException {
        RegistryEndpoint own = Endpoints.of(config, environment);
        List<MirrorEndpoint> mirrors = new ArrayList<>();
        try {
            for (MirrorConfig mirror : config.mirrors()) {
                RegistryEndpoint endpoint = Endpoints.of(mirror, config.maxConcurrentRequests(), environment);
                mirrors.add(MirrorEndpoint.open(
                        own.registry(),
                        slots(endpoint, servesClients),
                        mirror.prefix(),
                        mirror.answers() == MirrorConfig.Answers.TAGS,
                        safeguards.ofMirror(),
                        environment));
            }
            return new RegistryClient(slots(own, servesClients), safeguards, mirrors, environment);
        } catch (IOException | RuntimeException e) {
            mirrors.forEach(mirror -> mirror.client().close());
            throw e;
        }
    }

    /** An endpoint with all its slots for the process itself, if that serves no clients. */
    static RegistryEndpoint slots(RegistryEndpoint endpoint, boolean servesClients) {
        return servesClients ? endpoint : endpoint.withoutClients();
    }
}
