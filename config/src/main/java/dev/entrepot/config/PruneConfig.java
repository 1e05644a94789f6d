package dev.entrepot.config;

import java.time.Duration;

/**
 * What is deleted at the targets: tags that the rule copied and that the source no longer has, and manifests that it
 * copied and that belong to no tag any more.
 *
 * @param enabled whether anything is
 * @param grace how long something must have been gone
 * @param maxShare the largest share of the rule's tags, and of its manifests, that one run deletes
 */
public record PruneConfig(boolean enabled, Duration grace, Percent maxShare) {
    /** Nothing is deleted. */
    public static final PruneConfig OFF = new PruneConfig(false, Duration.ofDays(7), new Percent(10));

    /** Validates the time. */
    public PruneConfig {
        Checks.notNegative("grace", grace);
    }
}
