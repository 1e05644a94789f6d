package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.graph.GraphScope;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A source for one run that remembers what its catalog had. Safe for all threads. */
final class WatchedSource implements SourceRegistry {
    private final SourceRegistry source;
    private volatile @Nullable List<RepositoryName> catalog;

    WatchedSource(SourceRegistry source) {
        this.source = source;
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public RepositorySource repository(RepositoryName name) {
        return source.repository(name);
    }

    @Override
    public List<RepositoryName> catalog() throws IOException {
        List<RepositoryName> names = source.catalog();
        catalog = List.copyOf(names);
        return names;
    }

    @Override
    public boolean hasNow(RepositoryName repository, Digest manifest) throws IOException {
        return source.hasNow(repository, manifest);
    }

    @Override
    public Optional<Referrers> ownReferrers(RepositoryName repository, Digest subject) throws IOException {
        return source.ownReferrers(repository, subject);
    }

    @Override
    public boolean keepsWhatIsRead() {
        return source.keepsWhatIsRead();
    }

    @Override
    public boolean keeps(Digest content, boolean manifest) {
        return source.keeps(content, manifest);
    }

    @Override
    public GraphScope scope(GraphScope wanted) {
        return source.scope(wanted);
    }

    /** What the catalog had, if it was read. */
    Optional<List<RepositoryName>> seen() {
        return Optional.ofNullable(catalog);
    }
}
