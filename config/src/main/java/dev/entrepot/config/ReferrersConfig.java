package dev.entrepot.config;

import java.util.List;

/**
 * Which referrers travel with their subject, by artifact type. All do if every list is empty.
 *
 * @param only no others travel
 * @param except these do not travel
 * @param require a tag is copied only if its image has a referrer for each of these
 */
public record ReferrersConfig(List<NamePattern> only, List<NamePattern> except, List<NamePattern> require) {
    /** All of them travel and none is required. */
    public static final ReferrersConfig ALL = new ReferrersConfig(List.of(), List.of(), List.of());

    /** Copies the lists and validates that they do not contradict each other. */
    public ReferrersConfig {
        only = List.copyOf(only);
        except = List.copyOf(except);
        require = List.copyOf(require);
        if (!only.isEmpty() && !except.isEmpty()) {
            throw new InvalidValueException("except", "either only or except, not both");
        }
        if (require.stream().anyMatch(except::contains)) {
            throw new InvalidValueException("require", "no artifact type that except leaves behind");
        }
    }
}
