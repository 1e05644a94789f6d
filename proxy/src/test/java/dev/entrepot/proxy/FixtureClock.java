package dev.entrepot.proxy;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until it is moved. Safe for all threads. */
final class FixtureClock extends Clock {
    /** When it begins. */
    static final Instant START = Instant.parse("2026-11-20T10:00:00Z");

    private final AtomicReference<Instant> now = new AtomicReference<>(START);
    private final AtomicLong nanos = new AtomicLong();

    void advance(Duration duration) {
        nanos.addAndGet(duration.toNanos());
        now.updateAndGet(instant -> instant.plus(duration));
    }

    /** As when somebody sets the clock of the machine: no time passes. */
    void set(Duration ahead) {
        now.updateAndGet(instant -> instant.plus(ahead));
    }

    /** What the machine measures of the time that passes. */
    long nanoTime() {
        return nanos.get();
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("one zone is enough");
    }
}
