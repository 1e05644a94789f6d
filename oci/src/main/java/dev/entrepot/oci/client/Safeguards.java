package dev.entrepot.oci.client;

import java.util.Optional;

/**
 * What keeps a client from asking in vain.
 *
 * @param quota what of pull quotas is reserved; without, quotas are not looked at
 * @param breakers whether a registry that is out is left alone for a while
 * @param repeats whether a request that met an outage is repeated, in the background also after a pause that the registry asks for; not where another
 *     place is asked instead
 */
public record Safeguards(Optional<QuotaReserve> quota, boolean breakers, boolean repeats) {
    /** Every request is sent: for targets, and what one command asks. */
    public static final Safeguards NONE = new Safeguards(Optional.empty(), false, true);

    /** All of them, for an upstream that clients and replication share. */
    public static Safeguards shared(QuotaReserve reserve) {
        return new Safeguards(Optional.of(reserve), true, true);
    }

    /** These, for a mirror: what it does not answer at once is asked elsewhere. */
    public Safeguards ofMirror() {
        return new Safeguards(quota, breakers, false);
    }
}
