package dev.entrepot.proxy.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Bounds how often something may happen for each of many keys: each has a bucket of tokens, which fills again with
 * time. Of at most 100 000 keys is kept how full their buckets are; those that are forgotten begin anew. Safe for all
 * threads; a look takes no lock.
 *
 * @param <K> what is bounded
 */
public final class RequestRates<K> {
    private static final int MOST_KEYS = 100_000;

    private final long nanosPerToken;
    private final long fullNanos;
    private final LongSupplier nanoClock;
    /** The time at which the bucket was, or will be, full; behind that by one token's time for each that is missing. */
    private final Cache<K, AtomicLong> fullAt =
            Caffeine.newBuilder().maximumSize(MOST_KEYS).build();

    /**
     * Full buckets.
     *
     * @param perSecond how many tokens come back each second
     * @param burst how many a bucket holds
     */
    public RequestRates(double perSecond, int burst, LongSupplier nanoClock) {
        this.nanosPerToken = Math.max(1, (long) (1_000_000_000 / perSecond));
        this.fullNanos = nanosPerToken * burst;
        this.nanoClock = nanoClock;
    }

    /** Takes a token, or says in how much time there will be one. */
    public Optional<Duration> take(K key) {
        long now = nanoClock.getAsLong();
        AtomicLong full = fullAt.get(key, _ -> new AtomicLong(now));
        while (true) {
            long was = full.get();
            long from = was - now < 0 ? now : was;
            long missing = from - now;
            if (missing + nanosPerToken > fullNanos) {
                return Optional.of(Duration.ofNanos(missing + nanosPerToken - fullNanos));
            }
            if (full.compareAndSet(was, from + nanosPerToken)) {
                return Optional.empty();
            }
        }
    }

    /** Gives a token back. */
    public void giveBack(K key) {
        AtomicLong full = fullAt.getIfPresent(key);
        if (full != null) {
            full.addAndGet(-nanosPerToken);
        }
    }
}
