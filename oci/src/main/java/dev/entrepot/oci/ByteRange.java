package dev.entrepot.oci;

import java.util.OptionalLong;

/**
 * A range of bytes with a known start (RFC 9110 section 14.1.2, without the suffix form).
 *
 * @param first offset of the first byte, at least 0
 * @param last offset of the last byte, inclusive, or empty for all that follows
 */
public record ByteRange(long first, OptionalLong last) {
    /** Everything. */
    public static final ByteRange ALL = new ByteRange(0, OptionalLong.empty());

    /** Validates the order. */
    public ByteRange {
        if (first < 0 || last.isPresent() && last.getAsLong() < first) {
            throw new IllegalArgumentException("range " + first + "-" + last);
        }
    }

    /** Everything from {@code first}. */
    public static ByteRange from(long first) {
        return new ByteRange(first, OptionalLong.empty());
    }

    /** From {@code first} to {@code last}, both inclusive. */
    public static ByteRange of(long first, long last) {
        return new ByteRange(first, OptionalLong.of(last));
    }

    /** Whether this is the whole content. */
    public boolean isAll() {
        return first == 0 && last.isEmpty();
    }

    /** The value of a {@code Range} header. */
    public String toHeader() {
        return "bytes=" + first + "-" + (last.isPresent() ? last.getAsLong() : "");
    }
}
