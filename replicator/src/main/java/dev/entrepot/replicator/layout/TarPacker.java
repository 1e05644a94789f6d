package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.VerifyingInputStream;
import dev.entrepot.replicator.WholeFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * Packs what the names of a layout hold into a tar, and what another tool put there without a name: the same content
 * gives the same bytes.
 */
final class TarPacker {
    private static final int BUFFER_BYTES = 128 * 1024;

    private TarPacker() {}

    /**
     * Writes the tar aside, verifying all content, forces it and renames it to its name.
     *
     * @param whole whether it keeps all content that it had, as it was, also what no name holds
     * @throws InvalidContentException if content that a manifest names is missing or is not what its digest says; the
     *     old tar stays
     * @throws IOException if it cannot be written; the old tar stays
     */
    static void pack(LayoutStore store, Path tar, boolean whole) throws IOException {
        Path aside = tar.resolveSibling("." + tar.getFileName() + ".incoming");
        try {
            // Under the guard to its end: who reads the old tar must not find the new one in its place.
            store.guarded(index -> {
                write(store, index, aside, whole);
                store.requireSameBase();
                // It keeps this when it is renamed.
                FileStamp packed = FileStamp.of(aside).orElseThrow();
                Files.move(aside, tar, StandardCopyOption.ATOMIC_MOVE);
                store.rebase(packed);
                WholeFile.forceFolder(tar);
                return index;
            });
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static void write(LayoutStore store, LayoutIndex index, Path aside, boolean whole) throws IOException {
        Set<Digest> manifests = store.graph().held(index);
        manifests.addAll(store.graph().alone(index));
        Set<Digest> content = content(store, manifests);
        try (FileChannel channel = FileChannel.open(
                        aside,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE);
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
                TarArchiveOutputStream entries = new TarArchiveOutputStream(out, StandardCharsets.UTF_8.name())) {
            entries.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
            entries.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            put(entries, LayoutFormat.MARKER, LayoutFormat.MARKER_TEXT.getBytes(StandardCharsets.UTF_8));
            put(entries, LayoutFormat.INDEX, index.toBytes(manifests::contains));
            for (Digest digest : content) {
                put(entries, store, digest);
            }
            Optional<LayoutTar> before = whole ? store.before() : Optional.empty();
            if (before.isPresent()) {
                putOthers(entries, before.get(), content);
            }
            entries.finish();
            out.flush();
            channel.force(true);
        }
    }

    private static void putOthers(TarArchiveOutputStream entries, LayoutTar before, Set<Digest> content)
            throws IOException {
        Map<String, LayoutTar.Slice> others = new TreeMap<>(before.entries());
        others.keySet().removeIf(name -> !name.startsWith(LayoutFormat.BLOBS + "/"));
        content.forEach(digest -> others.remove(LayoutFormat.blobName(digest)));
        for (Map.Entry<String, LayoutTar.Slice> other : others.entrySet()) {
            entries.putArchiveEntry(entry(other.getKey(), other.getValue().bytes()));
            try (InputStream in = before.open(other.getKey(), 0)) {
                in.transferTo(entries);
            }
            entries.closeArchiveEntry();
        }
    }

    /** The manifests and everything that they name and that a layout holds. */
    private static Set<Digest> content(LayoutStore store, Set<Digest> manifests) throws IOException {
        Set<Digest> content = new TreeSet<>(manifests);
        for (Digest manifest : manifests) {
            for (Descriptor blob :
                    store.graph().manifest(manifest).map(Manifest::blobs).orElse(List.of())) {
                if (store.size(blob.digest()).isPresent()) {
                    content.add(blob.digest());
                } else if (!blob.mediaType().isNonDistributable()) {
                    throw new InvalidContentException(store.place() + " lacks the blob " + blob.digest()
                            + " of the manifest " + manifest + "; delete the folder of its parts and run again");
                }
            }
        }
        return content;
    }

    private static TarArchiveEntry entry(String name, long bytes) {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(bytes);
        entry.setMode(0644);
        entry.setLastModifiedTime(FileTime.from(Instant.EPOCH));
        return entry;
    }

    private static void put(TarArchiveOutputStream entries, String name, byte[] bytes) throws IOException {
        entries.putArchiveEntry(entry(name, bytes.length));
        entries.write(bytes);
        entries.closeArchiveEntry();
    }

    private static void put(TarArchiveOutputStream entries, LayoutStore store, Digest digest) throws IOException {
        OptionalLong size = store.size(digest);
        entries.putArchiveEntry(entry(LayoutFormat.blobName(digest), size.orElseThrow()));
        try (InputStream in = new VerifyingInputStream(store.open(digest, 0), digest, size)) {
            in.transferTo(entries);
        }
        entries.closeArchiveEntry();
    }
}
