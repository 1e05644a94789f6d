package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;

/**
 * An access token. Its times are those of a {@link SteadyClock}, so that nobody who sets the wall clock makes it live
 * on.
 *
 * @param value the token itself
 * @param askedAt when it was asked for
 * @param refreshAt when to ask for another: at four fifths of its life
 * @param expiresAt when it is good for nothing
 */
record Token(String value, Instant askedAt, Instant refreshAt, Instant expiresAt) {
    /** A token that was asked for at {@code asked}, and lives for {@code life} from {@code issued}. */
    static Token of(String value, Instant asked, Instant issued, Duration life) {
        return new Token(value, asked, issued.plus(life.multipliedBy(4).dividedBy(5)), issued.plus(life));
    }

    @Override
    public String toString() {
        return "Token[until " + expiresAt + "]";
    }
}
