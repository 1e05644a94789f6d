package dev.entrepot.config;

/**
 * What of an upstream's pull quota replication and warming leave to clients.
 *
 * @param value pulls, or hundredths of the quota, at least 0
 * @param percent whether it is a share
 */
public record QuotaReserve(int value, boolean percent) {
    /** A quarter of the quota. */
    public static final QuotaReserve DEFAULT = new QuotaReserve(25, true);
    /** What the text may be. */
    static final String ALLOWED = "a number of pulls, for example 50, or a percentage from 0% to 100%";
    /** The grammar, for editors. */
    static final String GRAMMAR = "[0-9]{1,9}|(100|[1-9]?[0-9])%";

    /** Validates the bounds. */
    public QuotaReserve {
        if (value < 0 || percent && value > 100) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    /**
     * Parses {@code 50} or {@code 25%}.
     *
     * @throws InvalidValueException if the text is not of that form
     */
    public static QuotaReserve parse(String text) {
        if (!text.matches(GRAMMAR)) {
            throw new InvalidValueException("", ALLOWED);
        }
        boolean percent = text.endsWith("%");
        return new QuotaReserve(Integer.parseInt(percent ? text.substring(0, text.length() - 1) : text), percent);
    }

    @Override
    public String toString() {
        return value + (percent ? "%" : "");
    }
}
