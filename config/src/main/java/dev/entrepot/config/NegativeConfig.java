package dev.entrepot.config;

import java.time.Duration;
import java.util.Optional;

/**
 * For how long a failure is remembered, so that the upstream is not asked the same again; zero for not at all.
 *
 * @param notFound it answered that the thing is not there
 * @param denied it answered 401 or 403
 * @param outage it gave no answer
 */
public record NegativeConfig(Optional<Duration> notFound, Optional<Duration> denied, Optional<Duration> outage) {
    /** Nothing is said. */
    public static final NegativeConfig UNSAID =
            new NegativeConfig(Optional.empty(), Optional.empty(), Optional.empty());
}
