package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * What imports remember, in the folder {@code imports} of a data folder: their journal, what they brought to each target, and manifests of bundles that have not arrived whole. It has a lock of its own, so that a server
 * may be running on the data folder; the system gives it free when the process ends, however it ends.
 */
public final class ImportFolder implements AutoCloseable {
    private final Path folder;
    private final FileChannel lock;
    private final CopyJournal journal;

    private ImportFolder(Path folder, FileChannel lock, CopyJournal journal) {
        this.folder = folder;
        this.lock = lock;
        this.journal = journal;
    }

    /**
     * Opens it, and makes it if it is not there.
     *
     * @param data the data folder
     * @throws IOException if another import has it, or it cannot be written to
     */
    public static ImportFolder open(Path data, InstantSource clock) throws IOException {
        Path folder = data.resolve("imports");
        Files.createDirectories(folder);
        FileChannel lock =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (tryLock(lock) == null) {
                throw new IOException("another import is using " + folder
                        + "; wait for its end, or name another data folder with --data");
            }
            return new ImportFolder(folder, lock, CopyJournal.open(folder, clock));
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    /** The journal of imports. */
    public CopyJournal journal() {
        return journal;
    }

    /** The manifests that are kept of a bundle. */
    KeptManifests kept(Digest bundle) {
        return new KeptManifests(folder.resolve(bundle.algorithm() + "-" + bundle.encoded()));
    }

    /** What imports brought to a target. */
    ArrivedFile arrived(String target) {
        return ArrivedFile.of(folder, target);
    }

    @Override
    public void close() throws IOException {
        try {
            journal.close();
        } finally {
            lock.close();
        }
    }
}
