package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/**
 * One repository as it is served to clients. Every method throws {@link dev.entrepot.oci.RegistryException} where the
 * upstream's answer or outage is the answer, and another {@code IOException} where the local disk failed.
 */
public interface ServedRepository {
    /** A manifest, by tag or digest. */
    Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException;

    /** What a tag or digest names, without its bytes. */
    default Answer<Descriptor> describe(ManifestReference reference) throws IOException {
        return manifest(reference).map(ManifestBytes::descriptor);
    }

    /** Whether the repository has a blob, and its size where that is known. Never starts a fetch. */
    Answer<OptionalLong> statBlob(Digest digest) throws IOException;

    /** A blob, which the caller closes. */
    Answer<BlobContent> openBlob(Digest digest) throws IOException;

    /**
     * As above, for who must not have it kept.
     *
     * @param from the offset that is read first
     */
    default Answer<BlobContent> passBlob(Digest digest, long from) throws IOException {
        return openBlob(digest);
    }

    /** All tags, in order. */
    Answer<List<Tag>> tags() throws IOException;

    /** All referrers of a subject. */
    Answer<Referrers> referrers(Digest subject) throws IOException;
}
