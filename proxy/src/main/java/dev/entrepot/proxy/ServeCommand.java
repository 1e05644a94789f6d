package dev.entrepot.proxy;

import dev.entrepot.config.AccessChecks;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.ConfigException;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.Origin;
import dev.entrepot.config.RegistriesInNames;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.TlsConfig;
import dev.entrepot.config.UpstreamNames;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.bundle.BundleListing;
import dev.entrepot.replicator.bundle.Bundle;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code entrepot serve}: runs a mirror until it is stopped. */
final class ServeCommand {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

    /** Decides how long is served. */
    interface Stop {
        /**
         * Returns when the mirror is to be closed, or never; it is closed by this method or by the caller, and a second
         * time does no harm.
         */
        void await(Serving mirror) throws InterruptedException;
    }

    /** Serves until the JVM is told to stop, by SIGTERM or SIGINT, and drains before it does. */
    static final class UntilStopped implements Stop {
        @Override
        public void await(Serving mirror) throws InterruptedException {
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(
                            () -> {
                                LOG.info("stopping; running answers may end");
                                mirror.close();
                                LOG.info("stopped");
                            },
                            "drain"));
            onHangup(() -> mirror.reload("SIGHUP came"));
            new CountDownLatch(1).await();
        }
    }

    /**
     * Has a SIGHUP that comes while a server starts do nothing, instead of ending it. Whatever has changed by then is
     * read, or found to have changed once it serves.
     */
    static void outliveHangup() {
        onHangup(() -> LOG.debug("SIGHUP came before this server was up"));
    }

    private static void onHangup(Runnable action) {
        try {
            HangupSignal.handle(action);
        } catch (IllegalArgumentException e) {
            LOG.debug("no SIGHUP here: {}", e.toString());
        }
    }

    private final LoadedConfig loaded;
    private final ConfigFile file;
    private final EntrepotConfig config;
    private final Map<String, String> variables;

    /**
     * The command, with what its options override.
     *
     * @param file where the configuration was loaded from, to be read again
     * @param listen where to listen instead
     * @param data where to keep data instead
     * @throws ConfigException if the configuration does not let anybody listen there
     */
    ServeCommand(
            LoadedConfig loaded,
            ConfigFile file,
            Optional<ListenAddress> listen,
            Optional<Path> data,
            Map<String, String> variables)
            throws ConfigException {
        this.loaded = loaded;
        this.file = file.withListen(listen);
        this.config = overridden(loaded.config(), this.file.server(loaded.config()), data);
        this.variables = variables;
    }

    /** A configuration with another data folder, if one is given. */
    static EntrepotConfig overridden(EntrepotConfig config, Optional<Path> data) {
        return overridden(config, config.server(), data);
    }

    /** A configuration with what options override. */
    static EntrepotConfig overridden(EntrepotConfig config, ServerConfig server, Optional<Path> data) {
        CacheConfig cache = config.cache();
        return new EntrepotConfig(
                server,
                new CacheConfig(
                        data.orElse(cache.directory()),
                        cache.capacity(),
                        cache.minFree(),
                        cache.highWatermark(),
                        cache.lowWatermark(),
                        cache.freshFor(),
                        cache.staleFor(),
                        cache.referrersFreshFor(),
                        cache.scrubEvery(),
                        cache.scrubRate(),
                        cache.memory(),
                        cache.platforms()),
                config.defaultUpstream(),
                config.upstreams(),
                config.rules(),
                config.access(),
                config.replication(),
                config.tracing());
    }

    /**
     * Serves.
     *
     * @param accessLog where the access log goes
     * @throws Prerequisites.MissingException if a file that the configuration names cannot be used
     * @throws IOException if the mirror cannot be started otherwise
     */
    int run(OutputStream accessLog, Stop stop) throws IOException, InterruptedException {
        ClientEnvironment environment =
                ClientEnvironment.system(Version.current()).withVariables(variables);
        try (CarrierWatch _ = CarrierWatch.start();
                Mirror mirror = start(environment, accessLog)) {
            BatchScheduling.begin();
            LOG.info(
                    "entrepot {} serves {} on {}://{}, admin on {}://{}, data in {}, configuration {}",
                    Version.current(),
                    config.upstreams().isEmpty()
                            ? "no upstream"
                            : config.upstreams().keySet().stream()
                                    .map(RegistryHost::value)
                                    .collect(Collectors.joining(", ")),
                    scheme(config.server().tls()),
                    address(config.server().listen(), mirror.port()),
                    scheme(config.server().adminTls()),
                    address(config.server().admin(), mirror.adminPort()),
                    config.cache().directory(),
                    loaded.file().map(Path::toString).orElse("none (all defaults)"));
            RegistriesInNames.warnings(config).forEach(warning -> LOG.warn("{}", warning));
            UpstreamNames.warnings(config).forEach(warning -> LOG.warn("{}", warning));
            AccessChecks.warnings(config).forEach(warning -> LOG.warn("{}", warning));
            stop.await(mirror);
        }
        return ExitCodes.OK;
    }

    private Mirror start(ClientEnvironment environment, OutputStream accessLog) throws IOException {
        Prerequisites.checkSecrets(config, loaded::originOf);
        try {
            return Mirror.start(
                    config, Optional.of(ParsedFile.of(file, loaded)), loaded::originOf, environment, accessLog);
        } catch (IOException e) {
            // Files are read once, where they are needed; but whoever mends one wants to know of all.
            try {
                Prerequisites.check(config, loaded::originOf, environment);
            } catch (Prerequisites.MissingException missing) {
                throw missing.after(e);
            }
            throw e;
        }
    }

    private static BundleMirror start(
            EntrepotConfig config, Function<String, Origin> origins, Bundle bundle, OutputStream accessLog)
            throws IOException {
        try {
            return BundleMirror.start(config, bundle, accessLog);
        } catch (IOException e) {
            try {
                Prerequisites.checkServer(config.server(), origins);
            } catch (Prerequisites.MissingException missing) {
                throw missing.after(e);
            }
            throw e;
        }
    }

    /**
     * Serves a bundle.
     *
     * @param origins where each path of the configuration was written
     * @param accessLog where the access log goes
     * @throws IOException if an address or certificate cannot be had
     */
    static int serve(
            EntrepotConfig whole, Function<String, Origin> origins, Bundle bundle, OutputStream accessLog, Stop stop)
            throws IOException, InterruptedException {
        ServerConfig config = whole.server();
        try (CarrierWatch _ = CarrierWatch.start();
                BundleMirror mirror = start(whole, origins, bundle, accessLog)) {
            BatchScheduling.begin();
            LOG.info(
                    "entrepot {} serves {} on {}://{}, admin on {}://{}",
                    Version.current(),
                    BundleListing.summary(bundle),
                    scheme(config.tls()),
                    address(config.listen(), mirror.port()),
                    scheme(config.adminTls()),
                    address(config.admin(), mirror.adminPort()));
            bundle.missingVolumes().forEach(missing -> LOG.warn("{}", missing));
            stop.await(mirror);
        }
        return ExitCodes.OK;
    }

    private static String scheme(Optional<TlsConfig> tls) {
        return tls.isPresent() ? "https" : "http";
    }

    private static ListenAddress address(ListenAddress configured, int port) {
        return new ListenAddress(configured.host(), port);
    }
}
