package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Digests as the index stores them: a byte for the algorithm and the raw hash, which is half as long as the text; for
 * algorithms that are unknown here, a zero and the text. In this form all digests of a shard of the store lie next to
 * each other.
 */
final class DigestCode {
    private static final byte TEXT = 0;
    private static final byte SHA256 = 1;
    private static final byte SHA512 = 2;

    private DigestCode() {}

    /** The stored form. */
    static byte[] encode(Digest digest) {
        byte code = code(digest.algorithm());
        byte[] body = code == TEXT
                ? digest.toString().getBytes(StandardCharsets.UTF_8)
                : HexFormat.of().parseHex(digest.encoded());
        byte[] stored = new byte[body.length + 1];
        stored[0] = code;
        System.arraycopy(body, 0, stored, 1, body.length);
        return stored;
    }

    /**
     * Reads the stored form.
     *
     * @throws IllegalArgumentException if it is none
     */
    static Digest decode(byte[] stored) {
        if (stored.length == 0) {
            throw new IllegalArgumentException("no digest in 0 bytes");
        }
        byte[] body = Arrays.copyOfRange(stored, 1, stored.length);
        return switch (stored[0]) {
            case TEXT -> Digest.parse(new String(body, StandardCharsets.UTF_8));
            case SHA256 -> new Digest(DigestAlgorithm.SHA256, HexFormat.of().formatHex(body));
            case SHA512 -> new Digest(DigestAlgorithm.SHA512, HexFormat.of().formatHex(body));
            default -> throw new IllegalArgumentException("no digest begins with the byte " + stored[0]);
        };
    }

    /**
     * A lower bound, inclusive, of the stored digests of a shard; that of the shard after it is the upper bound,
     * exclusive.
     */
    static byte[] shardStart(DigestAlgorithm algorithm, int shard) {
        byte code = code(algorithm);
        return shard < StoreLayout.SHARDS ? new byte[] {code, (byte) shard} : new byte[] {(byte) (code + 1)};
    }

    private static byte code(DigestAlgorithm algorithm) {
        return switch (algorithm.name()) {
            case "sha256" -> SHA256;
            case "sha512" -> SHA512;
            default -> TEXT;
        };
    }
}
