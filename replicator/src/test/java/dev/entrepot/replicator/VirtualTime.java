package dev.entrepot.replicator;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** A clock that only sleeping and tests move. */
public final class VirtualTime implements InstantSource, Sleeper {
    private Instant now = Instant.parse("2026-11-20T12:00:00Z");
    private final List<Duration> slept = new ArrayList<>();

    @Override
    public synchronized Instant instant() {
        return now;
    }

    @Override
    public synchronized void sleep(Duration time) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("woken while pretending to sleep");
        }
        slept.add(time);
        now = now.plus(time);
    }

    public synchronized void pass(Duration time) {
        now = now.plus(time);
    }

    public synchronized List<Duration> slept() {
        return List.copyOf(slept);
    }

    public Time time() {
        return new Time(this, this, new SplittableRandom(7));
    }
}
