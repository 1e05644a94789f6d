package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The inventories of exports, each in a folder {@code exports/<id>} of the data folder: for going on with an export
 * that was killed, and for writing volumes again. A folder is there whole or not at all. The id of a bundle says
 * nothing of its signature, and volumes that are signed differently do not go together: of bundles that differ in
 * nothing else, the first has that folder, and each other one {@code exports/<id>-<mark>}, where the mark is
 * {@code unsigned}, or the first 12 digits of the digest of its signature.
 */
public final class SavedExports {
    private static final String FOLDER = "exports";
    private static final String INVENTORY = "inventory.json";
    private static final String SIGNATURE = "inventory.sig";
    private static final String NAME = "name";
    private static final String UNFINISHED = "unfinished";
    private static final String LOCK = "lock";
    private static final String INCOMING = ".incoming-";
    private static final String UNSIGNED = "unsigned";
    private static final int MARK_DIGITS = 12;
    private static final int ID_DIGITS = 64;
    private static final int MOVES = 10;
    private static final Duration LEFT_BEHIND = Duration.ofHours(1);

    private final Path folder;

    /** Those of a data folder, which another process may have open. */
    public SavedExports(Path data) {
        this.folder = data.resolve(FOLDER);
    }

    /**
     * A saved export.
     *
     * @param inventory what it carries
     * @param document the bytes of the inventory
     * @param signature its signature, if it is signed
     * @param name file name of the output that it was written to
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Saved(Inventory inventory, byte[] document, Optional<byte[]> signature, String name) {
        /** The id of the bundle. */
        public Digest id() {
            return InventoryJson.bundleId(document);
        }

