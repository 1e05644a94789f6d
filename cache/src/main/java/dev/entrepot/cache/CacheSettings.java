package dev.entrepot.cache;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How a tag, or what has no tag, of a repository is cached. Plain values; which rule decided each of them is kept for
 * messages and explanations.
 *
 * @param denied why nothing is served; empty if it is
 * @param freshFor how long a tag is served without asking the upstream; {@link #FOREVER} for always
 * @param behindFor how long, counted as above, a tag is served and the upstream asked behind; no less than
 *     {@code freshFor} to have an effect
 * @param listsFreshFor how long a tag list is served without asking the upstream
 * @param referrersFreshFor how long a list of referrers is served without asking the upstream
 * @param checkDeadline how long a request waits for the upstream when something is kept; zero for as long as it takes
 * @param stale how long since the upstream last confirmed it something is served when there is no usable answer, for
 *     every cause; zero for never
 * @param negative how long failures are remembered
 * @param offline whether the upstream is never contacted
 * @param pin what is never evicted
 * @param prefetch what is fetched before it is asked for
 * @param minAge how long a digest must have been seen before it is served under a tag
 * @param maxBytes the largest blob that is served
 * @param priority the lower, the sooner evicted
 * @param share the most of the disk that may be used
 * @param decidedBy the rule, or else the key, that decided each setting; defaults are not in it
 */
public record CacheSettings(
        Optional<String> denied,
        Duration freshFor,
        Duration behindFor,
        Duration listsFreshFor,
        Duration referrersFreshFor,
        Duration checkDeadline,
        Map<StaleCause, Duration> stale,
        Negative negative,
        boolean offline,
        Optional<GraphPart> pin,
        Optional<GraphPart> prefetch,
        Optional<MinAge> minAge,
        OptionalLong maxBytes,
        int priority,
        Optional<DiskShare> share,
        Map<Setting, String> decidedBy) {
    /** Longer than anything is kept. */
    public static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);
    /** How long a request waits for the upstream when something is kept and nothing else is said. */
    public static final Duration DEFAULT_CHECK_DEADLINE = Duration.ofMillis(300);
    /** What {@link #rule} says of a setting that neither a rule nor a key decided. */
    public static final String DEFAULT = "default";

    private static final Negative NOT_REMEMBERED = new Negative(Duration.ZERO, Duration.ZERO, Duration.ZERO);

    /**
     * How long failures are remembered; zero for not at all.
     *
     * @param notFound that something is not there
     * @param denied that it was denied
     * @param outage that there was no answer
     */
    public record Negative(Duration notFound, Duration denied, Duration outage) {}

    /** Copies the maps. Causes that are not in {@code stale} have the time zero. */
    public CacheSettings {
        EnumMap<StaleCause, Duration> times = new EnumMap<>(StaleCause.class);
        for (StaleCause cause : StaleCause.values()) {
            times.put(cause, stale.getOrDefault(cause, Duration.ZERO));
        }
        stale = Collections.unmodifiableMap(times);
        decidedBy = Map.copyOf(decidedBy);
    }

    /**
     * What holds where no rule says anything.
     *
     * @param freshFor how long a tag or a tag list is served without asking the upstream
     * @param staleFor how long something is served while the upstream is out
     * @param referrersFreshFor how long a referrers list is served without asking the upstream
     */
    public static CacheSettings defaults(Duration freshFor, Duration staleFor, Duration referrersFreshFor) {
        return new CacheSettings(
                Optional.empty(),
                freshFor,
                Duration.ZERO,
                freshFor,
                referrersFreshFor,
                DEFAULT_CHECK_DEADLINE,
                Map.of(
                        StaleCause.RATE_LIMITED, staleFor,
                        StaleCause.SERVER_ERROR, staleFor,
                        StaleCause.TIMEOUT, staleFor,
                        StaleCause.UNREACHABLE, staleFor),
                NOT_REMEMBERED,
                false,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                0,
                Optional.empty(),
                Map.of());
    }

    /**
     * The same, where what no rule decides is said by keys of the configuration.
     *
     * @param keys the keys, as they are named to users, of the settings that they decide
     */
    public CacheSettings withKeys(Map<Setting, String> keys) {
        return with(freshFor, behindFor, listsFreshFor, referrersFreshFor, checkDeadline, stale, negative, keys);
    }

    /** The same with another deadline; zero for none. */
    public CacheSettings withCheckDeadline(Duration deadline) {
        return with(freshFor, behindFor, listsFreshFor, referrersFreshFor, deadline, stale, negative, decidedBy);
    }

    /**
     * The same for a reader that wants to know what is so now: asked every time, nothing stale, nothing remembered.
     * What may be served at all stays as it is.
     */
    CacheSettings alwaysAsking() {
        return fresh(Duration.ZERO, Map.of());
    }

    /**
     * The same for a reader that takes whatever is kept, however old, and has nobody asked. What may be served at all
     * stays as it is.
     */
    CacheSettings whateverIsKept() {
        Map<StaleCause, Duration> ever = new EnumMap<>(StaleCause.class);
        for (StaleCause cause : StaleCause.values()) {
            ever.put(cause, FOREVER);
        }
        return fresh(FOREVER, ever);
    }

    private CacheSettings fresh(Duration all, Map<StaleCause, Duration> stale) {
        return with(all, all, all, all, Duration.ZERO, stale, NOT_REMEMBERED, decidedBy);
    }

    private CacheSettings with(
            Duration freshFor,
            Duration behindFor,
            Duration listsFreshFor,
            Duration referrersFreshFor,
            Duration checkDeadline,
            Map<StaleCause, Duration> stale,
            Negative negative,
            Map<Setting, String> decidedBy) {
        return new CacheSettings(
                denied,
                freshFor,
                behindFor,
                listsFreshFor,
                referrersFreshFor,
                checkDeadline,
                stale,
                negative,
                offline,
                pin,
                prefetch,
                minAge,
                maxBytes,
                priority,
                share,
                decidedBy);
    }

    /** The rule, or else the key, that decided a setting, as it is named to users, or {@link #DEFAULT}. */
    public String rule(Setting setting) {
        return decidedBy.getOrDefault(setting, DEFAULT);
    }
}
