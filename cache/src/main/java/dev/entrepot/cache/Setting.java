package dev.entrepot.cache;

import java.util.Locale;

/** The settings that rules decide, one by one. */
public enum Setting {
    /** Why nothing is served, if so. */
    DENY,
    /** When the upstream is asked about what is kept. */
    FRESHNESS,
    /** How long a request waits for the upstream when something is kept. */
    CHECK_DEADLINE,
    /** How long something is served while the upstream answers 429. */
    STALE_RATE_LIMITED,
    /** How long something is served while the upstream answers 5xx. */
    STALE_SERVER_ERROR,
    /** How long something is served while the upstream does not answer in time. */
    STALE_TIMEOUT,
    /** How long something is served while the upstream cannot be connected to. */
    STALE_UNREACHABLE,
    /** How long something is served that the upstream no longer has. */
    STALE_DELETED,
    /** How long it is remembered that something is not there. */
    NEGATIVE_NOT_FOUND,
    /** How long it is remembered that something was denied. */
    NEGATIVE_DENIED,
    /** How long it is remembered that there was no answer. */
    NEGATIVE_OUTAGE,
    /** Whether the upstream is never contacted. */
    OFFLINE,
    /** What is never evicted. */
    PIN,
    /** What is fetched before it is asked for. */
    PREFETCH,
    /** How long a digest must have been seen before it is served under a tag. */
    MIN_AGE,
    /** The largest blob that is served. */
    MAX_SIZE,
    /** What is evicted first. */
    PRIORITY,
    /** The most of the disk that may be used. */
    SHARE;

    /** The name as people write it: {@code stale.rate-limited}. */
    public String label() {
        String lower = name().toLowerCase(Locale.ROOT).replace('_', '-');
        return lower.startsWith("stale-") || lower.startsWith("negative-") ? lower.replaceFirst("-", ".") : lower;
    }
}
