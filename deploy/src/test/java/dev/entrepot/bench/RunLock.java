package dev.entrepot.bench;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps a second run out of the folder of the first, and its load out of the first one's figures.
 *
 * @param channel the file that is locked
 */
record RunLock(FileChannel channel) implements Closeable {
    /**
     * Takes the lock, which ends with this process at the latest.
     *
     * @throws IOException if another run has it
     */
    static RunLock take(Path folder) throws IOException {
        Path file = Path.of(folder + ".lock");
        Files.createDirectories(file.toAbsolutePath().getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock();
        if (lock == null) {
            channel.close();
            throw new IOException("another run of the benchmarks uses " + folder);
        }
        return new RunLock(channel);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
