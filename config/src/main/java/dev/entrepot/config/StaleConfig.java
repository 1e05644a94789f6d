package dev.entrepot.config;

import java.time.Duration;
import java.util.Optional;

/**
 * For how long since the upstream last confirmed it something is served when the upstream gives no usable answer, by
 * what is wrong; zero for never.
 *
 * @param rateLimited it answers 429
 * @param serverError it answers 5xx, or with what makes no sense
 * @param timeout it does not answer in time
 * @param unreachable it cannot be connected to
 * @param deleted it answers that the thing is gone
 */
public record StaleConfig(
        Optional<Duration> rateLimited,
        Optional<Duration> serverError,
        Optional<Duration> timeout,
        Optional<Duration> unreachable,
        Optional<Duration> deleted) {
    /** Nothing is said. */
    public static final StaleConfig UNSAID =
            new StaleConfig(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /** The same time for all that is an outage; nothing about what is deleted. */
    static StaleConfig outages(Duration time) {
        Optional<Duration> each = Optional.of(time);
        return new StaleConfig(each, each, each, each, Optional.empty());
    }
}
