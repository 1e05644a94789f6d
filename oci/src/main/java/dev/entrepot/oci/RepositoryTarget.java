package dev.entrepot.oci;

import java.io.IOException;

/**
 * A repository that content is pushed to (distribution-spec, "Push" and "Deleting Manifests"). Implementations are safe
 * for all threads.
 */
public interface RepositoryTarget {
    /**
     * Asks whether the blob is there (HEAD).
     *
     * @throws RegistryException if the target gave no answer
     */
    boolean containsBlob(Digest digest) throws IOException;

    /**
     * Uploads a blob, resuming or repeating as needed: {@code content} may be opened several times. Returns when the
     * target has accepted it.
     *
     * @param blob digest and size of the blob; exactly that many bytes are sent
     * @param content where the bytes come from
     * @throws RegistryException if the target refused or gave no answer, or the source failed
     */
    void pushBlob(Descriptor blob, BlobSource content) throws IOException;

    /**
     * Asks the target to link a blob that another of its repositories has (distribution-spec, "Mounting a blob from
     * another repository").
     *
     * @return whether it is now there; false means that it must be pushed
     * @throws RegistryException if the target gave no answer
     */
    boolean mountBlob(Digest digest, RepositoryName from) throws IOException;

    /**
     * Pushes the exact bytes of a manifest, by digest or under a tag. A tag is to name the digest that the manifest has
     * here; whether it does where that is not by SHA-256 is to be asked for, since most registries know no other in
     * their tags.
     *
     * @param reference the digest of the bytes, or a tag
     * @return what the target answered
     * @throws RefusedException if the target refused it, for example because something it references is missing
     * @throws RegistryException if the target gave no answer
     */
    PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException;

    /**
     * Returns when all manifests that were pushed before, and the names that they got, outlast a crash of this process,
     * and what was deleted before does not come back by one. A registry says with its answer to each that this is so; a
     * target of our own may gather some and write them together. A name that another program has taken meanwhile is
     * none that they got; who must know asks for it.
     *
     * @throws IOException if they cannot be written
     */
    void settle() throws IOException;

    /**
     * Deletes a tag, or a manifest and every tag on it.
     *
     * @return whether it was there
     * @throws RefusedException if the target does not allow it
     * @throws RegistryException if the target gave no answer
     */
    boolean deleteManifest(ManifestReference reference) throws IOException;
}
