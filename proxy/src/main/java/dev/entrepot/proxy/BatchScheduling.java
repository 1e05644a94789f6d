package dev.entrepot.proxy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.NoSuchElementException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has Linux schedule the threads of this process as ones that work off what there is (SCHED_BATCH, sched(7)): a thread
 * that becomes ready waits for its turn, in place of taking the processor from one that is in the middle of an answer.
 * Requests are then taken many at a time, and fewer threads are woken for each
 * (docs/decisions/0018-batch-scheduling.md). It takes no privilege. Where it cannot be had, or
 * {@code -Dentrepot.scheduling=normal} asks for none of it, threads are scheduled as usual; and where somebody has
 * given the process another policy, they keep it.
 */
final class BatchScheduling {
    private static final Logger LOG = LoggerFactory.getLogger(BatchScheduling.class);
    private static final String PROPERTY = "entrepot.scheduling";
    private static final String NORMAL = "normal";
    // proc(5)
    private static final Path TASKS = Path.of("/proc/self/task");
    // A thread inherits the policy of the one that starts it; so the second time none is left that was not there the
    // first time.
    private static final int ROUNDS = 2;
    private static final Duration AFTER_START = Duration.ofSeconds(1);
    // sched.h
    private static final int SCHED_BATCH = 3;
    // proc(5): the 41st field, of which two stand before and in the brackets around a name that may have spaces.
    private static final Path OWN_STATUS = Path.of("/proc/thread-self/stat");
    private static final int POLICY = 41 - 3;
    private static final String SCHED_OTHER = "0";

    private BatchScheduling() {}

    /**
     * Asks for it, for all threads of this process that there are and that they start; a moment later and on a thread
     * of its own, since the first call of a function of the system takes processor time that a start has better use
     * for.
     */
    static void begin() {
        if (isWanted()) {
            Thread.ofPlatform().daemon().name("scheduling").start(BatchScheduling::applySoon);
        }
    }

    /** The same at once and on the thread of the caller. */
    static void beginAtOnce() {
        if (isWanted()) {
            apply();
        }
    }

    private static boolean isWanted() {
        return !NORMAL.equals(System.getProperty(PROPERTY)) && Files.isDirectory(TASKS) && hasUsualPolicy();
    }

    private static boolean hasUsualPolicy() {
        try {
            String status = Files.readString(OWN_STATUS, StandardCharsets.ISO_8859_1);
            String[] fields =
                    status.substring(status.lastIndexOf(')') + 1).strip().split(" ", -1);
            return fields.length > POLICY && fields[POLICY].equals(SCHED_OTHER);
        } catch (IOException e) {
            LOG.debug("threads are scheduled as usual: {}", e.toString());
            return false;
        }
    }

    private static void applySoon() {
        try {
            Thread.sleep(AFTER_START);
            apply();
        } catch (InterruptedException e) {
            LOG.debug("threads are scheduled as usual: nobody waited");
        }
    }

    /** Asks for it now. */
    @SuppressWarnings("restricted") // calls of the C library are, and the launchers allow them
    static void apply() {
        try (Arena arena = Arena.ofConfined()) {
            Linker linker = Linker.nativeLinker();
            MethodHandle setScheduler = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("sched_setscheduler"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
            MemorySegment priority = arena.allocate(ValueLayout.JAVA_INT); // none: 0
            for (int round = 0; round < ROUNDS; round++) {
                applyToAll(setScheduler, priority);
            }
        } catch (IOException
                | DirectoryIteratorException
                | IllegalCallerException
                | NoSuchElementException
                | UnsupportedOperationException e) {
            LOG.debug("threads are scheduled as usual: {}", e.toString());
        }
    }

    private static void applyToAll(MethodHandle setScheduler, MemorySegment priority) throws IOException {
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                int thread = Integer.parseInt(task.getFileName().toString());
                if (refused(setScheduler, thread, priority)) {
                    LOG.debug(
                            "thread {} is scheduled as usual: it has ended, or the system does not permit it", thread);
                }
            }
        }
    }

    private static boolean refused(MethodHandle setScheduler, int thread, MemorySegment priority) {
        try {
            return (int) setScheduler.invokeExact(thread, SCHED_BATCH, priority) != 0;
        } catch (Throwable e) { // declared by all method handles; a call of the system throws nothing
            throw new IllegalStateException(e);
        }
    }
}
