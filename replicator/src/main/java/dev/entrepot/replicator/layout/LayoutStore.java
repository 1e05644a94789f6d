package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The content of one layout, for all its repositories: a folder, and where there is one a tar below it, which is read
 * and never changed. The index is kept in memory as long as its file is what was read or written last, and read again
 * when another program has replaced it or carried it away; each tag and each referrer that is put in writes it anew.
 * Safe for all threads.
 *
 * <p>It is long because the index, what refers to what, and what others may have changed meanwhile are looked at under
 * one lock.
 */
final class LayoutStore {
    private static final int ATTEMPTS = 10;

    private final LayoutFolder folder;
    private final Optional<Path> tar;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable State state;
    private boolean guarded;
    private volatile boolean written;
    // What was named since what was read was forgotten: tags, and manifests without one.
    private final Map<Named, Digest> named = new HashMap<>();

    /** What another program may take away that knows nothing of the lock. */
    private record Named(RepositoryName repository, Optional<Tag> tag, Optional<Digest> digest) {}

    private static final class State {
        private final LayoutIndex index;
        private Optional<FileStamp> stamp;
        private Optional<LayoutTar> base;
        private Optional<FileStamp> baseStamp;
        private final Map<Digest, Map<Digest, Descriptor>> referrers = new HashMap<>();
        private final Map<Digest, List<Digest>> children = new HashMap<>();

        State(LayoutIndex index, Optional<FileStamp> stamp, Optional<LayoutTar> base, Optional<FileStamp> baseStamp) {
            this.index = index;
            this.stamp = stamp;
            this.base = base;
            this.baseStamp = baseStamp;
        }

