package dev.entrepot.oci;

/**
 * The exact bytes of a manifest as they came over the wire, and the descriptor that they match. They are stored, served
 * and pushed as they are: no manifest is ever written through a JSON mapper.
 */
public final class ManifestBytes {
    private final Descriptor descriptor;
    private final byte[] bytes;

    private ManifestBytes(Descriptor descriptor, byte[] bytes) {
        this.descriptor = descriptor;
        this.bytes = bytes;
    }

    /**
     * Takes over {@code bytes} and computes their digest with {@code algorithm}.
     *
     * @throws InvalidContentException if there are more than {@link OciLimits#MAX_MANIFEST_BYTES}
     */
    public static ManifestBytes of(MediaType mediaType, DigestAlgorithm algorithm, byte[] bytes)
            throws InvalidContentException {
        if (bytes.length > OciLimits.MAX_MANIFEST_BYTES) {
            throw new InvalidContentException(
                    "manifest of " + bytes.length + " bytes exceeds the limit of " + OciLimits.MAX_MANIFEST_BYTES);
        }
        return new ManifestBytes(Descriptor.of(mediaType, Digest.of(algorithm, bytes), bytes.length), bytes);
    }

    /** As {@link #of(MediaType, DigestAlgorithm, byte[])} with SHA-256. */
    public static ManifestBytes of(MediaType mediaType, byte[] bytes) throws InvalidContentException {
        return of(mediaType, DigestAlgorithm.SHA256, bytes);
    }

    /**
     * Takes over {@code bytes}, which must have the digest {@code expected}.
     *
     * @throws InvalidContentException if they have another, if the algorithm cannot be computed, or if there are too
     *     many
     */
    public static ManifestBytes verified(MediaType mediaType, Digest expected, byte[] bytes)
            throws InvalidContentException {
        if (!expected.algorithm().isVerifiable()) {
            throw new InvalidContentException("manifest " + expected + " cannot be verified: the algorithm "
                    + expected.algorithm() + " is not supported");
        }
        ManifestBytes manifest = of(mediaType, expected.algorithm(), bytes);
        if (!manifest.digest().equals(expected)) {
            throw new InvalidContentException(
                    "manifest bytes have the digest " + manifest.digest() + ", expected " + expected);
        }
        return manifest;
    }

    /** Media type, digest and size. */
    public Descriptor descriptor() {
        return descriptor;
    }

    /** The digest of the bytes. */
    public Digest digest() {
        return descriptor.digest();
    }

    /** The media type as stated by the server that sent them. */
    public MediaType mediaType() {
        return descriptor.mediaType();
    }

    /** The number of bytes. */
    public int sizeBytes() {
        return bytes.length;
    }

    /** The bytes themselves, not a copy: callers must not write to the array. */
    public byte[] array() {
        return bytes;
    }

    @Override
    public String toString() {
        return descriptor.toString();
    }
}
