package dev.entrepot.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder of one run: caches, configurations, logs. A closed workspace keeps the logs of nothing: it deletes itself.
 *
 * @param folder where everything of the run lies
 * @param project the checkout
 */
record Workspace(Path folder, Path project) implements AutoCloseable {
    /** Makes an empty workspace, in the place of one that an earlier run may have left. */
    static Workspace create(Path folder, Path project) throws IOException {
        Workspace workspace = new Workspace(folder.toAbsolutePath(), project.toAbsolutePath());
        workspace.close();
        Files.createDirectories(workspace.folder);
        return workspace;
    }

    /** A new folder in it. */
    Path newFolder(String name) throws IOException {
        return Files.createTempDirectory(folder, name + "-");
    }

    /** A port that is free now. */
    int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Writes what is dirty to the disk, so that one measurement does not pay for the one before. */
    void settle() throws Exception {
        runTool(List.of("sync"));
    }

    /** A self-signed certificate for 127.0.0.1: {@code cert.pem} and {@code key.pem} in the folder that is returned. */
    Path certificate() throws Exception {
        Path pair = newFolder("tls");
        runTool(List.of(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                pair.resolve("key.pem").toString(),
                "-out",
                pair.resolve("cert.pem").toString()));
        return pair;
    }

    /** Runs a command to its end and returns what it printed. */
    String runTool(List<String> command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return output;
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> all = Files.walk(folder)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
