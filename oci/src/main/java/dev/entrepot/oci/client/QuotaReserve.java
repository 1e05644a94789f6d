package dev.entrepot.oci.client;

/**
 * What of a pull quota is left to those who wait for an answer; requests in the background may not use it.
 *
 * @param pulls a number of pulls, at least 0
 * @param percent a share of the quota, 0 to 100; the larger of both counts
 */
public record QuotaReserve(long pulls, int percent) {
    /** A quarter, as of the slots for requests. */
    public static final QuotaReserve DEFAULT = new QuotaReserve(0, 25);

    /** Nothing: where nobody pulls but who spends it. */
    public static final QuotaReserve NONE = new QuotaReserve(0, 0);

    /** Validates the bounds. */
    public QuotaReserve {
        if (pulls < 0 || percent < 0 || percent > 100) {
            throw new IllegalArgumentException("reserve of " + pulls + " pulls or " + percent + "%");
        }
    }

    /** How many pulls that is of a quota, at most all of them. */
    long of(long limit) {
        // Limits have at most twelve digits.
        return Math.min(limit, Math.max(pulls, limit * percent / 100));
    }
}
