package dev.entrepot.replicator.select;

import dev.entrepot.oci.Tag;
import java.util.Locale;

/**
 * Whether one tag is wanted, and the condition that decided.
 *
 * @param tag the tag
 * @param kept whether it is wanted
 * @param condition the condition that decided
 * @param detail what about the tag decided, for people
 */
public record TagDecision(Tag tag, boolean kept, Condition condition, String detail) {
    /** The conditions, in the order in which they are applied. */
    public enum Condition {
        /** Matches {@code always}. */
        ALWAYS,
        /** Matches {@code include} and all that was asked. */
        INCLUDE,
        /** Matches {@code exclude}. */
        EXCLUDE,
        /** Does not match {@code regex}. */
        REGEX,
        /** Is not in the range {@code semver}, or is no version. */
        SEMVER,
        /** Is not among the newest. */
        NEWEST,
        /** Is older than {@code younger-than}, or tells no time. */
        YOUNGER_THAN,
        /** Names a digest, as cosign's and the referrers fallback tags do: it travels with its subject. */
        ATTACHED,
        /** There are fewer tags than {@code at-least}: none is copied. */
        AT_LEAST;

        /** As it is written in the configuration. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
