package dev.entrepot.cache;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/**
 * Something served, and why.
 *
 * @param content what is served
 * @param verdict where it came from
 * @param age time since the upstream last confirmed it; zero when it was asked just now
 * @param outage for {@link Verdict#STALE}, a sentence about what is wrong with the upstream, for {@link Verdict#COOLED}
 *     about what the tag names now; without secrets
 */
public record Answer<T>(T content, Verdict verdict, Duration age, Optional<String> outage) {
    /** An answer that is not stale. */
    public static <T> Answer<T> of(T content, Verdict verdict, Duration age) {
        return new Answer<>(content, verdict, age, Optional.empty());
    }

    /** The same answer about something else. */
    public <U> Answer<U> map(Function<? super T, ? extends U> change) {
        return new Answer<>(change.apply(content), verdict, age, outage);
    }
}
