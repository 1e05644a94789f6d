package dev.entrepot.proxy;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that virtual threads go on when others wait for the disk, or compute for long. A virtual thread that reads
 * a file holds the thread of the operating system that carries it, and so does one that hashes what it has at hand;
 * with as many of these as processors, which is fastest, as many slow reads or large blobs would stop everything. So a
 * virtual thread is started now and then that does nothing but begin: while one has to wait and none of these threads
 * runs or could run, or it has had to wait for long, many may be carried at a time, until all has gone well for a
 * while.
 *
 * <p>One thread of the operating system that wakes up twenty times in a second. Safe for all threads.
 */
final class CarrierWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CarrierWatch.class);
    private static final int LEAST = 2;
    private static final int MOST = 16;
    private static final int MOST_PER_PROCESSOR = 4;
    // proc(5); a name is cut after 15 letters.
    private static final Path TASKS = Path.of("/proc/self/task");
    private static final String CARRIER = "(ForkJoinPool-";
    /** The JDK's own property, by which somebody may say how many carry virtual threads as a rule. */
    private static final String PARALLELISM = "jdk.virtualThreadScheduler.parallelism";

    private final VirtualThreadSchedulerMXBean scheduler;
    private final Times times;
    private final int least;
    private final int most;
    private final Thread thread;
    // Of the thread.
    private long calmSince = System.nanoTime();
    private boolean failing;

    /**
     * How often is looked, and what is made of it.
     *
     * @param pause between two looks
     * @param late after which a virtual thread that has not begun is late
     * @param starved after which it is so late that more are carried, even if those that are carried run
     * @param calm how long none may have been late before no more are carried than usual
     * @param hanging after how long at the most there are, without one that begins, the log is told
     */
    record Times(Duration pause, Duration late, Duration starved, Duration calm, Duration hanging) {
        private static final Times USUAL = new Times(
                Duration.ofMillis(50),
                Duration.ofMillis(20),
                Duration.ofMillis(200),
                Duration.ofSeconds(1),
                Duration.ofSeconds(5));
    }

    CarrierWatch(VirtualThreadSchedulerMXBean scheduler, Times times, int least, int most) {
        this.scheduler = scheduler;
        this.times = times;
        this.least = least;
        this.most = most;
        thread = Thread.ofPlatform().daemon().name("carrier-watch").unstarted(this::run);
    }

    /** Watches the scheduler of this process, from now on. */
    static CarrierWatch start() {
        int processors = Runtime.getRuntime().availableProcessors();
        int least = Integer.getInteger(PARALLELISM, Math.max(LEAST, processors));
        CarrierWatch watch = new CarrierWatch(
                ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class),
                Times.USUAL,
                least,
                Math.max(least, Math.max(MOST, MOST_PER_PROCESSOR * processors)));
        watch.thread.start();
        return watch;
    }

    /** For tests, which choose the times. */
    CarrierWatch started() {
        thread.start();
        return this;
    }

    private void run() {
        try {
            scheduler.setParallelism(least);
            while (true) {
                look();
                TimeUnit.NANOSECONDS.sleep(times.pause().toNanos());
            }
        } catch (InterruptedException e) {
            LOG.debug("closed");
        }
    }

    // What one look fails with, as where the system gives no more threads, must not be the last one: without looks
    // nothing would ever go on again once the disk does not answer.
    private void look() throws InterruptedException {
        try {
            if (!goesOn()) {
                calmSince = System.nanoTime();
            } else if (System.nanoTime() - calmSince > times.calm().toNanos()) {
                allow(least);
            }
            failing = false;
        } catch (RuntimeException | Error e) {
            if (!failing) {
                LOG.error("it could not be seen whether things go on", e);
            }
            failing = true;
        }
    }

    // Returns when a virtual thread has begun: whether it did so in time.
    private boolean goesOn() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        Thread.ofVirtual().name("carrier-probe").start(begun::countDown);
        long started = System.nanoTime();
        boolean told = false;
        boolean inTime = true;
        boolean waited = false;
        int looks = 0;
        while (!begun.await(times.late().toNanos(), TimeUnit.NANOSECONDS)) {
            inTime = false;
            boolean wait = allWait();
            long sinceNanos = System.nanoTime() - started;
            looks++; // a pause of the whole process is one
            // Twice, since a thread may wait for a lock for a moment.
            if (wait && waited || times.late().multipliedBy(looks).compareTo(times.starved()) >= 0) {
                allow(most);
                nudge();
            }
            waited = wait;
            if (!told && wait && sinceNanos > times.hanging().toNanos()) {
                told = true;
                LOG.warn(
                        "nothing has gone on for {} s, with {} threads that may wait for a disk: does the disk of the store answer? (dmesg, iostat)",
                        times.hanging().toSeconds(),
                        scheduler.getParallelism());
            }
        }
        if (told) {
            LOG.info(
                    "things go on, after {} s",
                    Duration.ofNanos(System.nanoTime() - started).toSeconds());
        }
        return inTime;
    }

    // The scheduler, once stuck, begins to carry more only when something comes into a queue of its that is empty;
    // which of its queues a thread puts it into depends on the thread.
    private static void nudge() throws InterruptedException {
        Thread other =
                Thread.ofPlatform().daemon().name("carrier-nudge").start(() -> Thread.startVirtualThread(() -> {}));
        other.join();
    }

    private void allow(int carriers) {
        if (carriers != scheduler.getParallelism()) {
            scheduler.setParallelism(carriers);
        }
    }

    // Whether no thread that carries virtual ones runs, or would if it got a processor. Where the system does not say
    // so, they are believed to wait.
    private static boolean allWait() {
        if (!Files.isDirectory(TASKS)) {
            return true;
        }
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                if (isRunningCarrier(task)) {
                    return false;
                }
            }
            return true;
        } catch (IOException | DirectoryIteratorException e) {
            LOG.debug("{} cannot be read: {}", TASKS, e.toString());
            return true;
        }
    }

    private static boolean isRunningCarrier(Path task) {
        try {
            String stat = Files.readString(task.resolve("stat"), StandardCharsets.ISO_8859_1);
            return stat.contains(CARRIER) && stat.startsWith(" R", stat.lastIndexOf(')') + 1);
        } catch (IOException e) {
            return false; // it has ended meanwhile
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
