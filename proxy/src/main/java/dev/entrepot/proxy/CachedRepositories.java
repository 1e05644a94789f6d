package dev.entrepot.proxy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.proxy.http.Audience;
import dev.entrepot.proxy.http.ServedRepositories;
import dev.entrepot.proxy.http.ServedRepository;
import dev.entrepot.proxy.warm.PullListener;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Serves repositories from the cache. Those asked for lately are kept at hand; clients may make up names without end.
 */
final class CachedRepositories implements ServedRepositories {
    private static final int AT_HAND = 10_000;

    private final PullThroughCache cache;
    private final PullListener listener;
    private final Map<RegistryHost, Upstream> upstreams;
    private final Cache<Repository, ServedRepository> atHand =
            Caffeine.newBuilder().maximumSize(AT_HAND).executor(Runnable::run).build();

    CachedRepositories(PullThroughCache cache, Map<RegistryHost, Upstream> upstreams, PullListener listener) {
        this.cache = cache;
        this.listener = listener;
        this.upstreams = Map.copyOf(upstreams);
    }

    @Override
    public ServedRepository open(Repository repository) {
        ServedRepository known = atHand.getIfPresent(repository);
        return known != null ? known : atHand.get(repository, name -> connect(name, Priority.INTERACTIVE));
    }

    @Override
    public ServedRepository openInBackground(Repository repository) {
        return connect(repository, Priority.BACKGROUND);
    }

    /** A repository as it is served, however its upstream is asked. */
    ServedRepository serving(PullThrough pull) {
        return new Served(pull, listener);
    }

    @Override
    public Audience audience(RegistryHost upstream) {
        Upstream known = upstreams.get(upstream);
        return known != null && known.showsOurs() ? Audience.SOME : Audience.EVERYBODY;
    }

    @Override
    public long outagesOver(RegistryHost upstream) {
        Upstream known = upstreams.get(upstream);
        return known == null ? 0 : known.client().outagesOver();
    }

    private ServedRepository connect(Repository repository, Priority priority) {
        Upstream upstream = upstreams.get(repository.registry());
        if (upstream == null) {
            throw new IllegalStateException("routed to " + repository.registry() + ", which is not configured");
        }
        if (upstream.passThrough().isPresent()) {
            throw new IllegalStateException(
                    repository.registry() + " is asked with the credentials of each client, and by no other way");
        }
        RepositorySource source = upstream.client().source(repository.name(), priority);
        return serving(
                switch (priority) {
                    case INTERACTIVE -> cache.repository(source);
                    case BACKGROUND -> cache.behindClients(source);
                });
    }

    @Override
    public List<Repository> kept(Optional<Repository> after, int limit) throws IOException {
        return cache.cachedRepositories(after, limit);
    }

    private record Served(PullThrough pull, PullListener listener) implements ServedRepository {
        @Override
        public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
            Answer<ManifestBytes> answer = pull.manifest(reference);
            listener.pulled(pull.repository(), reference, answer.map(ManifestBytes::descriptor));
            return answer;
        }

        @Override
        public Answer<Descriptor> describe(ManifestReference reference) throws IOException {
            Answer<Descriptor> answer = pull.describe(reference);
            listener.pulled(pull.repository(), reference, answer);
            return answer;
        }

        @Override
        public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
            return pull.statBlob(digest);
        }

        @Override
        public Answer<BlobContent> openBlob(Digest digest) throws IOException {
            return pull.openBlob(digest);
        }

        @Override
        public Answer<BlobContent> passBlob(Digest digest, long from) throws IOException {
            return pull.passBlob(digest, from);
        }

        @Override
        public Answer<List<Tag>> tags() throws IOException {
            return pull.tags();
        }

        @Override
        public Answer<Referrers> referrers(Digest subject) throws IOException {
            return pull.referrers(subject);
        }
    }
}
