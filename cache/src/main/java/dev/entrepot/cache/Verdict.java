package dev.entrepot.cache;

import java.util.Locale;

/** Why an answer is what it is: the value of the {@code X-Entrepot-Cache} header. */
public enum Verdict {
    /** From the store, without asking the upstream. */
    HIT,
    /** Fetched from the upstream for this request. */
    MISS,
    /** Read along behind a fetch that another request started. */
    JOINED,
    /** From the store, after the upstream said that it is still current. */
    REVALIDATED,
    /** From the store, because the upstream is out, too slow, or no longer has it. */
    STALE,
    /** What the tag named before, because what it names now is too young by a rule. */
    COOLED;

    /** Whether what is answered was in the store when it was asked for. */
    public boolean isOfTheStore() {
        return switch (this) {
            case HIT, REVALIDATED, STALE, COOLED -> true;
            case MISS, JOINED -> false;
        };
    }

    /** The header value, in lower case. */
    public String headerValue() {
        return name().toLowerCase(Locale.ROOT);
    }
}
