package dev.entrepot.proxy;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.replication.ExportSources;
import dev.entrepot.proxy.replication.RunningServer;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a command reads that only looks: through the server that has the data folder open, else through the cache in
 * it, so that what is kept costs an upstream nothing. Where there is neither, or they cannot be had, the upstream
 * itself, of which what is kept for clients is left alone.
 */
final class TreeSources {
    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final PrintStream err;

    /** Of a configuration; what is not usual is told to {@code err}. */
    TreeSources(EntrepotConfig config, ClientEnvironment environment, PrintStream err) {
        this.config = config;
        this.environment = environment;
        this.err = err;
    }

    /**
     * Opens them.
     *
     * @param closings closes what they stand on
     */
    ExportSources open(Closings closings) throws InterruptedException {
        Path directory = config.cache().directory();
        Optional<RunningServer> server = RunningServer.find(directory);
        if (server.isPresent()) {
            closings.push(server.get()::close);
            Optional<URI> registry = server.get().registry().filter(url -> "http".equals(url.getScheme()));
            if (registry.isPresent()) {
                return ExportSources.through(
                        registry.get(), server.get().token(), Optional.empty(), config.upstreams(), environment);
            }
        } else if (ContentStore.exists(directory)) {
            try {
                return ExportSources.cached(
                        LookedAt.open(config, environment, closings).registries());
            } catch (IOException e) {
                err.println("entrepot: what is kept in " + directory + " is not looked at: " + FailureWords.of(e));
            }
        }
        return ExportSources.direct(config.upstreams(), environment);
    }
}
