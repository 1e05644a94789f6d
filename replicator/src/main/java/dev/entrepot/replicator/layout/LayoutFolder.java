package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/** A layout in a folder. Knows all paths in it. */
record LayoutFolder(Path folder) implements LayoutContent {
    /** Of the folder in which a tar is gathered: which tar its index goes on from. */
    private static final String BEGUN_WITH = ".begun-with";

    private static final int ATTEMPTS = 5;
    private static final long PAUSE_NANOS = 20_000_000;

    @Override
    public String place() {
        return folder.toString();
    }

    private Path file(Digest digest) {
        return folder.resolve(LayoutFormat.blobName(digest));
    }

    @Override
    public OptionalLong size(Digest digest) throws IOException {
        try {
            return OptionalLong.of(Files.size(file(digest)));
        } catch (NoSuchFileException e) {
            return OptionalLong.empty();
        }
    }

    @Override
    public InputStream open(Digest digest, long offset) throws IOException {
        FileChannel channel = FileChannel.open(file(digest), StandardOpenOption.READ);
        try {
            return Channels.newInputStream(channel.position(offset));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public LayoutIndex index() throws IOException {
        Path file = folder.resolve(LayoutFormat.INDEX);
        if (!Files.exists(file)) {
            return LayoutIndex.empty(file.toString());
        }
        for (int attempt = 1; ; attempt++) {
            if (Files.size(file) > LayoutIndex.MAX_BYTES) {
                throw new InvalidContentException(file + " exceeds the limit of " + LayoutIndex.MAX_BYTES + " bytes");
            }
            try {
                return LayoutIndex.parse(Files.readAllBytes(file), file.toString());
            } catch (InvalidContentException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
            // Other tools write it where it is, and for a moment it is empty.
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Writes content, all of which {@code in} verifies; if that fails nothing is there. */
    void put(Digest digest, InputStream in) throws IOException {
        LayoutFiles.replace(file(digest), in);
    }

    /** Deletes content, if it is there. */
    void delete(Digest digest) throws IOException {
        Files.deleteIfExists(file(digest));
    }

    /**
     * Writes the index, so that after a crash the old or the new one is there.
     *
     * @param read what its file was when it was read
     * @return what it is now
     * @throws ChangedMeanwhileException if another program has written it since; then that stays
     */
    FileStamp write(LayoutIndex index, Optional<FileStamp> read) throws IOException {
        Path marker = folder.resolve(LayoutFormat.MARKER);
        if (!Files.exists(marker)) {
            LayoutFiles.replace(marker, LayoutFormat.MARKER_TEXT.getBytes(StandardCharsets.UTF_8));
        }
        return LayoutFiles.replace(folder.resolve(LayoutFormat.INDEX), index.toBytes(), read);
    }

    boolean isThere() {
        return Files.exists(folder.resolve(LayoutFormat.MARKER));
    }

    /** What its index is now, to be compared with later; empty if it has none. */
    Optional<FileStamp> stamp() throws IOException {
        return FileStamp.of(folder.resolve(LayoutFormat.INDEX));
    }

    /** Whether its index was begun with the tar that has this stamp, or without one. */
    boolean isFor(Optional<FileStamp> tar) throws IOException {
        Path file = folder.resolve(BEGUN_WITH);
        return Files.exists(file) && Files.readString(file).equals(text(tar));
    }

    /** Notes with which tar its index was begun. */
    void setFor(Optional<FileStamp> tar) throws IOException {
        LayoutFiles.replace(folder.resolve(BEGUN_WITH), text(tar).getBytes(StandardCharsets.UTF_8));
    }

    private static String text(Optional<FileStamp> tar) {
        return tar.map(FileStamp::lasting).orElse("none");
    }

    /** Whether it is the volume of a bundle. */
    boolean isVolume() {
        return Files.exists(folder.resolve(LayoutFormat.VOLUME));
    }

    /** Deletes what writers that were killed have left of files that they had begun. Nobody else may be writing. */
    void sweep() throws IOException {
        LayoutFiles.sweep(folder);
        Path blobs = folder.resolve(LayoutFormat.BLOBS);
        if (Files.isDirectory(blobs)) {
            try (DirectoryStream<Path> algorithms = Files.newDirectoryStream(blobs, Files::isDirectory)) {
                for (Path algorithm : algorithms) {
                    LayoutFiles.sweep(algorithm);
                }
            }
        }
    }
}
