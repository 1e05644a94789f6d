package dev.entrepot.proxy.admin;

import dev.entrepot.cache.Verdict;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts requests. The series of every combination of kind, verdict and status is looked up once and then found by its
 * index, because this runs on every request.
 */
public final class RequestMetrics implements RequestObserver {
    private static final int STATUSES = 600;
    private static final int VERDICTS = Verdict.values().length + 1;

    private final Metrics.Counter requests;
    private final AtomicReferenceArray<LongAdder> requestSeries =
            new AtomicReferenceArray<>(RequestKind.values().length * VERDICTS * STATUSES);
    private final DurationHistogram.Series[] seconds = new DurationHistogram.Series[RequestKind.values().length];
    private final LongAdder[] bytes = new LongAdder[RequestKind.values().length];
    private final Metrics.Counter unfinished;
    private final LongAdder active = new LongAdder();
    private final Metrics.Counter unreadable;

    /** Registers the metrics. */
    public RequestMetrics(Metrics metrics) {
        requests = metrics.counter("entrepot_requests_total", "Requests answered.", "kind", "status", "verdict");
        unreadable = metrics.counter(
                "entrepot_unreadable_requests_total", "Requests that could not be read as HTTP.", "status");
        DurationHistogram durations = metrics.durations(
                "entrepot_request_seconds", "Time from a request being read to its answer being written.", "kind");
        Metrics.Counter bodyBytes =
                metrics.counter("entrepot_response_bytes_total", "Bytes of bodies written to clients.", "kind");
        unfinished = metrics.counter(
                "entrepot_unfinished_responses_total",
                "Answers that did not reach their end: cut by us, or the client gone or stalled.",
                "ending");
        for (RequestKind kind : RequestKind.values()) {
            seconds[kind.ordinal()] = durations.with(kind.label());
            bytes[kind.ordinal()] = bodyBytes.with(kind.label());
        }
        for (Ending ending : Ending.values()) {
            if (ending != Ending.COMPLETE) {
                unfinished.with(ending.label()); // at 0, so that it is there before there is one
            }
        }
        metrics.gauge("entrepot_requests_active", "Requests being handled.", active::sum);
    }

    @Override
    public void started() {
        active.increment();
    }

    @Override
    public void finished(RequestRecord request) {
        active.decrement();
        int kind = request.kind().ordinal();
        series(request).increment();
        seconds[kind].record(request.nanos());
        bytes[kind].add(request.bodyBytes());
        if (request.ending() != Ending.COMPLETE) {
            unfinished.with(request.ending().label()).increment();
        }
    }

    @Override
    public void unreadable(int status) {
        unreadable.with(Integer.toString(status)).increment();
    }

    private LongAdder series(RequestRecord request) {
        int verdict = request.verdict().isPresent() ? request.verdict().get().ordinal() + 1 : 0;
        int status = request.status() < STATUSES ? request.status() : 0;
        int index = (request.kind().ordinal() * VERDICTS + verdict) * STATUSES + status;
        LongAdder known = requestSeries.getAcquire(index);
        if (known != null) {
            return known;
        }
        LongAdder found = requests.with(request.kind().label(), Integer.toString(status), label(request.verdict()));
        requestSeries.setRelease(index, found);
        return found;
    }

    private static String label(Optional<Verdict> verdict) {
        return verdict.map(Verdict::headerValue).orElse("none");
    }
}
