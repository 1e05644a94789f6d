package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.time.Duration;
import java.util.Set;
import java.util.function.Predicate;

/**
 * How long a digest must have been seen under a tag before it is served for that tag.
 *
 * @param time how long, more than zero
 * @param exceptDigests digests that are served at once
 * @param asksReferrers whether an image may be served at once because of what refers to it
 * @param exemptArtifactType whether a referrer of this artifact type has its subject served at once
 */
public record MinAge(
        Duration time, Set<Digest> exceptDigests, boolean asksReferrers, Predicate<String> exemptArtifactType) {
    /** Copies the set. */
    public MinAge {
        exceptDigests = Set.copyOf(exceptDigests);
    }

    /** A time without exceptions. */
    public static MinAge of(Duration time) {
        return new MinAge(time, Set.of(), false, type -> false);
    }
}
