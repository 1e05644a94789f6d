package dev.entrepot.proxy.warm;

import dev.entrepot.replicator.fill.FillReport;
import dev.entrepot.replicator.fill.FillRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Images that are being brought into the cache. For one use; how far it is may be asked by any thread. */
public final class WarmRun {
    private static final int IMAGES = 4;

    private final GraphFiller filler;
    private final List<FillRequest> requests;
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger incomplete = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    /** A run that has not begun. */
    public WarmRun(GraphFiller filler, List<FillRequest> requests) {
        this.filler = filler;
        this.requests = List.copyOf(requests);
    }

    /**
     * Brings them in and returns when all that can be had is there.
     *
     * @throws InterruptedIOException if the thread is interrupted
     */
    public WarmReport run() throws InterruptedIOException {
        try {
            return WarmReport.of(Concurrently.map(requests, IMAGES, this::fill));
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new IllegalStateException("each failure is in the report", e);
        }
    }

    private FillReport fill(FillRequest request) throws InterruptedIOException {
        FillReport report = filler.fill(request);
        bytes.addAndGet(report.bytes());
        incomplete.addAndGet(report.isComplete() ? 0 : 1);
        done.incrementAndGet();
        return report;
    }

    /** How far it is, in a line. */
    public String progress() {
        int failed = incomplete.get();
        return String.format(
                Locale.ROOT,
                "%d of %d images, %.1f MiB%s",
                done.get(),
                requests.size(),
                bytes.get() / (double) (1 << 20),
                failed == 0 ? "" : ", " + failed + " incomplete");
    }
}
