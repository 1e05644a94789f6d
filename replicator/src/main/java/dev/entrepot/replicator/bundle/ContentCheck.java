package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the content of the volumes of a bundle, two files at a time, in the order in which they were written. Of a
 * blob in parts that are all there, the parts and the whole are hashed in one pass. A volume in which something is
 * wrong is not read further; the others are. For one check.
 */
final class ContentCheck {
    private static final int AT_ONCE = 2;
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Bundle bundle;
    private final Predicate<VolumeEntry.Content> which;
    private final LongConsumer moved;
    private final SortedMap<Integer, VolumeProblem> problems = Collections.synchronizedSortedMap(new TreeMap<>());

    /** Of the content that a predicate is true of; of parts of a blob it says the same of each. */
    ContentCheck(Bundle bundle, Predicate<VolumeEntry.Content> which, LongConsumer moved) {
        this.bundle = bundle;
        this.which = which;
        this.moved = moved;
    }

    private record Task(int volume, Bundle.Piece piece) {}

    /**
     * Looks at all of it.
     *
     * @throws DamagedBundleException if anything is wrong, with all volumes of which something is, and those that were
     *     not given
     * @throws IOException if the thread is interrupted
     */
    void check() throws IOException {
        Iterator<Task> tasks = bundle.given().entrySet().stream()
                .flatMap(volume -> volume.getValue().pieces().stream()
                        .filter(piece -> which.test(piece.entry().content()))
                        .map(piece -> new Task(volume.getKey(), piece)))
                .iterator();
        Concurrently.map(Stream.generate(() -> tasks).limit(AT_ONCE).toList(), this::work);
        if (!problems.isEmpty()) {
            throw new DamagedBundleException(Stream.concat(problems.values().stream(), bundle.missingVolumes().stream())
                    .toList());
        }
    }

    private boolean work(Iterator<Task> tasks) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (Task task = next(tasks); task != null; task = next(tasks)) {
            // The first part of a blob brings those in other volumes with it, whatever is wrong with its own.
            if (isIntact(task) || task.piece().entry().content() instanceof VolumeEntry.Content.Part) {
                check(task, buffer);
            }
        }
        return true;
    }

    private boolean isIntact(Task task) {
        return !problems.containsKey(task.volume());
    }

    private static @Nullable Task next(Iterator<Task> tasks) {
        synchronized (tasks) {
            return tasks.hasNext() ? tasks.next() : null;
        }
    }

    private void check(Task task, byte[] buffer) throws IOException {
        switch (task.piece().entry().content()) {
            case VolumeEntry.Content.Manifest manifest -> manifest(task, manifest.digest());
            case VolumeEntry.Content.Blob blob -> hash(task, blob.digest(), buffer, Optional.empty());
            case VolumeEntry.Content.Fallback fallback -> hash(task, fallback.digest(), buffer, Optional.empty());
            case VolumeEntry.Content.Part part -> part(task, part, buffer);
            case VolumeEntry.Content.Constant constant -> {}
        }
    }

    private void manifest(Task task, Digest digest) throws IOException {
        BundledManifest stated =
                Objects.requireNonNull(bundle.inventory().manifests().get(digest));
        try {
            ManifestBytes bytes = bundle.read(stated).orElseThrow();
            moved.accept(bytes.sizeBytes());
            GraphCheck.check(bundle.inventory(), stated, bytes);
        } catch (UnreadableException e) {
            unreadable(task, e);
        } catch (InvalidContentException e) {
            report(task, Kind.ALTERED, "at " + task.piece().entry().name() + ": " + e.getMessage());
        } catch (BundleException e) {
            report(
                    task,
                    Kind.CONTRADICTORY,
                    e.getMessage() + "; the sender's export is at fault, and sending its volumes again does not help");
        }
    }

    // The first part brings the others with it if they are there, so that the whole is hashed with them. Where one of
    // them is wrong the others are looked at all the same: they are in other volumes.
    private void part(Task task, VolumeEntry.Content.Part part, byte[] buffer) throws IOException {
        BundledBlob blob = Objects.requireNonNull(bundle.inventory().blobs().get(part.blob()));
        if (!bundle.has(blob)) {
            if (isIntact(task)) {
                hash(task, part.digest(), buffer, Optional.empty());
            }
            return;
        }
        if (part.number() > 1) {
            return;
        }
        MessageDigest whole = blob.digest().algorithm().newMessageDigest();
        boolean right = true;
        for (Task one : parts(blob)) {
            Digest digest = ((VolumeEntry.Content.Part) one.piece().entry().content()).digest();
            right = isIntact(one) && hash(one, digest, buffer, Optional.of(whole)) && right;
        }
        Digest actual = Digest.of(blob.digest().algorithm(), whole);
        if (right && !actual.equals(blob.digest())) {
            report(
                    task,
                    Kind.CONTRADICTORY,
                    "the parts of the blob " + blob.digest() + " are as they should be and together have the digest "
                            + actual);
        }
    }

    private List<Task> parts(BundledBlob blob) {
        List<Task> parts = new ArrayList<>();
        for (Map.Entry<Integer, Bundle.Given> volume : bundle.given().entrySet()) {
            volume.getValue().pieces().stream()
                    .filter(piece -> piece.entry().content() instanceof VolumeEntry.Content.Part part
                            && part.blob().equals(blob.digest()))
                    .forEach(piece -> parts.add(new Task(volume.getKey(), piece)));
        }
        return parts;
    }

    private boolean hash(Task task, Digest expected, byte[] buffer, Optional<MessageDigest> whole) throws IOException {
        VolumeEntry entry = task.piece().entry();
        if (!expected.algorithm().isVerifiable()) {
            report(task, Kind.CONTRADICTORY, entry.name() + " has a digest that cannot be computed here");
            return false;
        }
        MessageDigest hasher = expected.algorithm().newMessageDigest();
        long seen = 0;
        try (InputStream in = task.piece().slice().open(0)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hasher.update(buffer, 0, count);
                int read = count;
                whole.ifPresent(all -> all.update(buffer, 0, read));
                seen += count;
                moved.accept(count);
            }
        } catch (UnreadableException e) {
            unreadable(task, e);
            return false;
        }
        if (seen != entry.sizeBytes()) {
            report(task, Kind.TRUNCATED, entry.name() + " has " + seen + " bytes, expected " + entry.sizeBytes());
            return false;
        }
        Digest actual = Digest.of(expected.algorithm(), hasher);
        if (!actual.equals(expected)) {
            report(task, Kind.ALTERED, entry.name() + " has the digest " + actual + ", expected " + expected);
            return false;
        }
        return true;
    }

    private void report(Task task, Kind kind, String what) {
        problems.putIfAbsent(task.volume(), VolumeProblem.of(kind, task.volume(), path(task), what, bundle.id()));
    }

    private void unreadable(Task task, UnreadableException e) {
        VolumeProblem problem = VolumeProblem.unreadable(
                path(task), "at " + task.piece().entry().name(), e);
        problems.putIfAbsent(task.volume(), problem.in(task.volume(), bundle.id()));
    }

    private Path path(Task task) {
        return Objects.requireNonNull(bundle.given().get(task.volume())).path();
    }
}
