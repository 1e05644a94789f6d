package dev.entrepot.proxy.http;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * A client may not have what it asks for, because of who it is or is not. The message is for the client, and names no
 * secret.
 */
public final class AccessRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    public enum Kind {
        /** It must say who it is, or has failed to: 401. */
        UNKNOWN,
        /** It may not, whoever it is said to be: 403. */
        DENIED,
        /** It asks too often: 429. */
        TOO_OFTEN,
        /** Who it is cannot be found out at the moment: 503. */
        UNDECIDED
    }

    private final Kind kind;
    private final transient Optional<String> challenge;
    private final transient Optional<Duration> retryAfter;

    private AccessRefusedException(
            Kind kind, String message, Optional<String> challenge, Optional<Duration> retryAfter) {
        super(message);
        this.kind = kind;
        this.challenge = challenge;
        this.retryAfter = retryAfter;
    }

    /** It must say who it is, in the way that a challenge says. */
    public static AccessRefusedException unknown(String message, String challenge) {
        return new AccessRefusedException(Kind.UNKNOWN, message, Optional.of(challenge), Optional.empty());
    }

    /** It may not. */
    public static AccessRefusedException denied(String message) {
        return new AccessRefusedException(Kind.DENIED, message, Optional.empty(), Optional.empty());
    }

    /** It asks too often. */
    public static AccessRefusedException tooOften(String message, Duration retryAfter) {
        return new AccessRefusedException(Kind.TOO_OFTEN, message, Optional.empty(), Optional.of(retryAfter));
    }

    /** Who it is cannot be found out at the moment. */
    public static AccessRefusedException undecided(String message, Duration retryAfter) {
        return new AccessRefusedException(Kind.UNDECIDED, message, Optional.empty(), Optional.of(retryAfter));
    }

    /** What is wrong. */
    public Kind kind() {
        return kind;
    }

    /** The value of {@code WWW-Authenticate}. */
    public Optional<String> challenge() {
        return challenge;
    }

    /** When to try again. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
