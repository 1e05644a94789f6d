package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidNameException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where things lie below the store's folder: the only class that knows a path. Only digests that can be verified have a
 * place, and those are lower-case hexadecimal, so that no name from outside can leave the folder.
 *
 * <pre>
 * store.json                         format version, boot id, number of the opening
 * lock                               held by the process that uses the store
 * blobs/&lt;algorithm&gt;/&lt;2 hex&gt;/&lt;hex&gt;     verified blobs
 * manifests/&lt;algorithm&gt;/&lt;2 hex&gt;/&lt;hex&gt; verified manifests
 * ingest/&lt;algorithm&gt;-&lt;hex&gt;.part      blobs being written, or left for a later attempt
 * ingest/*.tmp                       small files being written
 * quarantine/                        content that turned out not to be what its name says
 * ballast                            room for a start on a full disk
 * index.db                           the index, with SQLite's own files next to it
 * pins.json                          the pins once more, for an index that was lost
 * index.db.next                      an index that is being made anew
 * index.db.corrupt-&lt;n&gt;               an index that was damaged or made anew, for inspection
 * pins.json.corrupt-&lt;n&gt;              a list of pins that could not all be used, for inspection
 * </pre>
 */
record StoreLayout(Path root) {
    /** The algorithms that content is stored under. */
    static final List<DigestAlgorithm> ALGORITHMS = List.of(DigestAlgorithm.SHA256, DigestAlgorithm.SHA512);

    /** The number of folders that the content of an algorithm is spread over, by its first byte. */
    static final int SHARDS = 256;

    private static final Pattern SHARD = Pattern.compile("[0-9a-f]{2}");
    private static final String PARTIAL = ".part";
    private static final String DAMAGED = "index.db.corrupt-";
    private static final String DAMAGED_PINS = "pins.json.corrupt-";
    private static final String TEMPORARY = ".tmp";

    /** The file with the format version. */
    Path marker() {
        return root.resolve("store.json");
    }

    /** The file whose lock says that the store is in use. */
    Path lock() {
        return root.resolve("lock");
    }

    /** The index database. */
    Path index() {
        return root.resolve("index.db");
    }

    /** The index database, and SQLite's own files next to it. */
    List<Path> indexFiles() {
        return List.of(index(), root.resolve("index.db-wal"), root.resolve("index.db-shm"));
    }

    /** The list of pins. */
    Path pins() {
        return root.resolve("pins.json");
    }

    /** Where an index database that turned out to be damaged is put aside. */
    Path damagedIndex(int number) {
        return root.resolve(DAMAGED + number);
    }

    /** Where a list of pins that could not all be used is kept. */
    Path damagedPins(int number) {
        return root.resolve(DAMAGED_PINS + number);
    }

    /** Whether a file is an index that was put aside, or SQLite's own file next to one, or such a list of pins. */
    boolean isPutAside(Path file) {
        return name(file).startsWith(DAMAGED) || name(file).startsWith(DAMAGED_PINS);
    }

    /** Where the next index database is made, until it takes the place of the present one. */
    Path nextIndex() {
        return root.resolve("index.db.next");
    }

    /** The folder of files being written; on the file system of the trees, so that a rename publishes them. */
    Path ingest() {
        return root.resolve("ingest");
    }

    /** The folder of content found bad. */
    Path quarantine() {
        return root.resolve("quarantine");
    }

    /** The file that a start on a full disk can do without. */
    Path ballast() {
        return root.resolve("ballast");
    }

    /** The root of one tree. */
    Path tree(ContentKind kind) {
        return root.resolve(
                switch (kind) {
                    case BLOB -> "blobs";
                    case MANIFEST -> "manifests";
                });
    }

    /** What one of the 256 folders is called. */
    static String shardName(int shard) {
        return HexFormat.of().toHexDigits((byte) shard);
    }

    /** Whether something is called like one of the 256 folders. */
    static boolean isShard(Path path) {
        return SHARD.matcher(name(path)).matches();
    }

    /** One of the 256 folders of an algorithm. */
    Path shard(ContentKind kind, DigestAlgorithm algorithm, int shard) {
        return tree(kind).resolve(algorithm.name()).resolve(shardName(shard));
    }

    /** The place of published content. */
    Path content(ContentKind kind, Digest digest) {
        String hex = hex(digest);
        return tree(kind)
                .resolve(digest.algorithm().name())
                .resolve(hex.substring(0, 2))
                .resolve(hex);
    }

    /** The place of a blob that is being written. */
    Path partial(Digest digest) {
        return ingest().resolve(digest.algorithm().name() + "-" + hex(digest) + PARTIAL);
    }

    /** A place for a small file that is being written; {@code serial} keeps two writers of the same content apart. */
    Path temporary(Digest digest, long serial) {
        return ingest().resolve(digest.algorithm().name() + "-" + hex(digest) + "." + serial + TEMPORARY);
    }

    /** A place for the next {@code store.json}. */
    Path temporaryMarker() {
        return ingest().resolve("store" + TEMPORARY);
    }

    /** A place for the next {@code pins.json}. */
    Path temporaryPins() {
        return ingest().resolve("pins" + TEMPORARY);
    }

    /** The place of content found bad; a later find replaces an earlier one. */
    Path quarantined(ContentKind kind, Digest digest) {
        return quarantine()
                .resolve(kind.name().toLowerCase(Locale.ROOT) + "-"
                        + digest.algorithm().name() + "-" + hex(digest));
    }

    /** The place of something that was where one of the folders of an algorithm belongs. */
    Path quarantinedShard(ContentKind kind, DigestAlgorithm algorithm, Path shard) {
        return quarantine()
                .resolve("folder-" + kind.name().toLowerCase(Locale.ROOT) + "-" + algorithm.name() + "-" + name(shard));
    }

    /** The content that a file of {@link #quarantine()} was, if it is named for one. */
    Optional<Quarantine.Bad> quarantinedContent(Path file, Instant since) {
        String name = name(file);
        for (ContentKind kind : ContentKind.values()) {
            String prefix = kind.name().toLowerCase(Locale.ROOT) + "-";
            if (name.startsWith(prefix)) {
                return digest(name.substring(prefix.length()).replaceFirst("-", ":"))
                        .map(digest -> new Quarantine.Bad(kind, digest, since));
            }
        }
        return Optional.empty();
    }

    /** Whether this is a small file that was being written. */
    boolean isTemporary(Path file) {
        return name(file).endsWith(TEMPORARY);
    }

    /** The blob that a file of {@link #ingest()} is a part of, if it is one. */
    Optional<Digest> partialDigest(Path file) {
        String name = name(file);
        int dash = name.indexOf('-');
        if (dash < 0 || !name.endsWith(PARTIAL)) {
            return Optional.empty();
        }
        return digest(name.substring(0, dash) + ":" + name.substring(dash + 1, name.length() - PARTIAL.length()));
    }

    /** The digest that a file of a shard is named for, if it is named for one that belongs there. */
    Optional<Digest> contentDigest(DigestAlgorithm algorithm, Path file) {
        return digest(algorithm + ":" + name(file));
    }

    /** What lies in a folder; nothing if there is no such folder. */
    static List<Path> files(Path folder) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            files.forEach(found::add);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return found;
    }

    private static Optional<Digest> digest(String text) {
        try {
            Digest digest = Digest.parse(text);
            return digest.algorithm().isVerifiable() ? Optional.of(digest) : Optional.empty();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static String hex(Digest digest) {
        if (!digest.algorithm().isVerifiable()) {
            throw new IllegalArgumentException("no place for " + digest + ": it cannot be verified");
        }
        return digest.encoded();
    }
}
