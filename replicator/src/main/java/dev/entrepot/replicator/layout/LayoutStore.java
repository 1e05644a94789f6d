package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
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
 * and never changed. The index is read at first use and then kept in memory; each tag and each referrer that is put in
 * writes it anew. Safe for all threads.
 */
final class LayoutStore {
    private final LayoutFolder folder;
    private final Optional<Path> tar;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable State state;

    private static final class State {
        private final LayoutIndex index;
        private Optional<LayoutTar> base;
        private final Map<Digest, Map<Digest, Descriptor>> referrers = new HashMap<>();
        private final Map<Digest, List<Digest>> children = new HashMap<>();

        State(LayoutIndex index, Optional<LayoutTar> base) {
            this.index = index;
            this.base = base;
        }

        void note(ManifestBytes bytes) throws IOException {
            Manifest manifest = Manifest.parse(bytes);
            if (manifest.subject().isPresent()) {
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

    <T> T guarded(Work<T> work) throws IOException {
        lock.lock();
        try {
            return work.with(state().index);
        } finally {
            lock.unlock();
        }
    }

    private State state() throws IOException {
        State known = state;
        if (known != null) {
            return known;
        }
        Optional<LayoutTar> base = base();
        LayoutIndex index =
                folder.isThere() || base.isEmpty() ? folder.index() : base.get().index();
        State loaded = new State(index, base);
        for (Descriptor manifest : index.manifests()) {
            Digest digest = manifest.digest();
            LayoutContent content = content(digest, base);
            if (content.size(digest).isPresent()) {
                loaded.note(read(digest, content));
            }
        }
        // Only now: had a manifest not been readable, its subject would have no referrers from then on.
        state = loaded;
        return loaded;
    }

    private Optional<LayoutTar> base() throws IOException {
        return tar.isPresent() && Files.exists(tar.get()) ? Optional.of(LayoutTar.open(tar.get())) : Optional.empty();
    }

    /** Takes note that the tar is another one. For work under the guard. */
    void rebase() throws IOException {
        state().base = base();
    }

    /** Forgets what was read, because the files may be others. */
    void reload() {
        lock.lock();
        try {
            state = null;
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
        folder.write(index);
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
     * The manifests that tags hold: those that they name, the children of those, and the referrers of all of them. For
     * work under the guard.
     */
    Set<Digest> held(LayoutIndex index) throws IOException {
        Set<Digest> held = new LinkedHashSet<>();
        Deque<Digest> pending = new ArrayDeque<>(index.taggedDigests());
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

    private List<Digest> children(Digest manifest) throws IOException {
        Map<Digest, List<Digest>> known = state().children;
        List<Digest> found = known.get(manifest);
        if (found == null) {
            found = Manifest.parse(read(manifest)).manifests().stream()
                    .map(Descriptor::digest)
                    .toList();
            known.put(manifest, found);
        }
        return found;
    }

    /**
     * Deletes a manifest if neither a tag nor a subject holds it any more, in whatever repository. Its blobs stay:
     * others may need them, and a layout is not swept. For work under the guard.
     *
     * @return whether the manifest is deleted
     */
    boolean forgetUnlessHeld(LayoutIndex index, Digest manifest) throws IOException {
        if (held(index).contains(manifest)) {
            return false;
        }
        index.untagged().remove(manifest);
        state().referrers.values().forEach(known -> known.remove(manifest));
        folder.delete(manifest);
        return true;
    }
}