        void note(ManifestBytes bytes) {
            Optional<Manifest> parsed = parsed(bytes);
            if (parsed.flatMap(Manifest::subject).isPresent()) {
                Manifest manifest = parsed.get();
                referrers
                        .computeIfAbsent(manifest.subject().get().digest(), subject -> new LinkedHashMap<>())
                        .put(
                                bytes.digest(),
                                bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()));
            }
        }
    }

    LayoutStore(Path folder, Optional<Path> tar) {
        this.folder = new LayoutFolder(folder);
        this.tar = tar;
    }

    /** Work with the index, done by one thread at a time. */
    interface Work<T> {
        /** Does it. */
        T with(LayoutIndex index) throws IOException;
    }

    /**
     * Does work with the index as it is on the disk; again from its beginning, if another program has changed that
     * before it was written.
     */
    <T> T guarded(Work<T> work) throws IOException {
        lock.lock();
        try {
            for (int attempt = 1; ; attempt++) {
                try {
                    return guardedOnce(work);
                } catch (ChangedMeanwhileException e) {
                    if (guarded || attempt == ATTEMPTS) {
                        throw e;
                    }
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private <T> T guardedOnce(Work<T> work) throws IOException {
        boolean inner = guarded;
        try {
            LayoutIndex index = state().index;
            guarded = true;
            return work.with(index);
        } catch (IOException | RuntimeException e) {
            // What was changed and is not on the disk must not be taken for written.
            State known = state;
            if (known != null && known.index.isChanged()) {
                state = null;
            }
            throw e;
        } finally {
            guarded = inner;
        }
    }

    private State state() throws IOException {
        State known = state;
        // Looked at once, when the guard is entered: whoever works with an index goes on with that one.
        if (known != null && guarded) {
            return known;
        }
        Optional<FileStamp> stamp = folder.stamp();
        Optional<FileStamp> baseStamp = baseStamp();
        // What goes on from a tar goes on from that one; whether it is still there is looked at when it is packed.
        if (known != null && known.stamp.equals(stamp) && (written || known.baseStamp.equals(baseStamp))) {
            return known;
        }
        Optional<LayoutTar> base = base();
        LayoutIndex index = index(base, baseStamp);
        State loaded = new State(index, stamp, base, baseStamp);
        for (Digest digest : index.manifests()) {
            LayoutContent content = content(digest, base);
            if (content.size(digest).isPresent()) {
                Optional<ManifestBytes> bytes = manifestBytes(digest, content);
                if (bytes.isPresent()) {
                    loaded.note(bytes.get());
                }
            }
        }
        // Only now: had a manifest not been readable, its subject would have no referrers from then on.
        state = loaded;
        return loaded;
    }

    // What was gathered for a tar counts by its index only while that tar is there: on another one it would put back
    // what somebody else has changed since. Its content is of use either way.
    private LayoutIndex index(Optional<LayoutTar> base, Optional<FileStamp> baseStamp) throws IOException {
        if (tar.isEmpty() || folder.isThere() && folder.isFor(baseStamp)) {
            return folder.index();
        }
        return base.isPresent() ? base.get().index() : LayoutIndex.empty(place());
    }

    private Optional<LayoutTar> base() throws IOException {
        return tar.isPresent() && Files.exists(tar.get()) ? Optional.of(LayoutTar.open(tar.get())) : Optional.empty();
    }

    private Optional<FileStamp> baseStamp() throws IOException {
        return tar.isPresent() ? FileStamp.of(tar.get()) : Optional.empty();
    }

    /**
     * Refuses to go on if the tar is not the one that was read: somebody else has written it. For work under the guard.
     */
    void requireSameBase() throws IOException {
        if (!baseStamp().equals(state().baseStamp)) {
            throw new FileSystemException(
                    place(),
                    null,
                    "another program has changed it while it was to be written; it stays as it is now, and what was"
                            + " brought goes into it with the next run");
        }
    }

    /** Refuses what must not be written to. For work under the guard. */
    void requireWritable() throws IOException {
        boolean volume = folder.isVolume()
                || state().base.filter(known -> known.has(LayoutFormat.VOLUME)).isPresent();
        if (volume) {
            throw new FileSystemException(
                    place(),
                    null,
                    "it is a volume of a bundle, whose signature would not hold any more if something were added; name"
                            + " another layout");
        }
    }

    /**
     * Takes note that the tar is another one. For work under the guard.
     *
     * @param packed what it is
     */
    void rebase(FileStamp packed) throws IOException {
        State known = state();
        known.baseStamp = Optional.of(packed);
        known.base = base();
        folder.setFor(known.baseStamp);
    }

    /** Deletes what writers that were killed have left. Nobody else may be writing. */
    void sweep() throws IOException {
        if (Files.isDirectory(folder.folder())) {
            folder.sweep();
        }
    }

    /** Forgets what was read, because the files may be others. */
    void reload() {
        lock.lock();
        try {
            state = null;
            written = false;
            named.clear();
        } finally {
            lock.unlock();
        }
    }

    /** Where it is, for messages. */
    String place() {
        return tar.orElse(folder.folder()).toString();
    }

    /** Whether there is a layout. */
    boolean isThere() {
        return folder.isThere() || tar.isPresent() && Files.exists(tar.get());
    }

    OptionalLong size(Digest digest) throws IOException {
        return content(digest).size(digest);
    }

    InputStream open(Digest digest, long offset) throws IOException {
        lock.lock();
        try {
            return content(digest).open(digest, offset);
        } finally {
            lock.unlock();
        }
    }

    private LayoutContent content(Digest digest) throws IOException {
        if (tar.isEmpty() || folder.size(digest).isPresent()) {
            return folder;
        }
        lock.lock();
        try {
            return content(digest, state().base);
        } finally {
            lock.unlock();
        }
    }

    private LayoutContent content(Digest digest, Optional<LayoutTar> base) throws IOException {
        return base.isEmpty() || folder.size(digest).isPresent() ? folder : base.get();
    }

    /**
     * Puts content in, verified by {@code in}.
     *
     * @throws IOException if it cannot be written, or {@code in} fails; then it is not there
     */
    void put(Digest digest, InputStream in) throws IOException {
        folder.put(digest, in);
    }

    // Anything may be in a layout; what is no manifest names nothing.
    private static Optional<Manifest> parsed(ManifestBytes bytes) {
        try {
            return Optional.of(Manifest.parse(bytes));
        } catch (InvalidContentException e) {
            return Optional.empty();
        }
    }

    private Optional<ManifestBytes> manifestBytes(Digest digest, LayoutContent content) throws IOException {
        return content.size(digest).orElse(0) > OciLimits.MAX_MANIFEST_BYTES
                ? Optional.empty()
                : Optional.of(read(digest, content));
    }

    /**
     * What is there under a digest, if it is a manifest; another tool may have put anything there.
     *
     * @throws InvalidContentException if it is not what its name says
     */
    Optional<Manifest> manifest(Digest digest) throws IOException {
        lock.lock();
        try {
            return manifestBytes(digest, content(digest)).flatMap(LayoutStore::parsed);
        } finally {
            lock.unlock();
        }
    }

    /** Takes note of a manifest that was put in: it may be a referrer. For work under the guard. */
    void note(ManifestBytes bytes) throws IOException {
        state().note(bytes);
    }

    /** The referrers of a subject. For work under the guard. */
    List<Descriptor> referrers(Digest subject) throws IOException {
        return new ArrayList<>(state().referrers.getOrDefault(subject, Map.of()).values());
    }

    /** Writes the index. For work under the guard. */
    void write(LayoutIndex index) throws IOException {
        State known = state();
        if (known.index != index) {
            throw new ChangedMeanwhileException(place());
        }
        known.stamp = Optional.of(folder.write(index, known.stamp));
        index.isWritten();
        if (tar.isPresent() && !folder.isFor(known.baseStamp)) {
            folder.setFor(known.baseStamp);
        }
        written = true;
    }

    /** Takes note of what is named from now on. For work under the guard. */
    void noteNamed(RepositoryName repository, Optional<Tag> tag, Digest manifest) {
        named.put(new Named(repository, tag, tag.isPresent() ? Optional.empty() : Optional.of(manifest)), manifest);
    }

    /** Takes note that something is meant to be named no more. For work under the guard. */
    void noteGone(RepositoryName repository, ManifestReference reference) {
        named.entrySet().removeIf(entry -> switch (reference) {
            case Tag tag ->
                entry.getKey().repository().equals(repository)
                        && entry.getKey().tag().filter(tag::equals).isPresent();
            case Digest digest -> entry.getValue().equals(digest);
        });
    }

    /**
     * Refuses to call complete what another program has taken out of the index since: it read that before, and wrote it
     * afterwards. For work under the guard.
     */
    void requireNamed(LayoutIndex index) throws IOException {
        Set<Digest> there = index.manifests();
        for (Map.Entry<Named, Digest> entry : named.entrySet()) {
            Named name = entry.getKey();
            boolean kept = name.tag().isPresent()
                    ? index.find(name.repository(), name.tag().get())
                            .filter(found -> found.digest().equals(entry.getValue()))
                            .isPresent()
                    : there.contains(entry.getValue());
            if (!kept) {
                throw new FileSystemException(
                        place(),
                        null,
                        "another program has taken " + name.repository()
                                + name.tag().map(tag -> ":" + tag).orElse("@" + entry.getValue())
                                + " out of the index while the run went on; run again when nothing else writes to it");
            }
        }
    }

    /** Whether anything was written since what was read was forgotten. */
    boolean isWritten() {
        return written;
    }

    /**
     * A manifest.
     *
     * @throws NotFoundException if it is not there
     * @throws InvalidContentException if it is longer than a manifest may be, or is not what its name says
     */
    ManifestBytes read(Digest digest) throws IOException {
        lock.lock();
        try {
            return read(digest, content(digest));
        } finally {
            lock.unlock();
        }
    }

    private ManifestBytes read(Digest digest, LayoutContent content) throws IOException {
        OptionalLong size = content.size(digest);
        if (size.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, place() + " has no manifest " + digest);
        }
        if (size.getAsLong() > OciLimits.MAX_MANIFEST_BYTES) {
            throw new InvalidContentException(place() + ": " + digest + " exceeds the size of a manifest");
        }
        try (InputStream in = content.open(digest, 0)) {
            byte[] bytes = in.readNBytes(OciLimits.MAX_MANIFEST_BYTES);
            return ManifestBytes.verified(mediaType(bytes), digest, bytes);
        }
    }

    // A layout does not say of a file that no index names what it is; the manifest does, or its shape.
    private static MediaType mediaType(byte[] bytes) {
        try {
            JsonNode root = OciJson.mapper().readTree(bytes);
            String stated = root.path("mediaType").asString("");
            if (!stated.isEmpty()) {
                return MediaType.parse(stated);
            }
            return root.has("manifests") ? MediaType.OCI_INDEX : MediaType.OCI_MANIFEST;
        } catch (JacksonException | IllegalArgumentException e) {
            return MediaType.OCTET_STREAM;
        }
    }

    /**
     * The manifests that are held: those that have a name, and those that another tool put there without one and that
     * refer to nothing; the children of those, and the referrers of all of them. For work under the guard.
     */
    Set<Digest> held(LayoutIndex index) throws IOException {
        Set<Digest> held = new LinkedHashSet<>();
        Deque<Digest> pending = new ArrayDeque<>(index.named());
        Set<Digest> referring = referring();
        index.untagged().stream().filter(digest -> !referring.contains(digest)).forEach(pending::add);
        while (!pending.isEmpty()) {
            Digest next = pending.remove();
            // An index of which only some platforms were copied names manifests that are not there.
            if (!held.contains(next) && size(next).isPresent()) {
                held.add(next);
                pending.addAll(children(next));
                pending.addAll(state().referrers.getOrDefault(next, Map.of()).keySet());
            }
        }
        return held;
    }

    /**
     * The manifests without a name that refer to something that is not there: another tool may have put them there by
     * themselves. For work under the guard.
     */
    Set<Digest> alone(LayoutIndex index) throws IOException {
        Set<Digest> alone = new HashSet<>();
        for (Map.Entry<Digest, Map<Digest, Descriptor>> subject :
                state().referrers.entrySet()) {
            if (size(subject.getKey()).isEmpty()) {
                alone.addAll(subject.getValue().keySet());
            }
        }
        alone.retainAll(index.untagged());
        return alone;
    }

    private Set<Digest> referring() throws IOException {
        Set<Digest> referring = new HashSet<>();
        state().referrers.values().forEach(known -> referring.addAll(known.keySet()));
        return referring;
    }

    private List<Digest> children(Digest manifest) throws IOException {
        Map<Digest, List<Digest>> known = state().children;
        List<Digest> found = known.get(manifest);
        if (found == null) {
            found = manifest(manifest).stream()
                    .flatMap(parsed -> parsed.manifests().stream())
                    .map(Descriptor::digest)
                    .toList();
            known.put(manifest, found);
        }
        return found;
    }

    /** Whether a name or a subject holds a manifest, in whatever repository. For work under the guard. */
    boolean isHeld(LayoutIndex index, Digest manifest) throws IOException {
        return held(index).contains(manifest);
    }

    /**
     * Deletes a manifest that the index, as it is written, does not name. Its blobs stay: others may need them, and a
     * layout is not swept. For work under the guard.
     */
    void delete(Digest manifest) throws IOException {
        state().referrers.values().forEach(known -> known.remove(manifest));
        folder.delete(manifest);
    }
}
