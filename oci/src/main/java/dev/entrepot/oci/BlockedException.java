package dev.entrepot.oci;

import java.time.Duration;
import java.util.Optional;

/**
 * A rule of this process refuses, whatever the registry has, or what it has cannot be proven. Neither the registry's
 * answer nor an outage: nothing of it is remembered, and nothing that is kept is served in its place.
 */
public final class BlockedException extends RegistryException {
    /** What the rule is about. */
    public enum Kind {
        /** The rule denies it. */
        DENIED,
        /** What the tag names was first seen too short a time ago, and nothing older can stand in for it. */
        TOO_YOUNG,
        /** The blob is larger than the rule allows. */
        TOO_LARGE,
        /** It is of a kind whose digest is not that of its bytes: whatever the rules say, it is passed on by nobody. */
        UNVERIFIABLE
    }

    private final Kind kind;
    private final Optional<Duration> retryAfter;

    /** Says what is refused, by which rule and why; it is shown to clients. */
    public BlockedException(Kind kind, String message) {
        this(kind, message, Optional.empty());
    }

    /** As above, with the time after which the rule will no longer refuse it. */
    public BlockedException(Kind kind, String message, Optional<Duration> retryAfter) {
        super(message);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }

    /** What the rule is about. */
    public Kind kind() {
        return kind;
    }

    /** The time after which the rule will no longer refuse it, where there is one. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
