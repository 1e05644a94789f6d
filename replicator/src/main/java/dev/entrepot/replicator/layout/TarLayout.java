package dev.entrepot.replicator.layout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The tar of a layout. What a run brings is gathered in a folder beside it, {@code .NAME.parts}, and when a run ends
 * complete a new tar is packed from that and the old one, verified, forced, and renamed over the old one. So a tar is
 * there whole or not at all; what a run that failed or was killed has gathered waits for the next. Nothing else may
 * write to it at the same time. Safe for all threads.
 */
final class TarLayout {
    private final Path tar;
    private final Path parts;
    private final LayoutStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private int running;

    /** In this file, which need not exist yet. */
    TarLayout(Path tar) {
        this.tar = tar.toAbsolutePath();
        this.parts = this.tar.resolveSibling("." + this.tar.getFileName() + ".parts");
        this.store = new LayoutStore(parts, Optional.of(this.tar));
    }

    /** What is in it, and what runs have gathered for it. */
    LayoutStore store() {
        return store;
    }

    /** As {@link dev.entrepot.replicator.TargetRegistry#begin()}. */
    void begin() {
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

    /** As {@link dev.entrepot.replicator.TargetRegistry#end(boolean)}. */
    void end(boolean complete) throws IOException {
        lock.lock();
        try {
            running--;
            // Every tag of the index is complete, whichever run wrote it: another that goes on does no harm.
            if (complete && Files.exists(parts.resolve(LayoutFormat.MARKER))) {
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
