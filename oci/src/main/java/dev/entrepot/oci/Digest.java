package dev.entrepot.oci;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * A content address, {@code algorithm:encoded} (image-spec descriptor.md, "Digests"). For the registered algorithms the
 * encoded part is checked to be lower-case hexadecimal of the right length, so that a digest is also safe as a file
 * name.
 *
 * @param algorithm the hash function
 * @param encoded the hash, as text
 */
public record Digest(DigestAlgorithm algorithm, String encoded) implements ManifestReference, Comparable<Digest> {
    private static final Pattern ENCODED = Pattern.compile("[a-zA-Z0-9=_-]{1,256}");

    /** Validates the grammar. */
    public Digest {
        boolean valid = algorithm
                .hexLength()
                .map(length -> encoded.length() == length && isLowerHex(encoded))
                .orElseGet(() -> ENCODED.matcher(encoded).matches());
        if (!valid) {
            throw new InvalidNameException(
                    "digest",
                    algorithm + ":" + encoded,
                    "algorithm:encoded, for example sha256: and 64 lower-case hexadecimal digits");
        }
    }

    /**
     * Parses {@code algorithm:encoded}.
     *
     * @throws InvalidNameException if the text is not a digest
     */
    public static Digest parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new InvalidNameException(
                    "digest", text, "algorithm:encoded, for example sha256: and 64 lower-case hexadecimal digits");
        }
        String name = text.substring(0, colon);
        DigestAlgorithm algorithm = name.equals("sha256") ? DigestAlgorithm.SHA256 : new DigestAlgorithm(name);
        return new Digest(algorithm, text.substring(colon + 1));
    }

    /** The digest of these bytes. */
    public static Digest of(DigestAlgorithm algorithm, byte[] bytes) {
        return finish(algorithm, digestOf(algorithm, bytes));
    }

    /** The SHA-256 digest of these bytes. */
    public static Digest sha256(byte[] bytes) {
        return of(DigestAlgorithm.SHA256, bytes);
    }

    /** The digest that a hasher of {@code algorithm} has arrived at; resets the hasher. */
    public static Digest of(DigestAlgorithm algorithm, MessageDigest hasher) {
        return finish(algorithm, hasher.digest());
    }

    private static byte[] digestOf(DigestAlgorithm algorithm, byte[] bytes) {
        return algorithm.newMessageDigest().digest(bytes);
    }

    private static Digest finish(DigestAlgorithm algorithm, byte[] hash) {
        return new Digest(algorithm, HexFormat.of().formatHex(hash));
    }

    private static boolean isLowerHex(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
                return false;
            }
        }
        return true;
    }

    /**
     * The tag under which registries without a referrers API keep the referrers of this digest (distribution-spec,
     * "Referrers Tag Schema"): {@code sha256-<hex>}, each part cut to 32 and 64 characters, characters that a tag
     * cannot hold replaced by {@code -}.
     */
    public Tag referrersTag() {
        String left = cut(algorithm.name(), 32);
        String right = cut(encoded, 64);
        return new Tag((left + "-" + right).replaceAll("[^a-zA-Z0-9._-]", "-"));
    }

    private static String cut(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length);
    }

    /** The first twelve characters of the encoded part, for people. */
    public String shortForm() {
        return cut(encoded, 12);
    }

    @Override
    public int compareTo(Digest other) {
        int byAlgorithm = algorithm.name().compareTo(other.algorithm.name());
        return byAlgorithm != 0 ? byAlgorithm : encoded.compareTo(other.encoded);
    }

    // The text remembers its own; a digest is the key of most of what is looked up.
    @Override
    public int hashCode() {
        return encoded.hashCode();
    }

    @Override
    public String toString() {
        return algorithm.name() + ":" + encoded;
    }
}
