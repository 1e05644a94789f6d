package dev.entrepot.config;

/**
 * A share of a whole, in hundredths.
 *
 * @param value 1 to 100
 */
public record Percent(int value) {
    /** What the text may be. */
    static final String ALLOWED = "a percentage from 1% to 100%";
    /** The grammar, for editors. */
    static final String GRAMMAR = "(100|[1-9][0-9]?)%";

    /** Validates the bounds. */
    public Percent {
        if (value < 1 || value > 100) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    /**
     * Parses {@code 10%}.
     *
     * @throws InvalidValueException if the text is not of that form
     */
    public static Percent parse(String text) {
        if (!text.matches(GRAMMAR)) {
            throw new InvalidValueException("", ALLOWED);
        }
        return new Percent(Integer.parseInt(text.substring(0, text.length() - 1)));
    }

    @Override
    public String toString() {
        return value + "%";
    }
}
