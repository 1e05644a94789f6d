package dev.entrepot.deploy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.sqlite.util.OSInfo;

/**
 * Writes the cache of loaded classes and method profiles with which later starts are fast (JEP 483, 514 and 515): in
 * one JVM runs a replication by command, once with everything to do and once with nothing, and then the server, with a
 * load of pulls and a replication between registries of its own, one of which has no referrers API, all on loopback.
 * The launcher runs this after a build; without the cache everything works, only later.
 *
 * <p>Before that it takes SQLite's library for this machine out of its archive, which otherwise happens at each start.
 *
 * <p>Usage: {@code StartupTraining LAUNCHER CACHE NATIVE}; native is the folder for the library. The server's data lie
 * in a temporary folder meanwhile.
 */
final class StartupTraining {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration LOAD_LIMIT = Duration.ofSeconds(60);
    private static final Duration RUN_LIMIT = Duration.ofSeconds(60);
    private static final Duration END_LIMIT = Duration.ofSeconds(120);
    private static final String LOG = "training.log";
    private static final int IMAGES = 12;
    private static final int ROUNDS = 150;

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Images images = new Images(7);
    private final URI pulls;
    private final URI admin;

    private StartupTraining(int port, int adminPort) {
        this.pulls = URI.create("http://127.0.0.1:" + port);
        this.admin = URI.create("http://127.0.0.1:" + adminPort);
    }

