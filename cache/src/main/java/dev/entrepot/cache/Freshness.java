package dev.entrepot.cache;

import dev.entrepot.oci.RegistryException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Compares the age of what is kept with a limit. Something from the future, after the clock was set back, counts as old. */
record Freshness(Clock clock) {
    /** The time since {@code then}; an hour-glass that never runs backwards. */
    Duration age(Instant then) {
        Duration age = Duration.between(then, clock.instant());
        return age.isNegative() ? Duration.ZERO : age;
    }

    /** Whether {@code then} is less than {@code limit} ago. */
    boolean isWithin(Instant then, Duration limit) {
        Duration age = Duration.between(then, clock.instant());
        return !age.isNegative() && age.compareTo(limit) < 0;
    }

    /** What is kept, as an answer during an outage, if it is not too old for that. */
    <T> Optional<Answer<T>> stale(T kept, Instant confirmedAt, Duration limit, RegistryException outage) {
        Duration age = age(confirmedAt);
        if (limit.isZero() || age.compareTo(limit) > 0) {
            return Optional.empty();
        }
        return Optional.of(new Answer<>(kept, Verdict.STALE, age, Optional.of(String.valueOf(outage.getMessage()))));
    }
}
