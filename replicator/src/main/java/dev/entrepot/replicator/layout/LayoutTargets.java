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
import java.util.concurrent.ConcurrentHashMap;

/**
 * The OCI image layouts (image-spec image-layout.md) of one process, in folders and tars, as targets of rules and as
 * sources and targets of single copies. A layout holds one or several repositories: {@link LayoutIndex} says how they
 * are told apart. Those at the same place share what knows its state, so there is one of this for the process, and
 * nothing else may write to them at the same time. Safe for all threads.
 *
 * <p>Content is there by digest before the index names it, and the index is replaced as a whole; so who reads a layout
 * sees a tag only when its graph is complete, also after {@code kill -9}.
 */
public final class LayoutTargets {
    private final ConcurrentHashMap<Path, LayoutStore> folders = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Path, TarLayout> tars = new ConcurrentHashMap<>();

    /** With none open. */
    public LayoutTargets() {}

    /**
     * The layout at a place, for writing: a tar if the name ends in {@code .tar}, else a folder. Nothing is read or
     * written yet, and it need not exist.
     *
     * @param name the name in reports and metrics
     */
    public TargetRegistry target(String name, Path path) {
        return layout(name, path);
    }

    /**
     * The layout at a place, for reading. {@link SourceRegistry#catalog()} names the repositories in it; of a layout
     * that another tool wrote without repositories in its names it is empty, and its tags are found in any repository.
     *
     * @param name the name in reports
     */
    public SourceRegistry source(String name, Path path) {
        return layout(name, path);
    }

    private Layout layout(String name, Path path) {
        Path place = path.toAbsolutePath().normalize();
        if (place.toString().endsWith(".tar")) {
            TarLayout tar = tars.computeIfAbsent(place, TarLayout::new);
            return new Layout(name, tar.store(), Optional.of(tar));
        }
        LayoutStore store = folders.computeIfAbsent(place, folder -> new LayoutStore(folder, Optional.empty()));
        return new Layout(name, store, Optional.empty());
    }

    private record Layout(String name, LayoutStore store, Optional<TarLayout> tar)
            implements SourceRegistry, TargetRegistry {
        @Override
        public RepositorySource repository(RepositoryName repository) {
            return new LayoutRepository(store, repository);
        }

        @Override
        public List<RepositoryName> catalog() throws IOException {
            return store.guarded(LayoutIndex::repositories);
        }

        @Override
        public RepositoryTarget target(RepositoryName repository) {
            return new LayoutRepository(store, repository);
        }

        @Override
        public RepositorySource reader(RepositoryName repository) {
            return new LayoutRepository(store, repository);
        }

        @Override
        public String place() {
            return store.place().toString();
        }

        @Override
        public boolean isAtHand() {
            return true;
        }

        @Override
        public void begin() {
            tar.ifPresent(TarLayout::begin);
        }

        @Override
        public void end(boolean complete) throws IOException {
            if (tar.isPresent()) {
                tar.get().end(complete);
            }
        }
    }
}
