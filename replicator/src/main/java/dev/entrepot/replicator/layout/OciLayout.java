package dev.entrepot.replicator.layout;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An OCI image layout (image-spec image-layout.md) in a folder, which holds one or several repositories: {@link LayoutIndex} says how they are
 * told apart. Nothing else may write to it at the same time. Safe for all threads.
 *
 * <p>Content is there by digest before the index names it, and the index is replaced as a whole; so who reads it sees a tag only when
 * its graph is complete, also after {@code kill -9}.
 */
public final class OciLayout implements SourceRegistry, TargetRegistry {
    private final String name;
    private final LayoutStore store;

    /**
     * In this folder, which need not exist yet.
     *
     * @param name the name under which reports show it
     */
    public OciLayout(String name, Path folder) {
        this(name, new LayoutStore(folder, Optional.empty()));
    }

    OciLayout(String name, LayoutStore store) {
        this.name = name;
        this.store = store;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public RepositorySource repository(RepositoryName repository) {
        return new LayoutRepository(store, repository);
    }

    @Override
    public RepositoryTarget target(RepositoryName repository) {
        return new LayoutRepository(store, repository);
    }

    @Override
    public RepositorySource reader(RepositoryName repository) {
        return new LayoutRepository(store, repository);
    }

    /** The repositories that are known by name; one that another tool wrote may know of none. */
    @Override
    public List<RepositoryName> catalog() throws IOException {
        return store.guarded(LayoutIndex::repositories);
    }
}
