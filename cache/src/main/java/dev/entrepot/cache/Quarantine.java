package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Content that turned out not to be what its name says, kept for a week for whoever wants to know why, or until its
 * room is needed. What lies here is counted as it comes and goes, and anew by {@link #tidy()}, since people may take
 * from it. Safe for all threads.
 */
final class Quarantine {
    /** How long bad content is kept for inspection. */
    static final Duration LIFE = Duration.ofDays(7);

    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    /** Content that was found bad, and when. */
    record Bad(ContentKind kind, Digest digest, Instant since) {}

    private record Entry(Path path, long sizeBytes, Instant since) {}

    private final StoreLayout layout;
    private final Clock clock;
    private final AtomicLong bytes = new AtomicLong();

    /** What lies in the folder, which is there; {@link #tidy()} counts it. */
    Quarantine(StoreLayout layout, Clock clock) {
        this.layout = layout;
        this.clock = clock;
    }

    /** The bytes that lie here. */
    long bytes() {
        return bytes.get();
    }

    /**
     * Takes content out of its tree, if what lies there is what was found bad: to find that may have taken long, and
     * what was fetched anew meanwhile is good.
     *
     * @param bad what was found bad
     * @return whether it was there
     */
    synchronized boolean take(ContentKind kind, Digest digest, FileIdentity bad) throws IOException {
        Path from = layout.content(kind, digest);
        if (!FileIdentity.of(from).equals(Optional.of(bad))) {
            LOG.debug("{} {} is gone, or another by now, and not put in quarantine", kind, digest);
            return false;
        }
        if (deletePipe(from)) {
            return true;
        }
        Path to = layout.quarantined(kind, digest);
        long replaced = size(to);
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            LOG.debug("no {} {} to put in quarantine", kind, digest);
            return false;
        }
        // It may have come between the look and the move. What does not say is a link that leads nowhere from here.
        if (FileIdentity.of(to).filter(moved -> !moved.equals(bad)).isPresent()) {
            Files.move(to, from, StandardCopyOption.ATOMIC_MOVE);
            bytes.addAndGet(-replaced);
            return false;
        }
        bytes.addAndGet(size(to) - replaced);
        Files.setLastModifiedTime(to, FileTime.from(clock.instant()));
        return true;
    }

    /**
     * Deletes something that is neither file nor folder: it has nothing to inspect, and even setting its time may open
     * it, and that never ends with a pipe.
     *
     * @return whether it was such a thing
     */
    static boolean deletePipe(Path path) throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).isOther() && Files.deleteIfExists(path);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** What lies here, the oldest first. */
    synchronized List<Bad> contents() throws IOException {
        return entries().stream()
                .flatMap(entry -> layout.quarantinedContent(entry.path(), entry.since()).stream())
                .toList();
    }

    /** Deletes what has lain here for its time, and counts the rest. */
    synchronized void tidy() throws IOException {
        Instant oldest = clock.instant().minus(LIFE);
        long left = 0;
        for (Entry entry : entries()) {
            left += entry.since().isBefore(oldest) && deleted(entry) ? 0 : entry.sizeBytes();
        }
        bytes.set(left);
    }

    /**
     * Deletes the oldest until so many bytes are freed.
     *
     * @return the bytes that are
     */
    synchronized long free(long wantedBytes) throws IOException {
        long freed = 0;
        int files = 0;
        if (wantedBytes <= 0 || bytes.get() == 0) {
            return 0;
        }
        for (Entry entry : entries()) {
            if (freed < wantedBytes && deleted(entry)) {
                freed += entry.sizeBytes();
                files++;
            }
        }
        bytes.addAndGet(-freed);
        if (files > 0) {
            LOG.info("{} files, {} bytes, of {} were deleted to make room", files, freed, layout.quarantine());
        }
        return freed;
    }

    private static boolean deleted(Entry entry) {
        try {
            return Files.deleteIfExists(entry.path());
        } catch (IOException e) {
            LOG.warn("{} cannot be deleted: {}", entry.path(), e.toString());
            return false;
        }
    }

    /** The oldest first. */
    private List<Entry> entries() throws IOException {
        List<Entry> found = new ArrayList<>();
        for (Path file : StoreLayout.files(layout.quarantine())) {
            try {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                found.add(new Entry(
                        file,
                        attributes.isRegularFile() ? attributes.size() : 0,
                        attributes.lastModifiedTime().toInstant()));
            } catch (NoSuchFileException e) {
                LOG.debug("{} was taken away meanwhile", file);
            }
        }
        found.sort(Comparator.comparing(Entry::since));
        return found;
    }

    private static long size(Path file) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return attributes.isRegularFile() ? attributes.size() : 0;
        } catch (NoSuchFileException e) {
            return 0;
        }
    }
}
