package dev.entrepot.config;

import java.time.Duration;

/**
 * That an upstream is asked with the credentials of each client, and with no others.
 *
 * @param proof how a client proves to the upstream that it may have what is kept already
 * @param proofFor how long that counts
 */
public record PassThroughConfig(Proof proof, Duration proofFor) {
    /** The time where nothing else is configured. */
    public static final Duration DEFAULT_PROOF_FOR = Duration.ofMinutes(5);

    private static final Duration LONGEST = Duration.ofHours(1);

    /** How it is proved. */
    public enum Proof {
        /** The upstream answers a HEAD, for what is asked for, that is made with the client's credentials. */
        HEAD
    }

    /** Validates the time. */
    public PassThroughConfig {
        if (!proofFor.isPositive() || proofFor.compareTo(LONGEST) > 0) {
            throw new InvalidValueException("proof-for", "a time of more than 0 and at most 1h");
        }
    }
}
