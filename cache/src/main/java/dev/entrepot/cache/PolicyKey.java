package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A digest and a weight in few bytes of memory: there may be millions. A SHA-256 digest takes 48 to 56 bytes, a third
 * of its text. The weight is no part of the identity.
 */
class PolicyKey {
    private final long first;
    private final long second;
    private final long third;
    private final long fourth;
    private final int units;

    private PolicyKey(long[] words, int units) {
        this.first = words[0];
        this.second = words[1];
        this.third = words[2];
        this.fourth = words[3];
        this.units = units;
    }

    /**
     * The key of a digest that can be verified; others are never stored.
     *
     * @param units the weight
     */
    static PolicyKey of(Digest digest, int units) {
        String hex = digest.encoded();
        long[] words = new long[hex.length() / 16];
        if (words.length != 4 && words.length != 8) {
            throw new IllegalArgumentException("content " + digest + " cannot have been stored");
        }
        for (int i = 0; i < words.length; i++) {
            words[i] = HexFormat.fromHexDigitsToLong(hex, i * 16, i * 16 + 16);
        }
        return words.length == 4 ? new PolicyKey(words, units) : new Wide(words, units);
    }

    /** The digest. */
    Digest digest() {
        long[] words = words();
        StringBuilder hex = new StringBuilder(words.length * 16);
        for (long word : words) {
            hex.append(HexFormat.of().toHexDigits(word));
        }
        return new Digest(words.length == 4 ? DigestAlgorithm.SHA256 : DigestAlgorithm.SHA512, hex.toString());
    }

    /** The weight, at least 1. */
    int units() {
        return units;
    }

    /** The hash. */
    long[] words() {
        return new long[] {first, second, third, fourth};
    }

    // Uniform already.
    @Override
    public int hashCode() {
        return Long.hashCode(first);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PolicyKey key
                && first == key.first
                && second == key.second
                && third == key.third
                && fourth == key.fourth
                && rest(this) == rest(key)
                && (rest(this) == 4 || Arrays.equals(words(), key.words()));
    }

    private static int rest(PolicyKey key) {
        return key instanceof Wide ? 8 : 4;
    }

    /** A digest of SHA-512. */
    private static final class Wide extends PolicyKey {
        private final long[] all;

        Wide(long[] words, int units) {
            super(words, units);
            this.all = words;
        }

        @Override
        long[] words() {
            return all.clone();
        }
    }
}
