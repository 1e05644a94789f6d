package dev.entrepot.bench;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * A server that this run started, with what the kernel knows about it and its children. Ends it, and nothing else, when
 * closed.
 */
final class ServerProcess implements Closeable {
    private static final double TICKS_PER_SECOND = 100;
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final long STOP_LIMIT_SECONDS = 15;

    private final String name;
    private final Process process;
    private final Path log;

    private ServerProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /** Starts a command; what it prints goes to {@code log}. It ends with this JVM at the latest. */
    static ServerProcess start(String name, List<String> command, Map<String, String> environment, Path log)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        builder.environment().putAll(environment);
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        return new ServerProcess(name, process, log);
    }

    /** Waits until the port takes connections. */
    ServerProcess awaitPort(int port) throws IOException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!accepts(port)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                close();
                throw new IOException(name + " did not start; see " + log + ":\n" + tail());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        return this;
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private String tail() throws IOException {
        String text = Files.readString(log);
        return text.substring(Math.max(0, text.length() - 2000));
    }

    /** The process id. */
    long pid() {
        return process.pid();
    }

    /** Ends it without a warning, as a crash would. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Processor seconds used so far, in user and kernel mode. */
    double cpuSeconds() {
        return sum(ServerProcess::cpuSeconds);
    }

    /** Memory now, shared pages divided among those who share them, in MiB. */
    double memoryMebibytes() {
        return sum(pid -> kibibytes("/proc/" + pid + "/smaps_rollup", "Pss:") / 1024);
    }

    /** The most memory that was resident at any time, in MiB. */
    double peakMebibytes() {
        return sum(pid -> kibibytes("/proc/" + pid + "/status", "VmHWM:") / 1024);
    }

    private double sum(ToDoubleFunction<Long> figure) {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .map(ProcessHandle::pid)
                .mapToDouble(figure)
                .sum();
    }

    private static double cpuSeconds(long pid) {
        // Fields 14 and 15 of the line; the second field, in parentheses, may hold spaces.
        String stat = read("/proc/" + pid + "/stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ");
        return fields.length < 13
                ? 0
                : (Double.parseDouble(fields[11]) + Double.parseDouble(fields[12])) / TICKS_PER_SECOND;
    }

    private static double kibibytes(String file, String field) {
        return read(file)
                .lines()
                .filter(line -> line.startsWith(field))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElse(0);
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (NoSuchFileException e) {
            return ""; // a child that has ended meanwhile
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + file, e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
