package dev.entrepot.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** distribution's registry, which has no referrers API, as a target. */
final class DistributionRegistry {
    private DistributionRegistry() {}

    /** Starts one that keeps what it gets in a folder, and waits until it listens on the port. */
    static ServerProcess start(Path folder, int port) throws Exception {
        Path config = Files.writeString(folder.resolve("config.yml"), """
                version: 0.1
                log: {level: error}
                storage: {filesystem: {rootdirectory: %s/data}}
                http: {addr: 127.0.0.1:%d}
                """.formatted(folder, port));
        return ServerProcess.start(
                        "docker-registry",
                        List.of("docker-registry", "serve", config.toString()),
                        Map.of("OTEL_TRACES_EXPORTER", "none"),
                        folder.resolve("registry.log"))
                .awaitPort(port);
    }
}
