package dev.entrepot.config;

import java.time.Duration;

/**
 * How notifications of pushes are accepted.
 *
 * @param secret what a sender must know
 * @param debounce how long to wait for more before the rules run that match
 */
public record ReceiveConfig(Secret secret, Duration debounce) {
    /** Validates the time. */
    public ReceiveConfig {
        Checks.notNegative("debounce", debounce);
    }
}
