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
 * The layouts of one process, folders and tars, as targets of rules and as sources and targets of single copies. Those at the same place
 * share what knows its state, so there is one of this for the process. Safe for all threads.
 */
public final class LayoutTargets {
    private final ConcurrentHashMap<Path, OciLayout> folders = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Path, TarLayout> tars = new ConcurrentHashMap<>();

    /** With none open. */
    public LayoutTargets() {}

    /**
     * The layout at a place, for writing: a tar if the name ends in {@code .tar}, else a folder. Nothing is read or written yet, and it need
     * not exist.
     *
     * @param name the name in reports, metrics and the journal, the same over restarts
     */
    public TargetRegistry target(String name, Path path) {
        return new Named(name, isTar(path) ? tar(path) : folder(path));
    }

    /**
     * The layout at a place, for reading. {@link SourceRegistry#catalog()} names the repositories in it; of a layout that another tool wrote
     * without repositories in its names it is empty, and its tags are found in any repository.
     *
     * @param name the name in reports
     */
    public SourceRegistry source(String name, Path path) {
        SourceRegistry layout = isTar(path) ? tar(path) : folder(path);
        return new SourceRegistry() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public RepositorySource repository(RepositoryName repository) {
                return layout.repository(repository);
            }

            @Override
            public List<RepositoryName> catalog() throws IOException {
                return layout.catalog();
            }
        };
    }

    private static boolean isTar(Path path) {
        return path.toString().endsWith(".tar");
    }

    private OciLayout folder(Path path) {
        return folders.computeIfAbsent(path.toAbsolutePath().normalize(), key -> new OciLayout(key.toString(), key));
    }

    private TarLayout tar(Path path) {
        return tars.computeIfAbsent(path.toAbsolutePath().normalize(), key -> new TarLayout(key.toString(), key));
    }

    private record Named(String name, TargetRegistry layout) implements TargetRegistry {
        @Override
        public RepositoryTarget target(RepositoryName repository) {
            return layout.target(repository);
        }

        @Override
        public RepositorySource reader(RepositoryName repository) {
            return layout.reader(repository);
        }

        @Override
        public void begin() throws IOException {
            layout.begin();
        }

        @Override
        public void end(boolean complete) throws IOException {
            layout.end(complete);
        }
    }
}
