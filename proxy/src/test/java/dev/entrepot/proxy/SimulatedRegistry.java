package dev.entrepot.proxy;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A public registry as it is, made of servers of this process: its API, the storage behind it, and the services that
 * give credentials for it. It holds one index of two platforms with a signature.
 */
final class SimulatedRegistry implements AutoCloseable {
    final String name;
    final String repository;
    final TestRegistry api = TestRegistry.started();
    final SimulatedStorage storage = new SimulatedStorage();
    final SimulatedTokens tokens;
    final Map<String, String> variables = new HashMap<>();
    final Bundle index;
    final Bundle signature;
    private final Images images;
    private final List<MiniHttpServer> services = new ArrayList<>();
    private final List<Runnable> expiries = new ArrayList<>();
    private String credentials = "";
    private boolean headTellsAll = true;

    SimulatedRegistry(String name, String repository, long layerBytes) {
        this.name = name;
        this.repository = repository;
        this.tokens = new SimulatedTokens(repository);
        this.images = new Images(name.hashCode());
        this.index = images.indexOf(List.of(images.image(1000, layerBytes), images.dockerImage(2000)));
        this.signature = images.referrer(index, "application/vnd.example.signature");
        api.push(repository, index, "1");
        api.push(repository, signature);
        storage.content().push(repository, index);
        storage.content().push(repository, signature);
    }

    /** The credentials of the configuration, for example {@code {provider: ecr}}. */
    SimulatedRegistry credentials(String yaml) {
        credentials = ", credentials: " + yaml;
        return this;
    }

    /** Another server that belongs to it. */
    MiniHttpServer service(MiniHttpServer.Handler handler) {
        MiniHttpServer server = MiniHttpServer.started(handler);
        services.add(server);
        return server;
    }

    /** What happens when time has passed for what it issued. */
    SimulatedRegistry onExpiry(Runnable action) {
        expiries.add(action);
        return this;
    }

    /** It has no referrers API; clients keep a tag. */
    SimulatedRegistry withFallbackTag(TestRegistry where, String in) {
        where.push(
                in,
                images.fallbackIndex(List.of(signature)),
                index.digest().referrersTag().value());
        return this;
    }

    /** Its answers to HEAD of a manifest lack something. */
    SimulatedRegistry whereHeadIsNotEnough() {
        headTellsAll = false;
        return this;
    }

    boolean headTellsAll() {
        return headTellsAll;
    }

    /** How a mirror of it is configured. */
    String configuration() {
        return """
                default-upstream: none
                upstreams:
                  %s: {url: "%s"%s}
                """.formatted(name, api.uri(), credentials);
    }

    /** What it issued is worthless from now on. */
    void expire() {
        tokens.expire();
        storage.expire();
        expiries.forEach(Runnable::run);
    }

    /** The servers beside its API that give credentials do not answer any more. */
    void stopServices() {
        services.forEach(MiniHttpServer::stop);
    }

    /** How many requests the servers beside its API were sent. */
    int servicesAsked() {
        return services.stream().mapToInt(server -> server.calls().all().size()).sum();
    }

    /** They refuse everybody. */
    void closeServices() {
        services.forEach(server -> server.faults().always(Requests.any(), Fault.status(403)));
    }

    /** None of its servers answers any more. */
    void stop() {
        api.stop();
        storage.content().stop();
        stopServices();
    }

    @Override
    public void close() {
        api.close();
        storage.close();
        services.forEach(MiniHttpServer::close);
    }
}
