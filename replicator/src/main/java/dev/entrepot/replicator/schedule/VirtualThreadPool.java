package dev.entrepot.replicator.schedule;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.quartz.spi.ThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs each job of Quartz on a virtual thread of its own, so many at once; where that is not enough, the log says so
 * once, and again after it was enough by half. Public because Quartz sets its names by reflection; no concern of
 * others.
 */
public final class VirtualThreadPool implements ThreadPool {
    private static final Logger LOG = LoggerFactory.getLogger(VirtualThreadPool.class);
    private static final long SHUTDOWN_SECONDS = 60;

    private final int size;
    private final Semaphore free;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean said;

    VirtualThreadPool(int size) {
        this.size = size;
        this.free = new Semaphore(size);
    }

    @Override
    public boolean runInThread(Runnable runnable) {
        if (threads.isShutdown() || !free.tryAcquire()) {
            return false;
        }
        threads.execute(() -> {
            try {
                runnable.run();
            } finally {
                free.release();
            }
        });
        return true;
    }

    @Override
    public int blockForAvailableThreads() {
        int available = free.availablePermits();
        if (available > size / 2) {
            said = false;
        }
        if (available == 0) {
            say();
        }
        try {
            free.acquire();
            free.release();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Math.max(1, free.availablePermits());
    }

    private void say() {
        if (!said) {
            said = true;
            LOG.warn(
                    "{} runs are in progress, as many as the heap has room for: rules that are due, and notifications, wait until one ends;"
                            + " \"entrepot runs\" lists them; where they are right to take long, give the process more heap (-Xmx)",
                    size);
        }
    }

    @Override
    public void initialize() {}

    @Override
    public void shutdown(boolean waitForJobsToComplete) {
        threads.shutdown();
        try {
            if (waitForJobsToComplete && !threads.awaitTermination(SHUTDOWN_SECONDS, TimeUnit.SECONDS)) {
                threads.shutdownNow();
            }
        } catch (InterruptedException e) {
            threads.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public int getPoolSize() {
        return size;
    }

    @Override
    public void setInstanceId(String id) {}

    @Override
    public void setInstanceName(String name) {}
}
