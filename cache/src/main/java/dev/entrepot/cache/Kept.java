package dev.entrepot.cache;

import java.time.Instant;
import java.util.function.Function;

/**
 * Something that is kept.
 *
 * @param content what it is
 * @param confirmedAt when the upstream last said that it is so
 */
record Kept<T>(T content, Instant confirmedAt) {
    /** The same about something else. */
    <U> Kept<U> map(Function<? super T, ? extends U> change) {
        return new Kept<>(change.apply(content), confirmedAt);
    }
}
