package dev.entrepot.oci.client;

import java.time.Instant;

/** How long a quota lasts at the present rate. */
public sealed interface Forecast {
    /** It was not watched for long enough. */
    record Unknown() implements Forecast {}

    /** No more is used in a window than there is. */
    record Lasts() implements Forecast {}

    /**
     * Nothing will be left.
     *
     * @param at from when on; now or in the past if nothing is left
     */
    record UsedUp(Instant at) implements Forecast {}
}
