package dev.entrepot.config;

import java.util.List;

/**
 * Which referrers travel with their subject, by artifact type. All do if every list is empty. What is required travels,
 * too, whatever {@code only} and {@code except} say of it: a copy has the signature for the sake of which it was made.
 *
 * @param only no others travel, but for those that are required
 * @param except these do not travel, unless they are required
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
            throw new InvalidValueException(
                    "require", "no artifact type that except leaves behind; remove it from one of them");
        }
    }
}
