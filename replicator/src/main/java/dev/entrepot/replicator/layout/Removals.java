package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was deleted from a layout while the file of its index still names it. The files of manifests go only after an
 * index without them was written: what a crash leaves named is there. Until then they count as gone. Not safe for
 * several threads but for {@link #hides}; its owner has a lock.
 */
final class Removals {
    private static final Logger LOG = LoggerFactory.getLogger(Removals.class);

    private final List<Removal> unwritten = new ArrayList<>();
    private final Set<Digest> hidden = ConcurrentHashMap.newKeySet();
    // By run, what stays for others and a repository has no more need of: as long as that run goes on, since the next
    // one may find it there and count on it, and until something is named in the repository, which may need it.
    private final Map<Object, Map<RepositoryName, Set<Digest>>> released = new HashMap<>();
    // Why something that a repository was told to delete is not out of the index; once that is written, until it is
    // told.
    private final Map<RepositoryName, InvalidContentException> doubts = new HashMap<>();
    private final Map<RepositoryName, InvalidContentException> untold = new HashMap<>();

    /** A tag that named this, or a manifest and its tags. */
    private record Removal(Object run, RepositoryName repository, ManifestReference reference, Digest manifest) {}

    /** Whether the file of a manifest that may still be there counts as gone. */
    boolean hides(Digest manifest) {
        return hidden.contains(manifest);
    }

    /**
     * Takes a tag out of an index; tells whether it was there.
     *
     * @param run who deletes it, told from others by identity
     * @throws InvalidContentException if several entries of another tool may be that tag
     */
    boolean untag(LayoutIndex index, Object run, RepositoryName repository, Tag tag) throws InvalidContentException {
        Optional<Descriptor> named = index.find(repository, tag);
        if (named.isEmpty()) {
            return false;
        }
        index.untag(repository, tag);
        unwritten.add(new Removal(run, repository, tag, named.get().digest()));
        return true;
    }

    /**
     * Takes a manifest and its tags in a repository out of an index, and the manifest itself unless something holds it.
     * What is attached to a manifest of several repositories goes with the last of them from which one run deletes it.
     *
     * @param run who deletes it, told from others by identity
     * @param there whether it is there
     * @return whether nothing holds it
     * @throws InvalidContentException if that cannot be said, because a manifest is not readable
     */
    boolean remove(
            LayoutIndex index, LayoutGraph graph, Object run, RepositoryName repository, Digest manifest, boolean there)
            throws IOException {
        index.untagAll(repository, manifest);
        Set<RepositoryName> without = new HashSet<>(Set.of(repository));
        released.getOrDefault(run, Map.of()).forEach((other, digests) -> {
            if (digests.contains(manifest)) {
                without.add(other);
            }
        });
        boolean held = graph.isHeld(index, manifest, without);
        if (held) {
            released.computeIfAbsent(run, key -> new HashMap<>())
                    .computeIfAbsent(repository, name -> new HashSet<>())
                    .add(manifest);
        } else {
            released.values()
                    .forEach(repositories -> repositories.values().forEach(digests -> digests.remove(manifest)));
            index.remove(manifest);
            if (there) {
                graph.forget(manifest);
                hidden.add(manifest);
            }
        }
        unwritten.add(new Removal(run, repository, manifest, manifest));
        return !held;
    }

    /**
     * Takes note that a manifest is named again, by a tag or without one, in a repository that needs more than before.
     */
    void keep(RepositoryName repository, ManifestReference reference, Digest manifest) {
        released.values().forEach(repositories -> repositories.remove(repository));
        unwritten.removeIf(removal -> removal.repository().equals(repository)
                && (removal.reference().equals(reference) || removal.reference().equals(manifest)));
    }

    /** Takes note that content is put in again. */
    void keep(Digest manifest) {
        hidden.remove(manifest);
        unwritten.removeIf(removal -> removal.reference().equals(manifest));
    }

    /**
     * Takes out once more what the file still names, of an index that was read again. What another program has named
     * meanwhile stays; and for now what may be held by a manifest that is not readable.
     */
    void applyTo(LayoutIndex index, LayoutGraph graph) throws IOException {
        List<Removal> again = List.copyOf(unwritten);
        Set<Digest> before = Set.copyOf(hidden);
        unwritten.clear();
        hidden.clear();
        doubts.clear();
        try {
            for (Removal removal : again) {
                switch (removal.reference()) {
                    case Tag tag -> untagAgain(index, removal, tag);
                    case Digest digest -> removeAgain(index, graph, removal, digest);
                }
            }
        } catch (IOException | RuntimeException e) {
            unwritten.clear();
            unwritten.addAll(again);
            hidden.addAll(before);
            throw e;
        }
    }

    private void removeAgain(LayoutIndex index, LayoutGraph graph, Removal removal, Digest digest) throws IOException {
        try {
            remove(index, graph, removal.run(), removal.repository(), digest, true);
        } catch (InvalidContentException e) {
            unwritten.add(removal);
            doubts.put(removal.repository(), e);
        }
    }

    /** Whether something that was deleted is not out of the index; a manifest may be readable again by now. */
    boolean isInDoubt() {
        return !doubts.isEmpty();
    }

    /** Why something that a repository was told to delete is in the file all the same; said once. */
    Optional<InvalidContentException> undone(RepositoryName repository) {
        return Optional.ofNullable(untold.remove(repository));
    }

    private void untagAgain(LayoutIndex index, Removal removal, Tag tag) {
        try {
            if (index.find(removal.repository(), tag)
                    .filter(there -> there.digest().equals(removal.manifest()))
                    .isPresent()) {
                untag(index, removal.run(), removal.repository(), tag);
            }
        } catch (InvalidContentException e) {
            LOG.debug("{}:{} is left alone: {}", removal.repository(), tag, e.getMessage());
        }
    }

    /**
     * Takes note that the file names nothing of it any more, but for what is in doubt, which stays; returns the
     * manifests whose files can go.
     */
    List<Digest> areWritten() {
        List<Digest> files = List.copyOf(hidden);
        untold.putAll(doubts);
        unwritten.clear();
        hidden.clear();
        doubts.clear();
        return files;
    }

    /** Forgets what a run that has ended had no more need of. */
    void ended(Object run) {
        released.remove(run);
    }

    void clear() {
        areWritten();
        released.clear();
        untold.clear();
    }
}
