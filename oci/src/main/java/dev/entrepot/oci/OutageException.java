package dev.entrepot.oci;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The registry, or the token service before it, gave no answer that says anything about the content. */
public final class OutageException extends RegistryException {
    /** Why there was no answer. */
    public enum Reason {
        /** The connection was refused or reset, or the network is unreachable. */
        UNREACHABLE,
        /** No connection, header or byte in time. */
        TIMEOUT,
        /** The name does not resolve. */
        DNS,
        /** The TLS handshake failed. */
        TLS,
        /** 429: too many requests, or not asked because of one. */
        RATE_LIMITED,
        /** The quota of pulls is used up, or what is left of it is reserved for others. */
        QUOTA,
        /** 5xx, or an answer that is not HTTP. */
        SERVER_ERROR,
        /**
         * The token service failed: where in one of the ways of a registry, the cause is the outage that says which.
         */
        TOKEN_SERVICE,
        /** Not asked, because it is configured or known to be out. */
        NOT_ASKED
    }

    private final Reason reason;
    private final Reason underlying;
    private final Optional<Duration> retryAfter;
    private final Origin origin;

    /** What was sent for it. */
    private enum Origin {
        /** Nothing, because of an earlier 429. */
        HELD,
        /** The request, or a question for its sake, which the registry has answered so. */
        ANSWERED,
        /** That shows by the reason. */
        BY_REASON
    }

    /** Says what was asked of whom. */
    public OutageException(Reason reason, String message) {
        this(reason, message, Optional.empty(), null);
    }

    /** As above, with the cause. */
    public OutageException(Reason reason, String message, Throwable cause) {
        this(reason, message, Optional.empty(), cause);
    }

    /** As above, with how long the registry asks to be left alone. */
    public OutageException(Reason reason, String message, Optional<Duration> retryAfter, @Nullable Throwable cause) {
        this(reason, reason, message, retryAfter, Origin.BY_REASON, cause);
    }

    private OutageException(
            Reason reason,
            Reason underlying,
            String message,
            Optional<Duration> retryAfter,
            Origin origin,
            @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
        this.underlying = underlying;
        this.retryAfter = retryAfter;
        this.origin = origin;
    }

    /** That a registry was not asked for so long, because it is known to be out, and for which reason. */
    public static OutageException notAsked(Reason underlying, String message, Duration retryAfter) {
        return new OutageException(
                Reason.NOT_ASKED, underlying, message, Optional.of(retryAfter), Origin.BY_REASON, null);
    }

    /**
     * That a registry was not asked, because it has answered an earlier request by 429 and is to be left alone for so
     * long.
     */
    public static OutageException held(String message, Duration retryAfter) {
        return new OutageException(
                Reason.RATE_LIMITED, Reason.RATE_LIMITED, message, Optional.of(retryAfter), Origin.HELD, null);
    }

    /**
     * That the quota of pulls is used up, and that the registry has answered: this request, by 429, or the question how
     * much is left that was sent before it.
     */
    public static OutageException ofQuota(String message, Duration retryAfter) {
        return new OutageException(Reason.QUOTA, Reason.QUOTA, message, Optional.of(retryAfter), Origin.ANSWERED, null);
    }

    /** Why there was no answer. */
    public Reason reason() {
        return reason;
    }

    /**
     * What is wrong with the registry: of one that was not asked what is known of it, if anything is; else the reason.
     */
    public Reason underlying() {
        return underlying;
    }

    /** Whether nothing was sent because of an earlier 429, so that this says nothing of how the registry is now. */
    public boolean isHeld() {
        return origin == Origin.HELD;
    }

    /** Whether the registry has answered, this very request or for its sake, as far as the reason does not tell. */
    public boolean isAnswer() {
        return origin == Origin.ANSWERED;
    }

    /** How long the registry asks to be left alone, where it said so. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
