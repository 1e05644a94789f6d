package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.admin.AdminServer;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.admin.Readiness;
import dev.entrepot.proxy.admin.RequestMetrics;
import dev.entrepot.proxy.bundle.BundleRepositories;
import dev.entrepot.proxy.http.OwnCredentials;
import dev.entrepot.proxy.http.RegistryServer;
import dev.entrepot.proxy.http.UpstreamNames;
import dev.entrepot.proxy.http.UpstreamRouter;
import dev.entrepot.replicator.bundle.Bundle;
import java.io.IOException;
import java.io.OutputStream;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;

/**
 * Serves a bundle read-only: the registries that its images came from are those that requests may mean, and if it is
 * one, also those that name none. Needs no data folder and reaches no registry.
 */
final class BundleMirror implements Serving {
    private final EntrepotConfig whole;
    private final ServerConfig config;
    private final Closings open = new Closings();
    private final Metrics metrics = new Metrics();
    private int port;
    private int adminPort;

    private BundleMirror(EntrepotConfig config) {
        this.whole = config;
        this.config = config.server();
    }

    /**
     * Begins to listen.
     *
     * @param bundle opened, and not necessarily verified
     * @param accessLog where the access log goes
     * @throws IOException if a certificate or an address cannot be had; the message says which
     */
    static BundleMirror start(EntrepotConfig config, Bundle bundle, OutputStream accessLog) throws IOException {
        BundleMirror mirror = new BundleMirror(config);
        try {
            mirror.open(bundle, accessLog);
            return mirror;
        } catch (IOException | RuntimeException e) {
            mirror.close();
            throw e;
        }
    }

    private void open(Bundle bundle, OutputStream accessLog) throws IOException {
        MirrorMetrics.ofProcess(metrics, Version.current());
        ServedAccess access = new ServedAccess(whole, InstantSource.system());
        open.push(access::close);
        access.register(metrics);
        BundleRepositories repositories = new BundleRepositories(bundle);
        open.push(repositories::close);
        Readiness readiness = new Readiness(List.of(), List.of(access::problem));
        AdminServer admin = new AdminServer(
                config.admin().host(),
                config.admin().port(),
                metrics,
                readiness,
                List.of(),
                access.adminGuard(),
                access.adminTls());
        admin.start();
        adminPort = admin.port();
        open.push(admin::close);
        RegistryServer server = new RegistryServer(
                Mirror.settings(config, access.tls()),
                repositories,
                router(repositories.registries()),
                access.gate(),
                OwnCredentials.NONE,
                LoggedRequests.of(new RequestMetrics(metrics), config.accessLog(), accessLog, open, metrics),
                InstantSource.system(),
                System::nanoTime);
        server.start();
        port = server.port();
        access.watch();
        open.push(server::close);
        open.push(readiness::drain);
        readiness.listen();
    }

    private static UpstreamRouter router(SortedSet<RegistryHost> registries) {
        return new UpstreamRouter(
                registries.stream().map(UpstreamNames::of).toList(),
                registries.size() == 1 ? Optional.of(registries.first()) : Optional.empty());
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public int adminPort() {
        return adminPort;
    }

    @Override
    public void close() {
        open.close();
    }
}