    /** Runs it; ends with an exception if the cache could not be written. */
    public static void main(String[] arguments) throws Exception {
        Path launcher = Path.of(arguments[0]).toAbsolutePath();
        Path cache = Path.of(arguments[1]).toAbsolutePath();
        unpackLibrary(Path.of(arguments[2]).toAbsolutePath());
        Path folder = Files.createTempDirectory("entrepot-training");
        try (TestRegistry source = TestRegistry.started();
                TestRegistry target = TestRegistry.started();
                TestRegistry unable = TestRegistry.started(Abilities.WITHOUT_REFERRERS)) {
            new StartupTraining(freePort(), freePort())
                    .run(launcher, cache, folder, source, List.of(target.uri(), unable.uri()));
        } catch (Exception e) {
            Path log = folder.resolve(LOG);
            throw new IOException(Files.exists(log) ? "the server said:\n" + Files.readString(log) : "no server", e);
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> paths = Files.walk(folder)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }

    private static void unpackLibrary(Path folder) throws IOException {
        String name = System.mapLibraryName("sqlitejdbc");
        String resource = "/org/sqlite/native/" + OSInfo.getNativeLibFolderPathForCurrentOS() + "/" + name;
        try (InputStream library = OSInfo.class.getResourceAsStream(resource)) {
            if (library != null) {
                // Whole, or not there: others may be starting meanwhile.
                Path aside = Files.createTempDirectory(folder.getParent(), "native");
                Files.copy(library, aside.resolve(name));
                Files.setPosixFilePermissions(aside, PosixFilePermissions.fromString("rwxr-xr-x"));
                Files.move(aside, folder);
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void run(Path launcher, Path cache, Path folder, TestRegistry source, List<URI> targets) throws Exception {
        Bundle image = fill(source);
        Path config = configure(folder, "serve", source, targets);
        // In a cache of its own and to repositories of its own, so that the server finds as much to do as it.
        Path rehearsed = configure(folder, "sync", source, targets);
        String sync = "sync,training,--config," + rehearsed;
        ProcessBuilder command = new ProcessBuilder(launcher.toString(), "serve", "--config", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(LOG).toFile())
                .redirectInput(new File("/dev/null"));
        // All of it happens on this machine.
        command.environment()
                .keySet()
                .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
        command.environment().put("ENTREPOT_TRAINING", "1");
        // By its name alone in its own folder: the launcher splits these options at spaces.
        command.directory(Objects.requireNonNull(cache.getParent()).toFile());
        command.environment()
                .put(
                        "ENTREPOT_JAVA_OPTS",
                        "-XX:AOTCacheOutput=" + cache.getFileName() + " -Dentrepot.rehearsal=" + sync + ";" + sync);
        Process server = command.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> kill(server)));
        try {
            awaitServer(server);
            pull(image);
            awaitRun();
        } finally {
            server.destroy();
            if (!server.waitFor(END_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                kill(server);
            }
        }
        if (!Files.exists(cache)) {
            throw new IOException("no cache was written");
        }
    }

    private Path configure(Path folder, String purpose, TestRegistry source, List<URI> targets) throws IOException {
        return Files.writeString(folder.resolve(purpose + ".yaml"), """
                server: {listen: "%s", admin: "%s"}
                cache: {directory: "%s"}
                default-upstream: source.test
                upstreams:
                  source.test: {url: "%s"}
                  tls.test: {url: "%s"}
                replication:
                  rules:
                    - name: training
                      source: source.test
                      repositories: ["train/*"]
                      targets: [{url: "%s", prefix: "%s"}, {url: "%s", prefix: "%s"}]
                      schedule: every 1h
                """.formatted(
                        pulls.getAuthority(),
                        admin.getAuthority(),
                        folder.resolve(purpose),
                        source.uri(),
                        source.uri().toString().replace("http:", "https:"),
                        targets.getFirst(),
                        purpose,
                        targets.getLast(),
                        purpose));
    }

    private static void kill(Process server) {
        server.descendants().forEach(ProcessHandle::destroyForcibly);
        server.destroyForcibly();
    }

    // Images with what belongs to them: more of them than one, so that replication gets warm.
    private Bundle fill(TestRegistry source) {
        Bundle last = images.index("linux/amd64", "linux/arm64");
        for (int i = 0; i < IMAGES; i++) {
            String repository = "train/app" + i % 3;
            Bundle image = images.image(200_000, 50_000);
            source.push(repository, image, "v1." + i);
            for (Bundle referrer : images.referrerChain(image, 2, "application/vnd.cyclonedx+json")) {
                source.push(repository, referrer);
            }
        }
        source.push("train/app0", last, "latest");
        return last;
    }

    private void awaitServer(Process server) throws Exception {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            try {
                if (status("GET", pulls.resolve("/v2/")) == 200) {
                    return;
                }
            } catch (IOException e) {
                if (!server.isAlive() || System.nanoTime() > deadline) {
                    throw new IOException("the server did not start", e);
                }
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private void pull(Bundle image) throws Exception {
        List<Digest> blobs = List.copyOf(image.blobs().keySet());
        Digest root = image.digest();
        long deadline = System.nanoTime() + LOAD_LIMIT.toNanos();
        for (int round = 0; round < ROUNDS && System.nanoTime() < deadline; round++) {
            Digest blob = blobs.get(round % blobs.size());
            URI repository = pulls.resolve("/v2/train/app0/");
            served("GET", repository.resolve("manifests/latest"));
            served("HEAD", repository.resolve("manifests/latest"));
            served("GET", repository.resolve("manifests/" + root));
            served("GET", repository.resolve("blobs/" + blob));
            served("HEAD", repository.resolve("blobs/" + blob));
            served("GET", repository.resolve("blobs/" + blob), "Range", "bytes=5-2000");
            served("GET", repository.resolve("manifests/" + root), "If-None-Match", "\"" + root + "\"");
            served("GET", repository.resolve("referrers/" + root));
            served("GET", repository.resolve("tags/list"));
        }
        status("GET", pulls.resolve("/v2/_catalog"));
        status("GET", pulls.resolve("/v2/unknown.test/a/manifests/1"));
        // Speaks no TLS: the handshake ends at its first answer. Most of what a first pull over TLS loads was loaded
        // for it.
        status("GET", pulls.resolve("/v2/tls.test/a/manifests/1"));
        status("GET", admin.resolve("/metrics"));
        status("GET", admin.resolve("/readyz"));
    }

    private void awaitRun() throws Exception {
        status("POST", admin.resolve("/replication/rules/training/sync"));
        long deadline = System.nanoTime() + RUN_LIMIT.toNanos();
        while (text(admin.resolve("/replication/runs")).contains("\"running\"") && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private void served(String method, URI uri, String... headers) throws Exception {
        int status = status(method, uri, headers);
        if (status != 200 && status != 206 && status != 304) {
            throw new IOException(method + " " + uri + " was answered " + status);
        }
    }

    private int status(String method, URI uri, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(Duration.ofSeconds(20))
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private String text(URI uri) throws Exception {
        return client.send(
                        HttpRequest.newBuilder(uri)
                                .timeout(Duration.ofSeconds(20))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
