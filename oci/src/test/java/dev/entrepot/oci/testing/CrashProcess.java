package dev.entrepot.oci.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * A Java program in a process of its own, which can be killed without warning: for tests of what survives a crash. Its
 * two outputs are read as one, to the end. Safe for all threads; waits are bounded, by 60 s unless said otherwise.
 */
public final class CrashProcess implements AutoCloseable {
    private static final int BOUND_SECONDS = 60;
    private static final int LONGEST_SECONDS = 300;

    private final Process process;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<String> output = new ArrayList<>();
    private boolean outputEnded;
    private volatile boolean killed;

    private CrashProcess(Process process) {
        this.process = process;
        // Whoever reads a pipe keeps a thread of the operating system.
        Thread.ofPlatform().daemon().name("crash-process-output").start(this::readOutput);
    }

    /** Starts a main class of the class path of this test run. */
    public static CrashProcess start(Class<?> main, String... arguments) {
        return start(ownClassPath(), main.getName(), arguments);
    }

    /** Starts a main class of a class path, on the JVM that runs this test, with a small heap. */
    public static CrashProcess start(String classPath, String mainClass, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                mainClass));
        command.addAll(List.of(arguments));
        try {
            return new CrashProcess(
                    new ProcessBuilder(command).redirectErrorStream(true).start());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + mainClass, e);
        }
    }

    /** The class path of this test run, also where the build tool hides it behind a jar of its own. */
    public static String ownClassPath() {
        return Optional.ofNullable(System.getProperty("surefire.test.class.path"))
                .orElseGet(() -> System.getProperty("java.class.path"));
    }

    /**
     * Waits for a line.
     *
     * @return the first line that matches, which may have come long ago
     * @throws AssertionError if the program ends without it, or it does not come within 60 s
     */
    public String awaitLine(Predicate<String> wanted) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
            while (true) {
                Optional<String> found = output.stream().filter(wanted).findFirst();
                if (found.isPresent()) {
                    return found.get();
                }
                if (outputEnded || nanos <= 0) {
                    throw new AssertionError("the line did not come; the output is " + output);
                }
                nanos = changed.awaitNanos(nanos);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the process without giving it a chance (SIGKILL), and waits until it is gone. Harmless when it is. */
    public void kill() throws InterruptedException {
        killed = true;
        process.toHandle().destroyForcibly();
        awaitExit();
    }

    /**
     * Waits until the program ends by itself. What it waits for a disk is not counted, nor what the kernel takes to end
     * it once it is killed, which is the same: no program can hurry either.
     *
     * @return its exit code; 137 after {@link #kill()}
     * @throws AssertionError if it does not within 60 s that count, or 300 s, with what its threads and those of this
     *     program do
     */
    public int awaitExit() throws InterruptedException {
        int counted = 0;
        for (int seconds = 0; seconds < LONGEST_SECONDS && counted < BOUND_SECONDS; seconds++) {
            if (process.waitFor(1, TimeUnit.SECONDS)) {
                return process.exitValue();
            }
            if (!killed && !ProcessThreads.waitForDisk(process.pid())) {
                counted++;
            }
        }
        throw new AssertionError(
                "the program goes on" + (killed ? ", though it is killed" : "") + "; its output is " + output()
                        + "\nit: " + ProcessThreads.told(process.pid())
                        + "\nthis program: "
                        + ProcessThreads.told(ProcessHandle.current().pid()));
    }

    /** The lines that it has written so far. */
    public List<String> output() {
        lock.lock();
        try {
            return List.copyOf(output);
        } finally {
            lock.unlock();
        }
    }

    /** Its number at the kernel. */
    public long pid() {
        return process.pid();
    }

    /** Whether it runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public void close() {
        process.toHandle().destroyForcibly();
    }

    private void readOutput() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                add(line);
            }
        } catch (IOException e) {
            add("the output broke: " + e.getMessage());
        } finally {
            end();
        }
    }

    private void add(String line) {
        lock.lock();
        try {
            output.add(line);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            outputEnded = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
