package dev.entrepot.oci.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of an upload as they come: in memory while they are few, in a file when there are more. For one writer at a
 * time; what it has written is visible to all.
 */
final class Spool {
    private static final int IN_MEMORY_BYTES = 1024 * 1024;

    private final Supplier<Path> newFile;
    private final ByteArrayOutputStream memory = new ByteArrayOutputStream();
    private volatile @Nullable Path file;
    private volatile long sizeBytes;

    Spool(Supplier<Path> newFile) {
        this.newFile = newFile;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Appends a stream to its end; what came before a failure stays. */
    void append(InputStream in) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        Path target = file;
        try (OutputStream out = target == null ? OutputStream.nullOutputStream() : appending(target)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (target == null) {
                    memory.write(buffer, 0, n);
                } else {
                    out.write(buffer, 0, n);
                }
                sizeBytes += n;
                if (target == null && sizeBytes > IN_MEMORY_BYTES) {
                    break;
                }
            }
        }
        if (target == null && sizeBytes > IN_MEMORY_BYTES) {
            Path created = newFile.get();
            Files.write(created, memory.toByteArray());
            memory.reset();
            file = created;
            append(in);
        }
    }

    private static OutputStream appending(Path file) throws IOException {
        return Files.newOutputStream(file, StandardOpenOption.APPEND, StandardOpenOption.CREATE);
    }

    /** What has come so far, as content. */
    Content content() {
        Path stored = file;
        return stored == null ? Content.of(memory.toByteArray()) : new FileContent(stored, sizeBytes);
    }

    private record FileContent(Path file, long sizeBytes) implements Content {
        @Override
        public InputStream open(long offset) {
            try {
                return Channels.newInputStream(FileChannel.open(file).position(offset));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
