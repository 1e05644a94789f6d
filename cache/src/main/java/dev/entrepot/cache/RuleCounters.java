package dev.entrepot.cache;

import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** What rules have made of requests since the start. Thread-safe. */
public final class RuleCounters {
    private final LongAdder[] events = adders(RuleEvent.values().length);
    private final LongAdder[] stale = adders(StaleCause.values().length);

    RuleCounters() {}

    private static LongAdder[] adders(int count) {
        return Stream.generate(LongAdder::new).limit(count).toArray(LongAdder[]::new);
    }

    void count(RuleEvent event) {
        events[event.ordinal()].increment();
    }

    void served(StaleCause cause) {
        stale[cause.ordinal()].increment();
    }

    /** How often something happened. */
    public long of(RuleEvent event) {
        return events[event.ordinal()].sum();
    }

    /** How often something was served stale for this cause. */
    public long stale(StaleCause cause) {
        return stale[cause.ordinal()].sum();
    }
}