        /** The plan of its volumes. */
        public VolumePlan plan() {
            return VolumePlan.of(inventory, document, signature);
        }
    }

    /**
     * Saves an export that is about to be written.
     *
     * @param request a text that is the same if the same is asked for again
     * @throws BundleException if another process is writing the same bundle
     */
    public void save(Saved saved, String request) throws IOException {
        Path place = place(saved);
        Files.createDirectories(folder);
        if (Files.exists(place)) {
            clear(place, saved.id());
        }
        Path aside = Files.createTempDirectory(folder, INCOMING);
        try {
            fill(aside, saved, request);
            move(aside, place, saved.id());
        } catch (IOException e) {
            delete(aside);
            throw e;
        }
        FolderWriter.force(folder);
    }

    private void clear(Path place, Digest id) throws IOException {
        try (Closeable _ = opened(place, id)) {
            // Nobody finds half of it, and what comes to its place meanwhile is another's.
            Path aside = folder.resolve(INCOMING + UUID.randomUUID());
            Files.move(place, aside, StandardCopyOption.ATOMIC_MOVE);
            delete(aside);
        } catch (NoSuchFileException e) {
            // Another process has taken it away; if that saves the same, one of the two comes too late.
        }
    }

    private static BundleException taken(Digest id, IOException cause) {
        return new BundleException("another process is writing bundle " + id, cause);
    }

    private void fill(Path aside, Saved saved, String request) throws IOException {
        sweep(aside);
        write(aside.resolve(INVENTORY), saved.document());
        if (saved.signature().isPresent()) {
            write(aside.resolve(SIGNATURE), saved.signature().get());
        }
        write(aside.resolve(NAME), saved.name().getBytes(StandardCharsets.UTF_8));
        write(aside.resolve(UNFINISHED), key(request).getBytes(StandardCharsets.UTF_8));
        FolderWriter.force(aside);
    }

    private static void move(Path aside, Path place, Digest id) throws IOException {
        for (int moves = 1; ; moves++) {
            try {
                Files.move(aside, place, StandardCopyOption.ATOMIC_MOVE);
                return;
            } catch (FileSystemException e) {
                // It was not there, or was taken away, a moment ago.
                if (Files.exists(place)) {
                    throw taken(id, e);
                }
                // It may have been, and be taken away again.
                if (moves == MOVES) {
                    throw e;
                }
            }
        }
    }

    // What processes left that were killed here; another may be saving just now.
    private void sweep(Path mine) throws IOException {
        Instant old = Files.getLastModifiedTime(mine).toInstant().minus(LEFT_BEHIND);
        List<Path> others;
        try (Stream<Path> list = Files.list(folder)) {
            others = list.filter(place -> String.valueOf(place.getFileName()).startsWith(INCOMING))
                    .toList();
        }
        for (Path other : others) {
            try {
                if (Files.getLastModifiedTime(other).toInstant().isBefore(old)) {
                    delete(other);
                }
            } catch (NoSuchFileException e) {
                // It has been saved by now.
            }
        }
    }

    private static String key(String request) {
        return Digest.sha256(request.getBytes(StandardCharsets.UTF_8)).encoded();
    }

    /** Where an export is saved: also one of an earlier version, which knew no other place than the first. */
    Path place(Saved saved) throws IOException {
        String name = name(saved.id().encoded(), saved.signature());
        Path own = folder.resolve(name);
        Path first = folder.resolve(saved.id().encoded());
        return Files.exists(own) || Files.exists(first) && isOther(first, name) ? own : first;
    }

    private static boolean isOther(Path first, String name) throws IOException {
        String there = name(first);
        // An earlier version took the files away one by one, the signature after the name: without that it may be gone.
        return Files.exists(first.resolve(NAME)) && !there.equals(name);
    }

    // What tells a saved export from all others, wherever it is.
    private static String name(Path place) throws IOException {
        String folder = String.valueOf(place.getFileName());
        return name(folder.substring(0, Math.min(folder.length(), ID_DIGITS)), signature(place));
    }

    private static String name(String id, Optional<byte[]> signature) {
        return id + "-"
                + signature
                        .map(bytes -> Digest.sha256(bytes).encoded().substring(0, MARK_DIGITS))
                        .orElse(UNSIGNED);
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            EntryCopy.put(out, ByteBuffer.wrap(bytes));
            out.force(true);
        }
    }

    private static void delete(Path place) throws IOException {
        for (String name : List.of(UNFINISHED, LOCK, NAME, SIGNATURE, INVENTORY)) {
            Files.deleteIfExists(place.resolve(name));
        }
        Files.deleteIfExists(place);
    }

    /** The export that was begun for this request and did not come to its end. */
    public Optional<Saved> unfinished(String request) throws IOException {
        byte[] key = key(request).getBytes(StandardCharsets.UTF_8);
        for (Path place : places()) {
            try {
                if (Arrays.equals(read(place.resolve(UNFINISHED), 1000), key)) {
                    return Optional.of(read(place));
                }
            } catch (NoSuchFileException e) {
                // It is finished, or another process saves it anew.
            }
        }
        return Optional.empty();
    }

    /**
     * Forgets that an export for this request is unfinished.
     *
     * @throws BundleException if a process is writing it
     */
    public void abandon(String request) throws IOException {
        Optional<Saved> saved = unfinished(request);
        if (saved.isPresent()) {
            try (Closeable _ = lock(saved.get())) {
                finish(saved.get());
            }
        }
    }

    /**
     * Keeps other processes from writing this export until the lock is closed.
     *
     * @throws BundleException if another does
     */
    public Closeable lock(Saved export) throws IOException {
        try {
            return opened(place(export), export.id());
        } catch (NoSuchFileException e) {
            // It was saved, and another process is about to save it anew.
            throw taken(export.id(), e);
        }
    }

    private static Closeable opened(Path place, Digest id) throws IOException {
        return locked(lockFile(place), place, id);
    }

    /**
     * The file of an export that is locked, open.
     *
     * @param key what the system knows it by, or the one that was in its place before it was opened
     */
    record LockFile(FileChannel channel, Object key) {}

    /** The file of the export at a place that is locked, open. */
    static LockFile lockFile(Path place) throws IOException {
        Path file = place.resolve(LOCK);
        if (!Files.exists(file)) {
            try {
                Files.createFile(file);
            } catch (FileAlreadyExistsException e) {
                // Another process was as quick.
            }
        }
        Object key = key(file);
        return new LockFile(FileChannel.open(file, StandardOpenOption.WRITE), key);
    }

    private static Object key(Path file) throws IOException {
        return Objects.requireNonNullElse(
                Files.readAttributes(file, BasicFileAttributes.class).fileKey(), file);
    }

    /**
     * Locks the file of an export until it is closed.
     *
     * @throws BundleException if another process has locked it, or has put another export in its place since it was
     *     opened; it is closed then
     * @throws NoSuchFileException if it has been taken away since
     */
    static Closeable locked(LockFile opened, Path place, Digest id) throws IOException {
        FileChannel channel = opened.channel();
        try {
            // Between opening it and locking it the folder may have been cleared, and saved anew with another file to
            // lock. It must not be opened to find out: to close any channel on a file gives free what this process has
            // locked of it.
            if (channel.tryLock() == null || !opened.key().equals(key(place.resolve(LOCK)))) {
                throw new BundleException("another process is writing bundle " + id);
            }
            return channel;
        } catch (OverlappingFileLockException e) {
            channel.close();
            throw new BundleException("bundle " + id + " is being written already", e);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Notes that all volumes of an export are written. */
    public void finish(Saved export) throws IOException {
        Files.deleteIfExists(place(export).resolve(UNFINISHED));
    }

    /**
     * All that are saved of a bundle: one for each signature that it was given, and the one without, in the order of
     * their names.
     */
    public List<Saved> of(Digest id) throws IOException {
        List<Saved> exports = new ArrayList<>();
        for (Path place : beginning(id.encoded())) {
            exports.add(read(place));
        }
        return exports;
    }

    /**
     * The export whose id begins like this. Where a bundle was exported with several signatures, the id is followed by
     * {@code -} and what the mark of the one that is meant begins with.
     *
     * @throws BundleException if the ids of several do, or several are of that bundle
     */
    public Optional<Saved> find(String id) throws IOException {
        String prefix = id.startsWith("sha256:") ? id.substring("sha256:".length()) : id;
        List<Path> found = prefix.length() < 6 ? List.of() : beginning(prefix);
        if (found.size() > 1) {
            throw several(prefix, found);
        }
        return found.size() == 1 ? Optional.of(read(found.getFirst())) : Optional.empty();
    }

    private List<Path> beginning(String prefix) throws IOException {
        String id = prefix.substring(0, Math.min(prefix.length(), ID_DIGITS));
        List<Path> found = new ArrayList<>();
        for (Path place : places()) {
            if (String.valueOf(place.getFileName()).startsWith(id)
                    && name(place).startsWith(prefix)) {
                found.add(place);
            }
        }
        return found;
    }

    private static BundleException several(String prefix, List<Path> found) throws IOException {
        List<String> ids = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (Path place : found) {
            String name = name(place);
            ids.add(name.substring(0, name.indexOf('-')));
            Path output = place.resolve(NAME);
            names.add(name + (Files.exists(output) ? " (" + text(output) + ")" : ""));
        }
        if (ids.stream().distinct().count() == 1) {
            return new BundleException("bundle sha256:" + ids.getFirst() + " was exported " + found.size()
                    + " times, with different signatures or without; name one of its volumes in the place of the id, or one of: "
                    + String.join(", ", names));
        }
        return new BundleException(
                "the ids of " + found.size() + " exports begin with " + prefix + ": " + String.join(", ", ids));
    }

    private List<Path> places() throws IOException {
        try (Stream<Path> places = Files.list(folder)) {
            return new ArrayList<>(places.filter(place -> Files.exists(place.resolve(INVENTORY))
                            && !String.valueOf(place.getFileName()).startsWith("."))
                    .sorted()
                    .toList());
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private static Saved read(Path place) throws IOException {
        Path inventory = place.resolve(INVENTORY);
        byte[] document = read(inventory, BundleLimits.DOCUMENT_BYTES);
        return new Saved(
                InventoryJson.read(document, inventory.toString()),
                document,
                signature(place),
                text(place.resolve(NAME)));
    }

    private static Optional<byte[]> signature(Path place) throws IOException {
        try {
            return Optional.of(read(place.resolve(SIGNATURE), BundleLimits.SIGNATURE_BYTES));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static String text(Path file) throws IOException {
        return new String(read(file, 1000), StandardCharsets.UTF_8);
    }

    private static byte[] read(Path file, int limit) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new BundleException(file + " has more than " + limit + " bytes");
            }
            return bytes;
        }
    }
}
