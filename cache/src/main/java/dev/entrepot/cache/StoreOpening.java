package dev.entrepot.cache;

import dev.entrepot.oci.DigestAlgorithm;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens before a store can be used: folders, lock, format, and the tidying up after whatever ended the last use.
 *
 * @param layout where things lie
 * @param clock what the age of partial files is measured by
 * @param bootId the machine's present boot, where the system names it
 * @param number a number that no other opening of any store has
 */
record StoreOpening(StoreLayout layout, Clock clock, Optional<String> bootId, long number) {
    /** How long a partial file waits for the next attempt. */
    static final Duration PARTIAL_LIFE = Duration.ofHours(24);

    private static final Logger LOG = LoggerFactory.getLogger(StoreOpening.class);

    /** Opens the store; see {@link ContentStore#open}. */
    ContentStore open() throws IOException {
        try {
            StoreNesting.refuse(layout);
            Durability.createFolder(layout.root().toAbsolutePath());
            StoreLock lock = StoreLock.take(layout.lock());
            try {
                return open(lock);
            } catch (IOException e) {
                lock.close();
                throw e;
            }
        } catch (FileSystemException e) {
            throw unusable(words(e), e);
        }
    }

    private ContentStore open(StoreLock lock) throws IOException {
        Optional<StoreMarker> marker = StoreMarker.read(layout.marker());
        boolean ready = false;
        while (!ready) {
            try {
                makeReady(marker);
                ready = true;
            } catch (IOException e) {
                if (!LastSpace.free(layout)) {
                    throw e;
                }
                LOG.warn("the store is opened once more, because there was no space: {}", e.toString());
            }
        }
        OptionalLong former = marker.map(StoreMarker::opening).orElseGet(OptionalLong::empty);
        ContentStore store = new ContentStore(layout, clock, lock, new StoreOpenings(former, number));
        store.quarantine().tidy();
        return store;
    }

    private void makeReady(Optional<StoreMarker> marker) throws IOException {
        createFolders();
        tidy(marker);
        try {
            // Written last and at every opening: it says under which boot the partials from now on are written and
            // which
            // index is the right one, and it shows that the folder can be written to.
            new StoreMarker(StoreMarker.VERSION, bootId, ofIndex(marker))
                    .write(layout.temporaryMarker(), layout.marker());
        } catch (IOException e) {
            throw unusable(e instanceof FileSystemException failure ? words(failure) : e.getMessage(), e);
        }
    }

    // This program is going to refuse a newer index, which stays the one that was used with the files last.
    private OptionalLong ofIndex(Optional<StoreMarker> marker) {
        return IndexSchema.isNewer(layout.index())
                ? marker.map(StoreMarker::opening).orElseGet(OptionalLong::empty)
                : OptionalLong.of(number);
    }

    private static String words(FileSystemException failure) {
        return switch (failure) {
            case NoSuchFileException e -> e.getFile() + " does not exist";
            case AccessDeniedException e -> "no permission for " + e.getFile();
            case FileAlreadyExistsException e -> e.getFile() + " is there, and is no folder";
            default -> {
                String reason = failure.getReason();
                yield failure.getFile() + ": "
                        + (reason == null ? failure.getClass().getSimpleName() : reason);
            }
        };
    }

    private IOException unusable(@Nullable String why, IOException cause) {
        return new IOException(
                "the cache directory " + layout.root() + " cannot be used (" + why
                        + "): it must be a folder that this user may write to, with space left",
                cause);
    }

    private void createFolders() throws IOException {
        Durability.createFolder(layout.ingest().toAbsolutePath());
        Durability.createFolder(layout.quarantine().toAbsolutePath());
        for (ContentKind kind : ContentKind.values()) {
            for (DigestAlgorithm algorithm : StoreLayout.ALGORITHMS) {
                clearShards(kind, algorithm);
            }
            createShards(kind);
        }
    }

    // What is no folder would keep a 256th of all content from being kept, for good.
    private void clearShards(ContentKind kind, DigestAlgorithm algorithm) throws IOException {
        for (Path path : StoreLayout.files(Durability.parent(layout.shard(kind, algorithm, 0)))) {
            if (StoreLayout.isShard(path) && !Files.isDirectory(path) && !Quarantine.deletePipe(path)) {
                Path aside = layout.quarantinedShard(kind, algorithm, path);
                Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
                Files.setLastModifiedTime(aside, FileTime.from(clock.instant()));
                LOG.error("{} must be a folder and is none; what was there is moved to {}", path, aside);
            }
        }
    }

    // Made once and forced together: a folder that is made with its first blob costs that blob two more waits for the
    // disk. What is not SHA-256 is rare.
    private void createShards(ContentKind kind) throws IOException {
        Path folder =
                Durability.parent(layout.shard(kind, DigestAlgorithm.SHA256, 0)).toAbsolutePath();
        Durability.createFolder(folder);
        Set<String> present = new HashSet<>();
        StoreLayout.files(folder).forEach(path -> present.add(String.valueOf(path.getFileName())));
        for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
            String name = StoreLayout.shardName(shard);
            if (!present.contains(name)) {
                Files.createDirectory(folder.resolve(name));
            }
        }
        // Each time: whoever made them may have been killed just before this.
        Durability.forceFolder(folder);
    }

    private void tidy(Optional<StoreMarker> marker) throws IOException {
        // Partials are written without force, so a machine that went down may have kept their length and lost their
        // bytes. Hashing would find out in the end, after the whole rest was fetched. Where boots have no names, any
        // start may be such a one.
        boolean sameBoot =
                bootId.isPresent() && marker.flatMap(StoreMarker::bootId).equals(bootId);
        Instant oldest = sameBoot ? clock.instant().minus(PARTIAL_LIFE) : Instant.MAX;
        int dropped = 0;
        for (Path file : StoreLayout.files(layout.ingest())) {
            if (layout.isTemporary(file) || layout.partialDigest(file).isPresent() && isOlder(file, oldest)) {
                dropped += drop(file) ? 1 : 0;
            }
        }
        if (dropped > 0) {
            LOG.info("dropped {} unfinished files from {}", dropped, layout.ingest());
        }
    }

    // A folder with something in it is of nobody here, and in the way of its blob alone.
    private static boolean drop(Path file) throws IOException {
        try {
            return Files.deleteIfExists(file);
        } catch (DirectoryNotEmptyException e) {
            LOG.warn("{} is a folder in the place of an unfinished file, and stays; delete it", file);
            return false;
        }
    }

    private static boolean isOlder(Path file, Instant oldest) throws IOException {
        return Files.getLastModifiedTime(file).toInstant().isBefore(oldest);
    }
}
