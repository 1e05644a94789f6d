package dev.entrepot.cache;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The blob that a fetch is for, and what the repository that starts the fetch says of it.
 *
 * @param digest what its bytes must have
 * @param repository whose upstream is read
 * @param declaredBytes the size that a manifest states: a hint, which another manifest may contradict; the upstream's
 *     own word and the digest decide
 * @param named whether a manifest of the repository names this digest as a blob; if none does, it may turn out to be a
 *     manifest, and those are never served as blobs
 * @param limit how large it may be by the rules of the repository
 */
record WantedBlob(
        Digest digest, Repository repository, OptionalLong declaredBytes, boolean named, Optional<BlobLimit> limit) {
    /** The answer of an upstream that does not have it. */
    NotFoundException notThere() {
        return new NotFoundException(NotFoundException.Kind.BLOB, "blob " + digest + " is not in " + repository);
    }

    /**
     * Has the upstream say that it has this too, of which all has come, perhaps for another repository.
     *
     * @param bytes its length
     * @throws NotFoundException if it has not, or something else
     */
    void requireAt(BlobSource source, long bytes) throws IOException {
        OptionalLong stated = source.statBlob(digest).orElseThrow(this::notThere);
        if (StatedSize.isOther(source, digest, stated, OptionalLong.of(bytes))) {
            throw notThere();
        }
    }

    /** Names it and its repository, for messages. */
    @Override
    public String toString() {
        return "blob " + digest + " of " + repository;
    }
}
