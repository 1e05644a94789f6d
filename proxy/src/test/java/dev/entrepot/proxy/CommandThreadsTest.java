package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Commands as processes of their own, which ask a source that never answers. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "reads what proc(5) says of threads, and SCHED_BATCH is of Linux")
class CommandThreadsTest {
    // proc(5): what of a thread's line in stat stands after its name, from field 3 on; 41 is the policy.
    private static final int POLICY = 41 - 3;
    private static final String OTHER = "0";
    private static final String BATCH = "3";
    private static final String IDLE = "5";
    private static final String WATCH = "carrier-watch";

    @TempDir
    private Path folder;

    private ServerSocket silent;

    @BeforeEach
    void listen() throws Exception {
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        silent.setSoTimeout(20_000);
        Files.writeString(
                folder.resolve("entrepot.yaml"), """
                        cache: {directory: "%s"}
                        upstreams:
                          source.test: {url: "http://127.0.0.1:%d"}
                        replication:
                          rules:
                            - name: rule
                              source: source.test
                              repositories: [team/app]
                              tags: ["*"]
                              targets: [{url: "http://127.0.0.1:1"}]
                        """.formatted(folder.resolve("data"), silent.getLocalPort()));
    }

    @AfterEach
    void close() throws Exception {
        silent.close();
    }

    @Test
    void whatMovesContentIsScheduledAsAServerIs() throws Exception {
        Process sync = start("--other", List.of(), "sync", "rule");
        try (AutoCloseable _ = accepted(sync)) {
            awaitWatch(sync);
            // The watch begins when all threads have been told.
            assertThat(policies(sync)).containsOnly(BATCH);
        } finally {
            kill(sync);
        }
    }

    @Test
    void whoGivesAProcessAnotherPolicyIsNotOverruled() throws Exception {
        Process sync = start("--idle", List.of(), "sync", "rule");
        try (AutoCloseable _ = accepted(sync)) {
            awaitWatch(sync);
            assertThat(policies(sync)).containsOnly(IDLE);
        } finally {
            kill(sync);
        }
    }

    @Test
    void whoAsksForUsualSchedulingHasIt() throws Exception {
        Process sync = start("--other", List.of("-Dentrepot.scheduling=normal"), "sync", "rule");
        try (AutoCloseable _ = accepted(sync)) {
            awaitWatch(sync);
            assertThat(policies(sync)).containsOnly(OTHER);
        } finally {
            kill(sync);
        }
    }

    @Test
    void isForCommandsThatMoveContent() {
        for (String moving : List.of("copy", "export", "import", "plan", "receipt", "sync", "verify")) {
            assertThat(CommandThreads.fits(List.of(moving, "x"))).as(moving).isTrue();
        }
        assertThat(CommandThreads.fits(List.of("cache", "warm"))).isTrue();
        // A server has its own.
        assertThat(CommandThreads.fits(List.of("serve"))).isFalse();
        assertThat(CommandThreads.fits(List.of("runs"))).isFalse();
        assertThat(CommandThreads.fits(List.of("--version"))).isFalse();
        assertThat(CommandThreads.fits(List.of())).isFalse();
    }

    // Another test of this process may have asked for what this one is about, and a child inherits it.
    private Process start(String policy, List<String> options, String... arguments)
            throws IOException, InterruptedException {
        assumeTrue(isPermitted(policy), "chrt " + policy);
        List<String> command = new ArrayList<>(List.of(
                "chrt",
                policy,
                "0",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(options);
        command.add(Main.class.getName());
        command.addAll(List.of(arguments));
        command.addAll(List.of("--config", folder.resolve("entrepot.yaml").toString()));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("said").toFile())
                .start();
    }

    private static boolean isPermitted(String policy) throws InterruptedException {
        try {
            return new ProcessBuilder("chrt", policy, "0", "true").start().waitFor() == 0;
        } catch (IOException e) {
            return false; // there is no such command
        }
    }

    // Its first connection.
    private Socket accepted(Process process) throws IOException {
        try {
            return silent.accept();
        } catch (SocketTimeoutException e) {
            throw new AssertionError(
                    (process.isAlive() ? "it runs and asks nobody: " : "it has ended: ")
                            + Files.readString(folder.resolve("said")),
                    e);
        }
    }

    private static void kill(Process process) throws InterruptedException {
        process.destroyForcibly();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }

    private static void awaitWatch(Process process) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (System.nanoTime() < end && !names(process).contains(WATCH)) {
            Thread.sleep(10);
        }
        assertThat(names(process)).contains(WATCH);
    }

    private static List<String> names(Process process) throws IOException {
        return lines(process).stream()
                .map(line -> line.substring(line.indexOf('(') + 1, line.lastIndexOf(')')))
                .toList();
    }

    private static List<String> policies(Process process) throws IOException {
        return lines(process).stream()
                .map(line -> line.substring(line.lastIndexOf(')') + 2).split(" ")[POLICY])
                .toList();
    }

    private static List<String> lines(Process process) throws IOException {
        List<String> lines = new ArrayList<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            for (Path task : tasks.toList()) {
                try {
                    lines.add(Files.readString(task.resolve("stat"), StandardCharsets.ISO_8859_1));
                } catch (IOException e) {
                    // it has ended meanwhile: before its file was opened, or before it was read
                }
            }
        }
        return lines;
    }
}
