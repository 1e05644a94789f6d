package dev.entrepot.cache;

import java.time.Duration;

/**
 * How long what is kept may be served.
 *
 * @param freshFor how long a tag or a tag list is served without asking the upstream
 * @param staleFor how long after the upstream last confirmed it something is served while the upstream is out; zero for never
 * @param referrersFreshFor how long a referrers list is served without asking the upstream
 */
public record CachePolicy(Duration freshFor, Duration staleFor, Duration referrersFreshFor) {
    /** The defaults: a minute, a week, a minute. */
    public static final CachePolicy DEFAULT =
            new CachePolicy(Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1));

    /** Asks the upstream every time and never serves what is stale: what replication reads with. */
    public static final CachePolicy ALWAYS_ASK = new CachePolicy(Duration.ZERO, Duration.ZERO, Duration.ZERO);
}
