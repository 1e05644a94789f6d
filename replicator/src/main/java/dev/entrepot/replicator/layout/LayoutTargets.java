package dev.entrepot.replicator.layout;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The OCI image layouts (image-spec image-layout.md) of one process, in folders and tars, as targets of rules and as
 * sources and targets of single copies. A layout holds one or several repositories: {@link LayoutIndex} says how they
 * are told apart. Those at the same place share what knows its state, so there is one of this for the process; another
 * process of this program is kept from writing to a layout as long as a run here does ({@link LayoutPlace}). Safe for
 * all threads.
 *
 * <p>Content is there by digest before the index names it, and the index is replaced as a whole; so who reads a layout
 * sees a tag only when its graph is complete, also after {@code kill -9}.
 */
public final class LayoutTargets {
    private final ConcurrentHashMap<Path, LayoutPlace> places = new ConcurrentHashMap<>();

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
        Path absolute = path.toAbsolutePath().normalize();
        LayoutPlace place = places.computeIfAbsent(
                absolute, at -> at.toString().endsWith(".tar") ? LayoutPlace.tar(at) : LayoutPlace.folder(at));
        return new Layout(name, place, new Object());
    }

    // Each rule has its own, and one run at a time: what the key has named is what the run has named.
    private record Layout(String name, LayoutPlace at, Object key) implements SourceRegistry, TargetRegistry {
        private LayoutStore store() {
            return at.store();
        }

        @Override
        public RepositorySource repository(RepositoryName repository) {
            return new LayoutRepository(store(), repository, false, key);
        }

        @Override
        public List<RepositoryName> catalog() throws IOException {
            return store().guarded(LayoutIndex::repositories);
        }

        @Override
        public RepositoryTarget target(RepositoryName repository) {
            return new LayoutRepository(store(), repository, true, key);
        }

        @Override
        public RepositorySource reader(RepositoryName repository) {
            return new LayoutRepository(store(), repository, true, key);
        }

        @Override
        public String place() {
            return store().place();
        }

        @Override
        public boolean isAtHand() {
            return true;
        }

        @Override
        public boolean isPacked() {
            return at.isTar();
        }

        @Override
        public void begin() throws IOException {
            at.begin();
        }

        @Override
        public void end(boolean complete) throws IOException {
            at.end(complete, key);
        }
    }
}
