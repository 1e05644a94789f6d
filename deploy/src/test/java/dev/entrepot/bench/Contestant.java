package dev.entrepot.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The kinds of servers that can be measured. */
enum Contestant {
    /** This project's server, by its launcher. */
    ENTREPOT {
        @Override
        Server start(Workspace workspace, Launch launch) throws Exception {
            return entrepot(workspace, launch, workspace.project().resolve("entrepot"));
        }
    },

    /** The same as it is installed: the distribution of {@code deploy/dist/build}, with its own runtime. */
    PACKAGED {
        @Override
        Server start(Workspace workspace, Launch launch) throws Exception {
            return entrepot(workspace, launch, distribution(workspace).resolve("bin/entrepot"));
        }
    },

    /** nginx as a caching proxy, set up as well as its manual allows. */
    NGINX {
        @Override
        Server start(Workspace workspace, Launch launch) throws Exception {
            Path folder = workspace.newFolder("nginx");
            int port = workspace.freePort();
            Path config = Files.writeString(folder.resolve("nginx.conf"), NginxConfiguration.of(folder, port, launch));
            ServerProcess process = ServerProcess.start(
                    name(),
                    List.of("nginx", "-p", folder.toString(), "-c", config.toString(), "-e", folder + "/error.log"),
                    Map.of(),
                    folder.resolve("log"));
            return server("nginx", process, port, launch, "/v2/library/app");
        }
    },

    /** distribution's registry as a pull-through cache, where it is installed. */
    DISTRIBUTION {
        @Override
        Server start(Workspace workspace, Launch launch) throws Exception {
            Path folder = workspace.newFolder("distribution");
            int port = workspace.freePort();
            String tls = launch.certificate()
                    .map(pair -> "  tls: {certificate: %s/cert.pem, key: %s/key.pem}\n".formatted(pair, pair))
                    .orElse("");
            Path config = Files.writeString(folder.resolve("config.yml"), """
                    version: 0.1
                    log: {level: error}
                    storage: {filesystem: {rootdirectory: %s/data}}
                    proxy: {remoteurl: "%s"}
                    http:
                      addr: 127.0.0.1:%d
                    %s""".formatted(
                            folder, launch.upstream().root(), port, tls));
            ServerProcess process = ServerProcess.start(
                    name(),
                    List.of("docker-registry", "serve", config.toString()),
                    Map.of("OTEL_TRACES_EXPORTER", "none"),
                    folder.resolve("log"));
            return server("distribution", process, port, launch, "/v2/library/app");
        }
    };

    /** Starts it on a free port, with an empty cache, and waits until it takes connections. */
    abstract Server start(Workspace workspace, Launch launch) throws Exception;

    private static Server entrepot(Workspace workspace, Launch launch, Path launcher) throws Exception {
        Path folder = workspace.newFolder("entrepot");
        int port = workspace.freePort();
        String tls = launch.certificate()
                .map(pair -> ", tls: {certificate: %s/cert.pem, key: %s/key.pem}".formatted(pair, pair))
                .orElse("");
        Path config = Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:%d, admin: 127.0.0.1:%d%s}
                cache: {directory: %s/data, capacity: 200GiB%s}
                upstreams:
                  bench.test: {url: "%s"}
                """.formatted(
                        port,
                        workspace.freePort(),
                        tls,
                        folder,
                        launch.cacheKeys().stream().map(key -> ", " + key).collect(Collectors.joining()),
                        launch.upstream().root()));
        ServerProcess process = ServerProcess.start(
                "entrepot",
                List.of(launcher.toString(), "serve", "--config", config.toString()),
                Map.of("ENTREPOT_JAVA_OPTS", javaOptions(launch)),
                folder.resolve("log"));
        return server("Entrepôt", process, port, launch, "/v2/bench.test/library/app");
    }

    private static Path distribution(Workspace workspace) throws IOException {
        try (Stream<Path> built = Files.list(workspace.project().resolve("deploy/target/dist"))) {
            return built.filter(folder -> Files.isExecutable(folder.resolve("bin/entrepot")))
                    .findFirst()
                    .orElseThrow(() -> new IOException("there is no distribution; deploy/dist/build makes it"));
        }
    }

    /** Those of whoever runs the benchmark come last, so that a profiler can be attached. */
    private static String javaOptions(Launch launch) {
        return launch.javaOptions() + " " + System.getenv().getOrDefault("ENTREPOT_JAVA_OPTS", "");
    }

    private static Server server(String name, ServerProcess process, int port, Launch launch, String repository)
            throws Exception {
        Place place = new Place(name, port, launch.certificate().isPresent(), repository);
        return new Server(place, process.awaitPort(port));
    }
}
