package dev.entrepot.replicator.fill;

import dev.entrepot.cache.CachedRepository;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A repository as the walk of a graph sees it while the cache is filled. All that the walk asks stays in the cache,
 * also what a tag names, so that cosign's tags are answered later when the upstream is out. Without referrers it shows
 * none, and asks for none.
 */
final class FillSource implements RepositorySource {
    private final PullThrough pull;
    private final CachedRepository cached;
    private final boolean referrers;

    FillSource(PullThrough pull, boolean referrers) {
        this.pull = pull;
        this.cached = new CachedRepository(pull);
        this.referrers = referrers;
    }

    @Override
    public Repository repository() {
        return cached.repository();
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        try {
            return Optional.of(fetchManifest(reference).descriptor());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return pull.keepManifest(reference);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return cached.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return cached.openBlob(digest, range);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        return referrers ? cached.listTags(cursor) : new TagPage(List.of(), Optional.empty());
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return referrers ? cached.referrers(subject) : Referrers.NONE;
    }
}
