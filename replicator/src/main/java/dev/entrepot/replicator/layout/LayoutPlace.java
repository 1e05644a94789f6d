package dev.entrepot.replicator.layout;

import dev.entrepot.replicator.WriteLock;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A layout and the runs that write to it. From the beginning of the first to the end of the last that is going on in
 * this process, no other process of this program writes to it.
 *
 * <p>In a folder, each tag is there before its run calls it complete; what other tools write meanwhile is read before
 * each change. What a run brings for a tar is gathered in a folder beside it, {@code .NAME.parts}, and when a run ends
 * complete a new tar is packed from that and the old one, verified, forced, and renamed over the old one. So a tar is
 * there whole or not at all; what a run that failed or was killed has gathered waits for the next.
 *
 * <p>Safe for all threads.
 */
final class LayoutPlace {
    /** In the folder, since that may be a disk of its own, beside which nothing can be written. */
    private static final String LOCK = ".entrepot.lock";

    private final LayoutStore store;
    private final Optional<Path> tar;
    private final Path parts;
    private final Path lockFile;
    private final ReentrantLock lock = new ReentrantLock();
    private int running;
    private boolean made;
    private @Nullable WriteLock held;

    private LayoutPlace(Path parts, Optional<Path> tar, Path lockFile) {
        this.store = new LayoutStore(parts, tar);
        this.tar = tar;
        this.parts = parts;
        this.lockFile = lockFile;
    }

    /** In this folder, which need not exist yet. */
    static LayoutPlace folder(Path folder) {
        return new LayoutPlace(folder, Optional.empty(), folder.resolve(LOCK));
    }

    /** In this file, which need not exist yet. */
    static LayoutPlace tar(Path tar) {
        return new LayoutPlace(
                tar.resolveSibling("." + tar.getFileName() + ".parts"), Optional.of(tar), WriteLock.fileBeside(tar));
    }

    /** What is in it, and what runs have gathered for it. */
    LayoutStore store() {
        return store;
    }

    /** Whether it is a tar, which is packed when a run ends. */
    boolean isTar() {
        return tar.isPresent();
    }

    /** As {@link dev.entrepot.replicator.TargetRegistry#begin()}. */
    void begin() throws IOException {
        lock.lock();
        try {
            if (running == 0) {
                open();
            }
            running++;
        } finally {
            lock.unlock();
        }
    }

    private void open() throws IOException {
        Path folder = Objects.requireNonNull(lockFile.getParent());
        made = Files.notExists(folder);
        Files.createDirectories(folder);
        held = WriteLock.of(lockFile)
                .orElseThrow(() -> new FileSystemException(
                        store.place(),
                        null,
                        "another process is writing to it, or a run that names it by another path; wait for its end, or name"
                                + " another"));
        try {
            store.sweep();
            store.reload();
            store.guarded(index -> {
                store.requireWritable();
                return index;
            });
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * As {@link dev.entrepot.replicator.TargetRegistry#end(boolean)}.
     *
     * @param run for whom repositories of this were written to
     */
    void end(boolean complete, Object run) throws IOException {
        lock.lock();
        try {
            running--;
            store.flush();
            // Every tag of the index is complete, whichever run wrote it: another that goes on does no harm.
            if (complete && tar.isPresent()) {
                pack(tar.get());
            } else if (complete) {
                store.guarded(index -> {
                    store.requireNamed(index, run);
                    return index;
                });
            }
        } finally {
            store.ended(run);
            if (running == 0) {
                close();
            }
            lock.unlock();
        }
    }

    private void pack(Path file) throws IOException {
        if (Files.exists(parts.resolve(LayoutFormat.MARKER))) {
            // What another run has found there it may name only later.
            TarPacker.pack(store, file, running > 0);
            if (running == 0) {
                LayoutFiles.deleteFolder(parts);
            }
        } else if (store.isWritten()) {
            throw new FileSystemException(
                    parts.toString(),
                    null,
                    "it was taken away while the parts of " + file + " were brought; run again");
        }
    }

    private void close() throws IOException {
        // What could not be written is not named to those who only read.
        store.reload();
        WriteLock taken = held;
        held = null;
        if (taken != null) {
            taken.close();
        }
        if (made) {
            made = false;
            try {
                // Nothing came of it.
                Files.delete(Objects.requireNonNull(lockFile.getParent()));
            } catch (DirectoryNotEmptyException e) {
                return;
            }
        }
    }
}
