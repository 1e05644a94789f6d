package dev.entrepot.proxy.through;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.ServedRepository;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/**
 * A repository for one client, of which nothing is looked at before the upstream has let this client have something of
 * it. Thread-safe.
 */
final class ProvenRepository implements ServedRepository {
    private final PullThrough pull;
    private final ServedRepository served;
    private final PassedThrough.Guarded guarded;

    /**
     * A repository for one client.
     *
     * @param pull the repository, asked with the client's credentials
     * @param served the same, as it is served
     */
    ProvenRepository(PullThrough pull, ServedRepository served, PassedThrough.Guarded guarded) {
        this.pull = pull;
        this.served = served;
        this.guarded = guarded;
    }

    private <T> T proven(Claim.Right right, Proofs.Question proof, PassedThrough.Reading<T> reading)
            throws IOException {
        guarded.require(pull.repository(), right, proof);
        return guarded.read(pull.repository(), right, reading);
    }

    @Override
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
        return proven(Claim.Right.PULL, () -> pull.proveManifest(reference), () -> served.manifest(reference));
    }

    @Override
    public Answer<Descriptor> describe(ManifestReference reference) throws IOException {
        return proven(Claim.Right.PULL, () -> pull.proveManifest(reference), () -> served.describe(reference));
    }

    @Override
    public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        return proven(Claim.Right.PULL, () -> pull.proveBlob(digest), () -> served.statBlob(digest));
    }

    @Override
    public Answer<BlobContent> openBlob(Digest digest) throws IOException {
        return proven(Claim.Right.PULL, () -> pull.proveBlob(digest), () -> served.openBlob(digest));
    }

    @Override
    public Answer<List<Tag>> tags() throws IOException {
        return proven(Claim.Right.LIST, pull::proveTags, served::tags);
    }

    @Override
    public Answer<Referrers> referrers(Digest subject) throws IOException {
        return proven(Claim.Right.PULL, () -> pull.proveManifest(subject), () -> served.referrers(subject));
    }
}
