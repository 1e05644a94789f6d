package dev.entrepot.proxy.replication;

import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.CachedRepository;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.cache.Setting;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.client.CatalogPage;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RemoteRepository;
import dev.entrepot.replicator.SourceRegistry;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A registry that is copied from. A configured upstream is read through the cache that also serves clients, so that
 * each blob is read from it once; a registry that only a command names is read directly, because what it calls itself
 * must not get into the cache under that name.
 *
 * @param client its client, which others close
 * @param cache the cache before it, if there is one
 * @param keepsBlobs whether it keeps blobs that are read of it
 * @param lasts whether the cache is there for the next command, too
 */
record RegistrySource(RegistryClient client, Optional<PullThroughCache> cache, boolean keepsBlobs, boolean lasts)
        implements SourceRegistry {
    // Of at least one name each; more than any registry has.
    private static final int MOST_PAGES = 100_000;

    RegistrySource(RegistryClient client, Optional<PullThroughCache> cache) {
        this(client, cache, true, true);
    }

    /** The same, with a cache that is deleted when the command ends. */
    RegistrySource forgetting() {
        return new RegistrySource(client, cache, keepsBlobs, false);
    }

    /** The same, with a cache that keeps no blob because it is read here. */
    RegistrySource passingBlobs() {
        return new RegistrySource(client, cache, false, lasts);
    }

    @Override
    public String name() {
        return client.endpoint().registry().value();
    }

    @Override
    public RepositorySource repository(RepositoryName name) {
        RepositorySource remote = client.source(name, Priority.BACKGROUND);
        return cache.<RepositorySource>map(shared -> cached(shared.alwaysAsking(remote)))
                .orElse(remote);
    }

    // Of the registry itself: a mirror keeps what it has withdrawn, as the cache does.
    @Override
    public boolean hasNow(RepositoryName name, Digest manifest) throws IOException {
        return itself(name, manifest).resolve(manifest).isPresent();
    }

    @Override
    public Optional<Referrers> ownReferrers(RepositoryName name, Digest subject) throws IOException {
        return client.mirrors().isEmpty()
                ? Optional.empty()
                : Optional.of(itself(name, subject).referrers(subject));
    }

    private RemoteRepository itself(RepositoryName name, Digest manifest) throws IOException {
        RemoteRepository repository = client.repository(name, Priority.BACKGROUND);
        refuse(
                "manifest " + manifest + " of " + repository.repository(),
                cache.map(shared -> shared.rules().of(repository.repository()))
                        .filter(CacheSettings::offline)
                        .map(settings -> settings.rule(Setting.OFFLINE)));
        return repository;
    }

    @Override
    public boolean keepsWhatIsRead() {
        return cache.isPresent() && keepsBlobs;
    }

    @Override
    public boolean keeps(Digest content, boolean manifest) {
        return lasts && cache.isPresent() && cache.get().keeps(content, manifest);
    }

    private CachedRepository cached(PullThrough pull) {
        return keepsBlobs ? new CachedRepository(pull) : CachedRepository.passingBlobs(pull);
    }

    @Override
    public List<RepositoryName> catalog() throws IOException {
        refuse(
                "catalog of " + name(),
                cache.flatMap(
                        shared -> shared.rules().offlineBy(client.endpoint().registry())));
        Set<RepositoryName> names = new LinkedHashSet<>();
        Set<String> cursors = new HashSet<>();
        Optional<String> cursor = Optional.empty();
        for (int page = 0; page < MOST_PAGES; page++) {
            CatalogPage answer = client.catalog(cursor);
            names.addAll(answer.repositories());
            if (answer.next().isEmpty()) {
                return List.copyOf(names);
            }
            if (!cursors.add(answer.next().get())) {
                throw new InvalidContentException("the catalog of " + name() + " goes round in circles");
            }
            cursor = answer.next();
        }
        throw new InvalidContentException("the catalog of " + name() + " has more than " + MOST_PAGES + " pages");
    }

    private static void refuse(String what, Optional<String> offlineBy) throws OutageException {
        if (offlineBy.isPresent()) {
            throw new OutageException(
                    OutageException.Reason.NOT_ASKED,
                    "the " + what + " is not asked for: it is offline by " + offlineBy.get());
        }
    }
}
