package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A repository behind a {@link HostGate}. Of a blob, opening it passes the gate; reading the body does not, but keeps
 * to its pace.
 */
record GatedSource(RepositorySource source, HostGate gate) implements RepositorySource {
    @Override
    public Repository repository() {
        return source.repository();
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.listTags(cursor));
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.referrers(subject));
    }

    @Override
    public Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.referrers(subject, known));
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.statBlob(digest));
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return paced(gate.request(RequestKind.READ_BLOB, () -> source.openBlob(digest, range)));
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        return paced(gate.request(RequestKind.READ_BLOB, () -> source.openBlob(digest, range, knownBytes)));
    }

    private BlobBody paced(BlobBody body) {
        return gate.pace().equals(Pace.FREE) ? body : new PacedBody(body, gate.pace());
    }

    @Override
    public void refuted(Digest digest) {
        source.refuted(digest);
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.resolve(reference));
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return gate.request(RequestKind.LOOK, () -> source.fetchManifest(reference));
    }
}
