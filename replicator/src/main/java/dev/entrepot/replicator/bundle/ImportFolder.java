package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;

/**
 * What imports remember, in the folder {@code imports} of a data folder: their journal, what they brought to each
 * target, and manifests and parts of blobs of bundles that have not arrived whole. It has a lock of its own, so that a
 * server may be running on the data folder; the system gives it free when the process ends, however it ends.
 */
public final class ImportFolder implements AutoCloseable {
    // Who asks whether a run goes on takes the lock for a moment.
    private static final int TRIES = 20;
    private static final int BETWEEN_TRIES_MILLIS = 50;

    private final Path folder;
    private final FileChannel lock;
    private final CopyJournal journal;
    private final InstantSource clock;

    private ImportFolder(Path folder, FileChannel lock, CopyJournal journal, InstantSource clock) {
        this.clock = clock;
        this.folder = folder;
        this.lock = lock;
        this.journal = journal;
    }

    /** Where it is in a data folder. */
    public static Path of(Path data) {
        return data.resolve("imports");
    }

    /**
     * Opens it, and makes it if it is not there. What another import has is waited for a second.
     *
     * @param data the data folder
     * @throws IOException if another import has it, or it cannot be written to
     */
    public static ImportFolder open(Path data, InstantSource clock) throws IOException {
        Path folder = of(data);
        Files.createDirectories(folder);
        FileChannel lock =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (!isLocked(lock)) {
                throw new IOException("another import is using " + folder
                        + "; wait for its end, or name another data folder with --data");
            }
            return new ImportFolder(folder, lock, CopyJournal.open(folder, clock), clock);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static boolean isLocked(FileChannel channel) throws IOException {
        try {
            for (int tries = 1; channel.tryLock() == null; tries++) {
                if (tries == TRIES) {
                    return false;
                }
                Thread.sleep(BETWEEN_TRIES_MILLIS);
            }
            return true;
        } catch (OverlappingFileLockException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the lock of imports was waited for");
        }
    }

    /** The journal of imports. */
    public CopyJournal journal() {
        return journal;
    }

    /**
     * Where what is kept of a bundle that comes in several imports to a target is, if there is any. An earlier version
     * had one place for all targets: that is for the first that asks.
     *
     * @throws IOException if that cannot be renamed
     */
    Path kept(Digest bundle, String target) throws IOException {
        Path earlier = folder.resolve(bundle.algorithm() + "-" + bundle.encoded());
        String place = Digest.sha256(target.getBytes(StandardCharsets.UTF_8)).encoded();
        Path kept = folder.resolve(earlier.getFileName() + "-" + place.substring(0, 16));
        if (Files.isDirectory(earlier) && !Files.exists(kept)) {
            Files.move(earlier, kept, StandardCopyOption.ATOMIC_MOVE);
        }
        return kept;
    }

    /** The time now. */
    Instant now() {
        return clock.instant();
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
