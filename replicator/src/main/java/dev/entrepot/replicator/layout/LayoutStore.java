package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The content of one layout, for all its repositories: a folder, and where there is one a tar below it, which is read
 * and never changed. The index is kept in memory as long as its file is what was read or written last, and read again
 * when another program has replaced it or carried it away. Safe for all threads. It is long because who reads the
 * index, who changes it, and who waits for it to be written have one lock.
 *
 * <p>What is named is in the file when {@link #settle} returns, and what is deleted is not: the index can only be
 * written as a whole, so those who name something at one time share a write, and writing takes at most a part of the
 * time. A thousand images do not cost a thousand times the index of a thousand images.
 */
final class LayoutStore {
    private static final int ATTEMPTS = 10;
    // After a write, so many times as long as it took, none is begun: more names come together for the next.
    private static final int PAUSE_FOR_WRITE = 4;
    // After one that failed at least so long: on a disk that is full, many who wait do not try one after another.
    private static final long PAUSE_AFTER_FAILURE_NANOS = 250_000_000;

    private final LayoutFolder folder;
    private final Optional<Path> tar;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable State state;
    private boolean guarded;
    private volatile boolean written;
    private final NewNames names = new NewNames();
    private final Removals removals = new Removals();
    private final LayoutManifests inFolder;
    private final Condition settled = lock.newCondition();
    private long notBeforeNanos = System.nanoTime();
    // The last attempt for all that failed.
    private @Nullable IOException failure;

    private static final class State {
        private final LayoutIndex index;
        private Optional<FileStamp> stamp;
        private final LayoutManifests manifests;
        private Optional<FileStamp> baseStamp;
        private final LayoutGraph graph;

        State(
                LayoutIndex index,
                Optional<FileStamp> stamp,
                LayoutManifests manifests,
                Optional<FileStamp> baseStamp,
                LayoutGraph graph) {
            this.index = index;
            this.graph = graph;
            this.stamp = stamp;
            this.manifests = manifests;
            this.baseStamp = baseStamp;
        }
    }

    LayoutStore(Path folder, Optional<Path> tar) {
        this.folder = new LayoutFolder(folder);
        this.tar = tar;
        this.inFolder = new LayoutManifests(place(), this.folder, Optional.empty(), removals::hides);
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
        names.addTo(index);
        LayoutManifests manifests = new LayoutManifests(place(), folder, base, removals::hides);
        LayoutGraph graph = new LayoutGraph(manifests);
        graph.read(index);
        removals.applyTo(index, graph);
        State loaded = new State(index, stamp, manifests, baseStamp, graph);
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
                    "another program has changed it while it was to be written; it stays as it is now, and with the"
                            + " next run what was brought goes into it and what was pruned out of it");
        }
    }

    /** The tar as it was read, if there is one. For work under the guard. */
    Optional<LayoutTar> before() throws IOException {
        return state().manifests.base();
    }

    /** Refuses what must not be written to. For work under the guard. */
    void requireWritable() throws IOException {
        boolean volume = folder.isVolume()
                || state().manifests
                        .base()
                        .filter(known -> known.has(LayoutFormat.VOLUME))
                        .isPresent();
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
        known.manifests.rebase(base());
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
            names.clear();
            removals.clear();
            failure = null;
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
        return removals.hides(digest) ? OptionalLong.empty() : content(digest).size(digest);
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
            return state().manifests.content(digest);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts content in, verified by {@code in}.
     *
     * @throws IOException if it cannot be written, or {@code in} fails; then it is not there
     */
    void put(Digest digest, InputStream in) throws IOException {
        lock.lock();
        try {
            // Before it is there: the next write of the index would delete it.
            removals.keep(digest);
        } finally {
            lock.unlock();
        }
        folder.put(digest, in);
        lock.lock();
        try {
            State known = state;
            if (known != null) {
                known.graph.arrived(digest);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What the manifests refer to. For work under the guard. */
    LayoutGraph graph() throws IOException {
        return state().graph;
    }

    private void write(LayoutIndex index) throws IOException {
        State known = state();
        if (known.index != index) {
            throw new ChangedMeanwhileException(place());
        }
        if (removals.isInDoubt()) {
            removals.applyTo(index, known.graph);
        }
        known.stamp = Optional.of(folder.write(index, known.stamp));
        // Without that the next process does not go on from this index: nothing counts as written before it is there.
        if (tar.isPresent() && !folder.isFor(known.baseStamp)) {
            folder.setFor(known.baseStamp);
        }
        written = true;
        index.isWritten();
        names.areWritten();
        settled.signalAll();
        delete(removals.areWritten());
    }

    // All that can be, whichever cannot: no later write looks for what stays.
    private void delete(List<Digest> manifests) throws IOException {
        IOException failed = null;
        for (Digest gone : manifests) {
            try {
                folder.delete(gone);
            } catch (IOException e) {
                failed = failed == null ? e : failed;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }

    /**
     * Takes in a manifest whose content was there; sets a tag, or names it if it has a subject, as
     * {@link NewNames#add}. For work under the guard.
     *
     * @return its subject
     * @throws InvalidContentException if it is no manifest, or several entries of another tool may be that tag
     */
    Optional<Digest> push(
            LayoutIndex index, Object run, RepositoryName repository, ManifestReference reference, ManifestBytes pushed)
            throws IOException {
        Optional<Digest> subject = Manifest.parse(pushed).subject().map(Descriptor::digest);
        Digest digest = pushed.digest();
        if (size(digest).isEmpty()) {
            // It was deleted while its sender waited for the guard.
            put(digest, new ByteArrayInputStream(pushed.array()));
        }
        graph().note(pushed);
        if (reference instanceof Tag || subject.isPresent()) {
            removals.keep(repository, reference, digest);
            names.add(index, run, repository, reference, pushed.descriptor());
        }
        return subject;
    }

    /**
     * Deletes a tag; tells whether it was there. It is in the file until that is written. For work under the guard.
     *
     * @throws InvalidContentException if several entries of another tool may be that tag
     */
    boolean untag(LayoutIndex index, Object run, RepositoryName repository, Tag tag) throws InvalidContentException {
        names.remove(repository, tag);
        boolean there = removals.untag(index, run, repository, tag);
        if (there) {
            names.oneMore();
        }
        return there;
    }

    /**
     * Deletes a manifest with its tags in a repository, unless something holds it; tells whether it was there and goes.
     * It is in the file of the index until that is written, and its own goes after that. Its blobs stay: others may
     * need them, and a layout is not swept. For work under the guard.
     *
     * @throws InvalidContentException if it cannot be said what holds it, because a manifest is not readable
     */
    boolean remove(LayoutIndex index, Object run, RepositoryName repository, Digest manifest) throws IOException {
        names.remove(repository, manifest);
        boolean there = size(manifest).isPresent();
        boolean goes = removals.remove(index, graph(), run, repository, manifest, there);
        if (goes) {
            names.removeUntagged(manifest);
        }
        if (index.isChanged() || there && goes) {
            names.oneMore();
        }
        return there && goes;
    }

    /** Refuses to call complete what a run has named and is not named any more. For work under the guard. */
    void requireNamed(LayoutIndex index, Object run) throws IOException {
        names.requireIn(index, run, place());
    }

    /** Forgets what a run that has ended has named, and has no more need of. */
    void ended(Object run) {
        lock.lock();
        try {
            names.forget(run);
            removals.ended(run);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns when all that was named before is in the file, and nothing that was deleted before, which another thread
     * may have written. All who wait for one attempt have its outcome. What another program has made ambiguous
     * meanwhile is named no more; who asks for it is told.
     *
     * @param repository who asks
     * @throws IOException if it cannot be written; it is not lost, and the next call tries again
     * @throws InvalidContentException if something that this repository was told to delete stays, because another
     *     program has put a manifest there that is not readable, and may hold it
     */
    void settle(RepositoryName repository) throws IOException {
        lock.lock();
        try {
            long wanted = names.count();
            IOException before = failure;
            while (names.writtenCount() < wanted) {
                IOException last = failure;
                if (last != null && last != before) {
                    throw last;
                }
                long pause = notBeforeNanos - System.nanoTime();
                if (pause <= 0) {
                    flushForAll();
                } else {
                    settled.awaitNanos(pause);
                }
            }
            Optional<InvalidContentException> undone = removals.undone(repository);
            if (undone.isPresent()) {
                throw undone.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while " + place() + " was to be written");
        } finally {
            lock.unlock();
        }
    }

    private void flushForAll() throws IOException {
        long begun = System.nanoTime();
        try {
            flush();
        } catch (IOException e) {
            failure = e;
            long ended = System.nanoTime();
            notBeforeNanos = ended + Math.max(PAUSE_AFTER_FAILURE_NANOS, PAUSE_FOR_WRITE * (ended - begun));
            settled.signalAll();
            throw e;
        }
    }

    /** As {@link #settle}, without a pause. */
    void flush() throws IOException {
        guarded(index -> {
            if (names.writtenCount() < names.count()) {
                long begun = System.nanoTime();
                write(index);
                long ended = System.nanoTime();
                notBeforeNanos = ended + PAUSE_FOR_WRITE * (ended - begun);
            }
            return index;
        });
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
            boolean above = tar.isEmpty() || folder.size(digest).isPresent();
            return (above ? inFolder : state().manifests).read(digest);
        } finally {
            lock.unlock();
        }
    }
}
