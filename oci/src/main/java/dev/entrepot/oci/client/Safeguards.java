package dev.entrepot.oci.client;

import java.util.Optional;

/**
 * What keeps a client from asking in vain.
 *
 * @param quota what of pull quotas is reserved; without, quotas are not looked at
 * @param breakers whether a registry that is out is left alone for a while
 * @param repeats whether a request that met an outage is repeated, in the background also after a pause that the
 *     registry asks for; not where another place is asked instead
 * @param hedges whether a small request that takes long is sent a second time
 */
public record Safeguards(Optional<QuotaReserve> quota, boolean breakers, boolean repeats, boolean hedges) {
    /** Every request is sent: for targets, and for a server of this program. */
    public static final Safeguards NONE = new Safeguards(Optional.empty(), false, true, false);

    /** All of them, for an upstream that clients and replication share. */
    public static Safeguards shared(QuotaReserve reserve) {
        return new Safeguards(Optional.of(reserve), true, true, true);
    }

    /**
     * Every request is sent that somebody's command needs, as long as the quota lasts: for sources that no client pulls
     * from through this process.
     */
    public static Safeguards ofCommand(QuotaReserve reserve) {
        return new Safeguards(Optional.of(reserve), false, true, false);
    }

    /** These, for a mirror: what it does not answer at once is asked elsewhere. */
    public Safeguards ofMirror() {
        return new Safeguards(quota, breakers, false, hedges);
    }

    /** These, with or without sending small requests a second time when they take long. */
    public Safeguards withHedges(boolean on) {
        return new Safeguards(quota, breakers, repeats, on);
    }
}
