package dev.entrepot.proxy.replication;

import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.config.Nearest;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import java.io.IOException;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The upstreams as sources: their clients, and the cache before them.
 *
 * @param upstreams what is configured
 * @param clients the client of each, which others close
 * @param cache the cache that is shared with those who pull; without, sources are read directly
 * @param environment the world around further clients
 * @param lasts whether the cache is there for the next command, too
 * @param servesClients whether this process does
 */
public record Registries(
        Map<RegistryHost, UpstreamConfig> upstreams,
        Map<RegistryHost, RegistryClient> clients,
        Optional<PullThroughCache> cache,
        ClientEnvironment environment,
        boolean lasts,
        boolean servesClients) {
    /** With a cache that lasts, in a process that serves clients. */
    public Registries(
            Map<RegistryHost, UpstreamConfig> upstreams,
            Map<RegistryHost, RegistryClient> clients,
            Optional<PullThroughCache> cache,
            ClientEnvironment environment) {
        this(upstreams, clients, cache, environment, true, true);
    }

    /** The same, with a cache that is deleted when the command ends: what is read now is read again by the next. */
    public Registries forgetting() {
        return new Registries(upstreams, clients, cache, environment, false, servesClients);
    }

    /** The same in a process that serves no clients, as the clients of the upstreams are, too. */
    public Registries withoutClients() {
        return new Registries(upstreams, clients, cache, environment, lasts, false);
    }

    /** Copies the maps. */
    public Registries {
        upstreams = Map.copyOf(upstreams);
        clients = Map.copyOf(new LinkedHashMap<>(clients));
    }

    /**
     * An upstream as a source.
     *
     * @throws IllegalArgumentException if it is not configured
     */
    RegistrySource source(RegistryHost upstream) {
        RegistryClient client = clients.get(upstream);
        if (client == null) {
            throw new IllegalArgumentException(upstream + " is not configured");
        }
        RegistrySource source = new RegistrySource(client, cache);
        return lasts ? source : source.forgetting();
    }

    /**
     * Refuses to read from an upstream that is asked with the credentials of each client: here is none.
     *
     * @throws BadRequestException if it is one
     */
    static void refuseWithoutClient(UpstreamConfig upstream) throws BadRequestException {
        if (upstream.passThrough().isPresent()) {
            throw new BadRequestException(upstream.name()
                    + " is asked with the credentials of each client (pass-through), and here is no client; give the"
                    + " same registry another name under upstreams, with credentials and the same url, or write where"
                    + " it is: " + upstream.url());
        }
    }

    /**
     * The client of the upstream that an image's name means, by its name or by where it is; to be read from.
     *
     * @throws BadRequestException if it has no credentials of ours
     */
    Optional<RegistryClient> sourceOf(ImageName image) throws BadRequestException {
        UpstreamConfig named = image.url().isEmpty() ? upstreams.get(image.registry()) : null;
        if (named != null) {
            refuseWithoutClient(named);
        }
        return upstreamOf(image);
    }

    /** The client of the upstream that an image's name means, by its name or by where it is. */
    Optional<RegistryClient> upstreamOf(ImageName image) {
        if (image.url().isEmpty()) {
            return Optional.ofNullable(clients.get(image.registry()));
        }
        URI url = image.url().get();
        return upstreams.values().stream()
                .filter(upstream -> Endpoints.same(upstream.url(), url))
                .filter(upstream -> upstream.passThrough().isEmpty())
                .findFirst()
                .flatMap(upstream -> Optional.ofNullable(clients.get(upstream.name())));
    }

    /**
     * A client to write to a registry that is not configured.
     *
     * @throws BadRequestException if the name does not say where it is
     */
    RegistryClient connect(ImageName image) throws IOException, BadRequestException {
        return new RegistryClient(Endpoints.of(place(image), environment).withoutClients(), environment);
    }

    /**
     * Where an image is whose registry is not configured.
     *
     * @throws BadRequestException if the name does not say
     */
    URI place(ImageName image) throws BadRequestException {
        return image.url().orElseThrow(() -> unknown(image));
    }

    private BadRequestException unknown(ImageName image) {
        String host = image.registry().value();
        return new BadRequestException("no registry is called " + host + " in the configuration; " + hint(image)
                + "write where it is, https:// (or http://) and " + image
                + ", or add it to the configuration: upstreams: {\"" + host + "\": {url: \"https://" + host + "\"}}");
    }

    // The upstream that is at that address, or one whose name is nearly the same.
    private String hint(ImageName image) {
        Optional<RegistryHost> there = upstreams.values().stream()
                .filter(upstream -> Endpoints.host(upstream.url()).equals(image.registry()))
                .map(UpstreamConfig::name)
                .sorted()
                .findFirst();
        if (there.isPresent()) {
            return "the upstream there is called " + there.get() + ", so write " + image.at(there.get()) + "; else ";
        }
        List<String> names =
                upstreams.keySet().stream().map(RegistryHost::value).toList();
        return Nearest.to(image.registry().value(), names)
                .map(name -> "did you mean " + image.at(RegistryHost.parse(name)) + "? Else ")
                .orElse("");
    }
}
