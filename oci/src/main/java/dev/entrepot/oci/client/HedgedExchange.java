package dev.entrepot.oci.client;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Sends a small request a second time, over another connection, when the first takes longer than nearly all have
 * lately; the first good answer counts and the other request is cut. Only what somebody waits for, what reads, and what
 * costs no pull; never when all slots are taken.
 */
final class HedgedExchange implements Exchange {
    private final Exchange next;
    private final Predicate<ApiRequest> costs;
    private final BooleanSupplier hasRoom;
    private final LongSupplier nanoTime;
    private final ThreadFactory threads;
    private final HedgePace pace = new HedgePace();
    private final LongAdder sent = new LongAdder();
    private final LongAdder won = new LongAdder();

    /**
     * Over an exchange.
     *
     * @param costs whether a request may cost a pull
     * @param hasRoom whether a slot is free
     */
    HedgedExchange(Exchange next, Predicate<ApiRequest> costs, BooleanSupplier hasRoom, LongSupplier nanoTime) {
        this(next, costs, hasRoom, nanoTime, Thread.ofVirtual().factory());
    }

    /** As above, with threads of somebody's. */
    HedgedExchange(
            Exchange next,
            Predicate<ApiRequest> costs,
            BooleanSupplier hasRoom,
            LongSupplier nanoTime,
            ThreadFactory threads) {
        this.threads = threads;
        this.next = next;
        this.costs = costs;
        this.hasRoom = hasRoom;
        this.nanoTime = nanoTime;
    }

    /** How often it was done. */
    HedgeState state() {
        return new HedgeState(sent.sum(), won.sum());
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        if (!isSmall(request)) {
            return next.send(request);
        }
        OptionalLong delay = pace.begin(request.operation());
        long start = nanoTime.getAsLong();
        ApiResponse response =
                delay.isPresent() && !costs.test(request) ? race(request, delay.getAsLong()) : next.send(request);
        pace.answered(request.operation(), nanoTime.getAsLong() - start);
        return response;
    }

    private static boolean isSmall(ApiRequest request) {
        boolean kind = switch (request.operation()) {
            case RESOLVE, MANIFEST, REFERRERS -> true;
            case PING, ENTER, CATALOG, STAT_BLOB, BLOB, TAGS, UPLOAD, MOUNT, PUSH_MANIFEST, DELETE_MANIFEST, TOKEN ->
                false;
        };
        return kind
                && request.priority() == Priority.INTERACTIVE
                && request.isReading()
                && request.repeatable()
                && !request.probe();
    }

    private ApiResponse race(ApiRequest request, long delay) throws IOException {
        try (HedgeRace race = new HedgeRace(next, request, threads)) {
            if (!race.start()) {
                return next.send(request);
            }
            Optional<HedgeRace.Outcome> early = race.next(delay);
            if (early.isPresent()) {
                return race.take(early.get());
            }
            if (!hasRoom.getAsBoolean() || !pace.spend() || !race.start()) {
                return race.take(race.next());
            }
            sent.increment();
            return race.take(better(race));
        }
    }

    private HedgeRace.Outcome better(HedgeRace race) throws IOException {
        HedgeRace.Outcome first = race.next();
        if (first.isGood()) {
            won.add(first.runner());
            return first;
        }
        HedgeRace.Outcome second;
        try {
            second = race.next();
        } catch (IOException e) {
            HedgeRace.drop(first);
            throw e;
        }
        if (second.isGood()) {
            HedgeRace.drop(first);
            won.add(second.runner());
            return second;
        }
        HedgeRace.drop(second);
        return first;
    }
}
