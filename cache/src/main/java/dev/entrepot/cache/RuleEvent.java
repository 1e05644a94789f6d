package dev.entrepot.cache;

import java.util.Locale;

/** What rules made of requests, as it is counted. */
public enum RuleEvent {
    /** Denied. */
    DENIED,
    /** Served an older digest of a tag, because what it names is too young. */
    COOLED,
    /** Refused, because what the tag names is too young. */
    TOO_YOUNG,
    /** Refused, because the blob is too large. */
    TOO_LARGE,
    /** The upstream was not asked, because it is offline by a rule. */
    OFFLINE,
    /** Answered with a failure that was remembered. */
    NEGATIVE,
    /** Served what is kept, and asked the upstream behind. */
    BEHIND;

    /** The name as people write it: {@code too-young}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
