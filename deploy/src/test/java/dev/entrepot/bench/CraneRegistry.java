package dev.entrepot.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The registry that comes with crane, as a target: without referrers API, too, and cheap to ask, so that next to it the
 * two processors are the copier's.
 */
final class CraneRegistry {
    private CraneRegistry() {}

    /** Starts one that keeps blobs in a folder and manifests in memory, and waits until it listens on the port. */
    static ServerProcess start(Path folder, int port) throws Exception {
        Path data = Files.createDirectory(folder.resolve("data"));
        return ServerProcess.start(
                        "crane",
                        List.of(
                                "crane",
                                "registry",
                                "serve",
                                "--address",
                                "127.0.0.1:" + port,
                                "--disk",
                                data.toString()),
                        Map.of(),
                        folder.resolve("registry.log"))
                .awaitPort(port);
    }
}
