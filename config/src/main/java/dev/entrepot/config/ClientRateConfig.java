package dev.entrepot.config;

/**
 * How many requests one client may make.
 *
 * @param perSecond requests each second, in the long run
 * @param burst requests at once
 */
public record ClientRateConfig(int perSecond, int burst) {
    /** Validates the numbers. */
    public ClientRateConfig {
        Checks.between("per-second", perSecond, 1, 1_000_000);
        Checks.between("burst", burst, 1, 1_000_000);
    }
}
