package dev.entrepot.replicator.layout;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An OCI image layout in a tar. What a run brings is gathered in a folder beside it, {@code .NAME.parts}, and when a run ends complete a new
 * tar is packed from that and the old one, verified, forced, and renamed over the old one. So a tar is there whole or not at all; what a run
 * that failed or was killed has gathered waits for the next. Nothing else may write to it at the same time. Safe for all threads.
 */
final class TarLayout implements SourceRegistry, TargetRegistry {
    private final String name;
    private final Path tar;
    private final Path parts;
    private final LayoutStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private int running;

    /**
     * In this file, which need not exist yet.
     *
     * @param name the name under which reports show it
     */
    TarLayout(String name, Path tar) {
        this.name = name;
        this.tar = tar.toAbsolutePath();
        this.parts = this.tar.resolveSibling("." + this.tar.getFileName() + ".parts");
        this.store = new LayoutStore(parts, Optional.of(this.tar));
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

    @Override
    public List<RepositoryName> catalog() throws IOException {
        return store.guarded(LayoutIndex::repositories);
    }

    @Override
    public void begin() {
        lock.lock();
        try {
            if (running == 0) {
                store.reload();
            }
            running++;
        } finally {
            lock.unlock();
        }
    }

    // Every tag of the index is complete, whichever run wrote it: so another run that is still going on does no harm.
    @Override
    public void end(boolean complete) throws IOException {
        lock.lock();
        try {
            running--;
            if (complete && Files.exists(parts.resolve(LayoutFolder.MARKER))) {
                TarPacker.pack(store, tar);
                if (running == 0) {
                    LayoutFiles.deleteFolder(parts);
                    store.reload();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
