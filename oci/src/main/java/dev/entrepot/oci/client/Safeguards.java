package dev.entrepot.oci.client;

import java.util.Optional;

/**
 * What keeps a client from asking in vain.
 *
 * @param quota what of pull quotas is reserved; without, quotas are not looked at
 * @param breakers whether a registry that is out is left alone for a while
 */
public record Safeguards(Optional<QuotaReserve> quota, boolean breakers) {
    /** Every request is sent: for targets, and what one command asks. */
    public static final Safeguards NONE = new Safeguards(Optional.empty(), false);

    /** All of them, for an upstream that clients and replication share. */
    public static Safeguards shared(QuotaReserve reserve) {
        return new Safeguards(Optional.of(reserve), true);
    }
}
