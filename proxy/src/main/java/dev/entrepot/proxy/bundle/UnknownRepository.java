package dev.entrepot.proxy.bundle;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.ServedRepository;
import java.util.List;
import java.util.OptionalLong;

/**
 * A repository that a bundle has nothing of.
 *
 * @param repository what was asked for
 */
record UnknownRepository(Repository repository) implements ServedRepository {
    private NotFoundException unknown() {
        return new NotFoundException(NotFoundException.Kind.NAME, "the bundle has nothing of " + repository);
    }

    @Override
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws NotFoundException {
        throw unknown();
    }

    @Override
    public Answer<OptionalLong> statBlob(Digest digest) throws NotFoundException {
        throw unknown();
    }

    @Override
    public Answer<BlobContent> openBlob(Digest digest) throws NotFoundException {
        throw unknown();
    }

    @Override
    public Answer<List<Tag>> tags() throws NotFoundException {
        throw unknown();
    }

    @Override
    public Answer<Referrers> referrers(Digest subject) throws NotFoundException {
        throw unknown();
    }
}
