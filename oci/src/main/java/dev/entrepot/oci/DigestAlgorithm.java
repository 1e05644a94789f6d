package dev.entrepot.oci;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The algorithm part of a digest (image-spec descriptor.md, "Digests"). Any algorithm that fits the grammar may be
 * named; only those that {@link #isVerifiable()} can be computed here.
 *
 * @param name the registered or private name, for example {@code sha256}
 */
public record DigestAlgorithm(String name) {
    // Before the constants, whose constructor uses it.
    private static final Pattern GRAMMAR = Pattern.compile("[a-z0-9]+(?:[+._-][a-z0-9]+)*");

    /** The algorithm that nearly all content uses. */
    public static final DigestAlgorithm SHA256 = new DigestAlgorithm("sha256");
    /** The other registered algorithm that clients may use. */
    public static final DigestAlgorithm SHA512 = new DigestAlgorithm("sha512");

    /** Validates the grammar. */
    public DigestAlgorithm {
        if (name.length() > 64 || !GRAMMAR.matcher(name).matches()) {
            throw new InvalidNameException(
                    "digest algorithm", name, "lower-case letters and digits, parts joined by one of + . _ -");
        }
    }

    /** Whether content can be checked against a digest of this algorithm. */
    public boolean isVerifiable() {
        return javaName().isPresent();
    }

    /**
     * A new hasher.
     *
     * @throws IllegalStateException if this algorithm is not {@linkplain #isVerifiable() verifiable}
     */
    public MessageDigest newMessageDigest() {
        String javaName = javaName().orElseThrow(() -> new IllegalStateException("cannot compute " + name));
        try {
            return MessageDigest.getInstance(javaName);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks " + javaName, e);
        }
    }

    /** The number of lower-case hexadecimal digits that the encoded part must have, where the registration says so. */
    Optional<Integer> hexLength() {
        return switch (name) {
            case "sha256", "blake3" -> Optional.of(64);
            case "sha512" -> Optional.of(128);
            default -> Optional.empty();
        };
    }

    private Optional<String> javaName() {
        return switch (name) {
            case "sha256" -> Optional.of("SHA-256");
            case "sha512" -> Optional.of("SHA-512");
            default -> Optional.empty();
        };
    }

    @Override
    public String toString() {
        return name;
    }
}
