package dev.entrepot.proxy.replication;

import dev.entrepot.cache.CachedRepository;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the cache keeps of a repository, however old it is. No upstream is asked: what is not kept is an outage that
 * names it, so that nothing counts as not there because nobody asked for it yet. Safe for all threads.
 */
final class KeptRepository implements RepositorySource {
    private final Repository repository;
    private final PullThrough pull;
    private final CachedRepository kept;

    KeptRepository(PullThroughCache cache, Repository repository) {
        this.repository = repository;
        this.pull = cache.whateverIsKept(repository);
        this.kept = new CachedRepository(pull);
    }

    @Override
    public Repository repository() {
        return repository;
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Tag tag -> Optional.of(pull.manifest(tag).content().descriptor());
            case Digest digest -> kept.resolve(digest);
        };
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return kept.fetchManifest(reference);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return kept.statBlob(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return kept.openBlob(digest, range);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        return kept.listTags(cursor);
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return kept.referrers(subject);
    }
}
