package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The largest blob that a rule allows.
 *
 * @param repository the repository that it is for
 * @param maxBytes the length
 * @param rule the rule that says so
 */
record BlobLimit(Repository repository, long maxBytes, String rule) {
    /** The limit of a repository, if there is one. */
    static Optional<BlobLimit> of(Repository repository, CacheSettings settings) {
        return settings.maxBytes().isPresent()
                ? Optional.of(
                        new BlobLimit(repository, settings.maxBytes().getAsLong(), settings.rule(Setting.MAX_SIZE)))
                : Optional.empty();
    }

    /** Refuses a length that is known and too large. */
    void check(Digest digest, OptionalLong bytes) throws BlockedException {
        Optional<BlockedException> refusal = refusal(digest, bytes);
        if (refusal.isPresent()) {
            throw refusal.get();
        }
    }

    /** Why a length is refused, if it is known and too large. */
    Optional<BlockedException> refusal(Digest digest, OptionalLong bytes) {
        return bytes.isPresent() && bytes.getAsLong() > maxBytes
                ? Optional.of(refusal(digest, "has " + bytes.getAsLong() + " bytes"))
                : Optional.empty();
    }

    /** Refuses a blob of which so many bytes have come. */
    void reached(Digest digest, long bytes) throws BlockedException {
        if (bytes > maxBytes) {
            throw refusal(digest, "states no size and has more than " + maxBytes + " bytes");
        }
    }

    private BlockedException refusal(Digest digest, String what) {
        return new BlockedException(
                BlockedException.Kind.TOO_LARGE,
                "blob " + digest + " of " + repository + " " + what + ", and max-size is " + maxBytes + " by " + rule);
    }
}
