package dev.entrepot.config;

import dev.entrepot.oci.Digest;
import java.time.Duration;
import java.util.List;

/**
 * How long a digest must have been known under a tag before it is served for that tag.
 *
 * @param time how long; zero for no time at all
 * @param exceptDigests digests that are served at once
 * @param exceptSigned artifact types: an image with a referrer of one of these is served at once
 */
public record MinAgeConfig(Duration time, List<Digest> exceptDigests, List<NamePattern> exceptSigned) {
    /** Copies the lists. */
    public MinAgeConfig {
        Checks.notNegative("time", time);
        exceptDigests = List.copyOf(exceptDigests);
        exceptSigned = List.copyOf(exceptSigned);
    }

    /** A time without exceptions. */
    static MinAgeConfig of(Duration time) {
        return new MinAgeConfig(time, List.of(), List.of());
    }
}
