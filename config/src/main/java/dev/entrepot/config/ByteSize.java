package dev.entrepot.config;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes.
 *
 * @param bytes the number, at least 0
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    /** What the text may be. */
    static final String ALLOWED =
            "a number of bytes, with or without a unit (KiB MiB GiB TiB, KB MB GB TB), for example 50GiB";
    /** The grammar, for editors. */
    static final String GRAMMAR = "[0-9]{1,19}(\\.[0-9]{1,6})? ?([KMGT]i?B|B)?";

    private static final Pattern TEXT = Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,6})?) ?((?:[KMGT]i?B|B)?)");

    /** Validates the sign. */
    public ByteSize {
        if (bytes < 0) {
            throw new InvalidValueException("", ALLOWED);
        }
    }

    /**
     * Parses a number with an optional unit; a fraction of a byte is dropped.
     *
     * @throws InvalidValueException if the text is not of that form or exceeds 8 EiB
     */
    public static ByteSize parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidValueException("", ALLOWED);
        }
        BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(factor(matcher.group(2))));
        try {
            return new ByteSize(bytes.setScale(0, RoundingMode.DOWN).longValueExact());
        } catch (ArithmeticException e) {
            throw new InvalidValueException("", "less than 8388608TiB");
        }
    }

    private static long factor(String unit) {
        if (unit.isEmpty() || unit.equals("B")) {
            return 1;
        }
        int power = "KMGT".indexOf(unit.charAt(0)) + 1;
        long base = unit.length() == 3 ? 1024 : 1000;
        long factor = 1;
        for (int i = 0; i < power; i++) {
            factor *= base;
        }
        return factor;
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** The number in the largest unit that shows it exactly, in a form that {@link #parse} takes. */
    @Override
    public String toString() {
        for (String unit : new String[] {"TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "KB"}) {
            long factor = factor(unit);
            if (bytes >= factor && bytes % factor == 0) {
                return bytes / factor + unit;
            }
        }
        return Long.toString(bytes);
    }
}
