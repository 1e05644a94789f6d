package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
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
import java.util.Set;

/** What the manifests that the index of a layout names refer to. Not safe for several threads; the store has a lock. */
final class LayoutGraph {
    private final LayoutStore store;
    private final Map<Digest, Map<Digest, Descriptor>> referrers = new HashMap<>();
    private final Map<Digest, List<Digest>> children = new HashMap<>();
    private final Map<Digest, Digest> subjects = new HashMap<>();
    private final Map<Digest, Set<Digest>> parents = new HashMap<>();
    private boolean parentsKnown;
    // What they refer to is not known until they are put in once more.
    private final Set<Digest> damaged = new LinkedHashSet<>();

    LayoutGraph(LayoutStore store) {
        this.store = store;
    }

    /** What is there by digest. */
    interface Content {
        /** The bytes under a digest, if they can be a manifest. */
        Optional<ManifestBytes> of(Digest digest) throws IOException;
    }

    // Anything may be in a layout; what is no manifest names nothing.
    private static Optional<Manifest> parsed(ManifestBytes bytes) {
        try {
            return Optional.of(Manifest.parse(bytes));
        } catch (InvalidContentException e) {
            return Optional.empty();
        }
    }

    /** Reads the manifests of an index. */
    void read(LayoutIndex index, Content content) throws IOException {
        for (Digest digest : index.manifests()) {
            try {
                content.of(digest).ifPresent(this::note);
            } catch (InvalidContentException e) {
                damaged.add(digest);
            }
        }
    }

    /** Takes note of a manifest that is there: it may be a referrer. */
    void note(ManifestBytes bytes) {
        damaged.remove(bytes.digest());
        Optional<Manifest> parsed = parsed(bytes);
        parsed.ifPresent(manifest -> noteChildren(bytes.digest(), digests(manifest)));
        if (parsed.flatMap(Manifest::subject).isPresent()) {
            Manifest manifest = parsed.get();
            Digest referred = manifest.subject().get().digest();
            subjects.put(bytes.digest(), referred);
            referrers
                    .computeIfAbsent(referred, subject -> new LinkedHashMap<>())
                    .put(
                            bytes.digest(),
                            bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()));
        }
    }

    /** Takes note that a manifest goes. */
    void forget(Digest manifest) {
        damaged.remove(manifest);
        Optional.ofNullable(subjects.remove(manifest)).map(referrers::get).ifPresent(known -> known.remove(manifest));
    }

    /**
     * Refuses what can only be said when every manifest of the index is readable.
     *
     * @throws InvalidContentException if one is not what its digest says
     */
    void requireWhole() throws IOException {
        for (Digest digest : List.copyOf(damaged)) {
            try {
                store.manifestBytes(digest).ifPresent(this::note);
                damaged.remove(digest);
            } catch (InvalidContentException e) {
                throw new InvalidContentException(
                        store.place() + ": " + e.getMessage()
                                + "; copy into it once more the image that it is of, or delete the file of that digest",
                        e);
            }
        }
    }

    /** The referrers of a subject, as far as manifests are readable. */
    List<Descriptor> referrers(Digest subject) {
        return new ArrayList<>(referrers.getOrDefault(subject, Map.of()).values());
    }

    /**
     * The manifests that are held: those that have a name, and those that another tool put there without one and that
     * refer to nothing; the children of those, and the referrers of all of them.
     *
     * @throws InvalidContentException if a manifest is not readable
     */
    Set<Digest> held(LayoutIndex index) throws IOException {
        requireWhole();
        Set<Digest> held = new LinkedHashSet<>();
        Deque<Digest> pending = new ArrayDeque<>(index.named());
        index.untagged().stream()
                .filter(digest -> !subjects.containsKey(digest))
                .forEach(pending::add);
        while (!pending.isEmpty()) {
            Digest next = pending.remove();
            // An index of which only some platforms were copied names manifests that are not there.
            if (!held.contains(next) && store.size(next).isPresent()) {
                held.add(next);
                pending.addAll(children(next));
                pending.addAll(referrers.getOrDefault(next, Map.of()).keySet());
            }
        }
        return held;
    }

    /**
     * Whether a manifest is one of {@link #held(LayoutIndex)}. What holds it is looked for upwards, so that deleting
     * one after another does not walk all for each.
     *
     * @throws InvalidContentException if a manifest is not readable
     */
    boolean isHeld(LayoutIndex index, Digest manifest) throws IOException {
        requireWhole();
        learnParents(index);
        Set<Digest> seen = new HashSet<>();
        Deque<Digest> pending = new ArrayDeque<>(List.of(manifest));
        while (!pending.isEmpty()) {
            Digest next = pending.remove();
            if (seen.add(next) && store.size(next).isPresent()) {
                if (index.isNamed(next) || index.isUntagged(next) && !subjects.containsKey(next)) {
                    return true;
                }
                pending.addAll(parents.getOrDefault(next, Set.of()));
                Optional.ofNullable(subjects.get(next)).ifPresent(pending::add);
            }
        }
        return false;
    }

    private void learnParents(LayoutIndex index) throws IOException {
        if (!parentsKnown) {
            for (Digest held : held(index)) {
                children(held);
            }
            parentsKnown = true;
        }
    }

    private void noteChildren(Digest parent, List<Digest> below) {
        children.put(parent, below);
        for (Digest child : below) {
            parents.computeIfAbsent(child, digest -> new HashSet<>()).add(parent);
        }
    }

    private static List<Digest> digests(Manifest manifest) {
        return manifest.manifests().stream().map(Descriptor::digest).toList();
    }

    /**
     * The manifests without a name that refer to something that is not there: another tool may have put them there by
     * themselves.
     */
    Set<Digest> alone(LayoutIndex index) throws IOException {
        Set<Digest> alone = new HashSet<>();
        for (Map.Entry<Digest, Map<Digest, Descriptor>> subject : referrers.entrySet()) {
            if (store.size(subject.getKey()).isEmpty()) {
                alone.addAll(subject.getValue().keySet());
            }
        }
        alone.retainAll(index.untagged());
        return alone;
    }

    private List<Digest> children(Digest manifest) throws IOException {
        if (!children.containsKey(manifest)) {
            noteChildren(manifest, manifest(manifest).map(LayoutGraph::digests).orElse(List.of()));
        }
        return children.getOrDefault(manifest, List.of());
    }

    /**
     * What is there under a digest, if it is a manifest; another tool may have put anything there.
     *
     * @throws InvalidContentException if it is not what its name says
     */
    Optional<Manifest> manifest(Digest digest) throws IOException {
        return store.manifestBytes(digest).flatMap(LayoutGraph::parsed);
    }
}
