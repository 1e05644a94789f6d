package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.commons.io.input.BoundedInputStream;

/**
 * A layout in a tar that is not compressed, read where it is. Only the places of its entries are kept; a tar that
 * another process replaces in place, instead of renaming a new one over it, is not what it was.
 *
 * @param file the tar
 * @param entries where the content of each of its files is
 */
record LayoutTar(Path file, Map<String, Slice> entries) implements LayoutContent {
    /**
     * A part of the tar.
     *
     * @param offset offset of its first byte
     * @param bytes number of its bytes
     */
    record Slice(long offset, long bytes) {}

    /**
     * Reads the heads of the entries of a tar.
     *
     * @throws InvalidContentException if it is no tar of an image layout
     */
    static LayoutTar open(Path file) throws IOException {
        Map<String, Slice> entries = TarEntries.of(file);
        if (!entries.containsKey(LayoutFormat.MARKER) || !entries.containsKey(LayoutFormat.INDEX)) {
            throw new InvalidContentException(file + " is not the tar of an image layout");
        }
        return new LayoutTar(file, entries);
    }

    @Override
    public String place() {
        return file.toString();
    }

    /** Whether it has a file of this name. */
    boolean has(String name) {
        return entries.containsKey(name);
    }

    @Override
    public OptionalLong size(Digest digest) {
        Slice slice = entries.get(LayoutFormat.blobName(digest));
        return slice == null ? OptionalLong.empty() : OptionalLong.of(slice.bytes());
    }

    @Override
    public InputStream open(Digest digest, long offset) throws IOException {
        return open(LayoutFormat.blobName(digest), offset);
    }

    InputStream open(String name, long offset) throws IOException {
        Slice slice = entries.get(name);
        if (slice == null) {
            throw new NoSuchFileException(file.toString(), name, "not in this tar");
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            channel.position(slice.offset() + offset);
            return BoundedInputStream.builder()
                    .setInputStream(Channels.newInputStream(channel))
                    .setMaxCount(Math.max(0, slice.bytes() - offset))
                    .get();
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public LayoutIndex index() throws IOException {
        try (InputStream in = open(LayoutFormat.INDEX, 0)) {
            byte[] bytes = in.readNBytes((int) LayoutIndex.MAX_BYTES + 1);
            if (bytes.length > LayoutIndex.MAX_BYTES) {
                throw new InvalidContentException(
                        file + ": the index exceeds the limit of " + LayoutIndex.MAX_BYTES + " bytes");
            }
            return LayoutIndex.parse(bytes, file.toString());
        }
    }
}
