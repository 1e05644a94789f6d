package dev.entrepot.proxy.page;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.RequestRecord;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Counts what clients were given and where it came from: since the start, and for each of the last sixty minutes. Only
 * answers with content count, so that asking for what does not exist makes no hit rate better or worse. Takes no lock.
 * Safe for all threads.
 */
public final class Traffic implements RequestObserver {
    private static final int MINUTES = 60;
    private static final long MINUTE_MILLIS = 60_000;
    private static final Verdict[] VERDICTS = Verdict.values();

    private final LongAdder[] requests = adders();
    private final LongAdder[] bytes = adders();
    private final LongAdder active = new LongAdder();
    private final AtomicReferenceArray<@Nullable Minute> minutes = new AtomicReferenceArray<>(MINUTES);

    /** The counts of one minute since 1970. */
    private record Minute(long number, LongAdder requests, LongAdder misses, LongAdder bytes, LongAdder bytesOfMisses) {
        static Minute of(long number) {
            return new Minute(number, new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder());
        }
    }

    /** Starts counting. */
    public Traffic() {}

    private static LongAdder[] adders() {
        LongAdder[] adders = new LongAdder[VERDICTS.length];
        for (int i = 0; i < adders.length; i++) {
            adders[i] = new LongAdder();
        }
        return adders;
    }

    @Override
    public void started() {
        active.increment();
    }

    @Override
    public void finished(RequestRecord request) {
        active.decrement();
        if (request.verdict().isEmpty() || request.status() < 200 || request.status() >= 400) {
            return;
        }
        Verdict verdict = request.verdict().get();
        requests[verdict.ordinal()].increment();
        bytes[verdict.ordinal()].add(request.bodyBytes());
        Minute minute = minute((request.startedMillis() + request.nanos() / 1_000_000) / MINUTE_MILLIS);
        minute.requests().increment();
        minute.bytes().add(request.bodyBytes());
        if (verdict == Verdict.MISS) {
            minute.misses().increment();
            minute.bytesOfMisses().add(request.bodyBytes());
        }
    }

    private Minute minute(long number) {
        int slot = (int) Math.floorMod(number, (long) MINUTES);
        while (true) {
            Minute there = minutes.get(slot);
            if (there != null && there.number() >= number) {
                return there;
            }
            Minute fresh = Minute.of(number);
            if (minutes.compareAndSet(slot, there, fresh)) {
                return fresh;
            }
        }
    }

    /**
     * {@code {"active", "requests": {...}, "bytes": {...}, "minutes": [[requests, of them without a fetch of their own,
     * bytes, of them ...], ...]}}, the minutes oldest first, the last one still running.
     */
    ObjectNode json(Instant now) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("active", active.sum());
        ObjectNode byRequests = json.putObject("requests");
        ObjectNode byBytes = json.putObject("bytes");
        for (Verdict verdict : VERDICTS) {
            byRequests.put(verdict.headerValue(), requests[verdict.ordinal()].sum());
            byBytes.put(verdict.headerValue(), bytes[verdict.ordinal()].sum());
        }
        long last = now.toEpochMilli() / MINUTE_MILLIS;
        ArrayNode all = json.putArray("minutes");
        for (long number = last - MINUTES + 1; number <= last; number++) {
            Minute minute = minutes.get((int) Math.floorMod(number, (long) MINUTES));
            ArrayNode one = all.addArray();
            if (minute == null || minute.number() != number) {
                one.add(0).add(0).add(0).add(0);
            } else {
                // The misses first, so that there are never more of them than answers; one that comes in between is
                // shown right the next time.
                long misses = minute.misses().sum();
                long bytesOfMisses = minute.bytesOfMisses().sum();
                long answers = minute.requests().sum();
                long sent = minute.bytes().sum();
                one.add(answers).add(answers - misses).add(sent).add(sent - bytesOfMisses);
            }
        }
        return json;
    }
}
