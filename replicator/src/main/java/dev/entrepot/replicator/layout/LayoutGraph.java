package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the manifests that the index of a layout names refer to. Not safe for several threads; the store has a lock. It
 * is long because what refers to what is known for those who ask upwards and for those who ask downwards, and of both
 * the rest is read when it is needed.
 */
final class LayoutGraph {
    private final LayoutManifests manifests;
    private final Map<Digest, Map<Digest, Descriptor>> referrers = new HashMap<>();
    private final Map<Digest, List<Digest>> children = new HashMap<>();
    private final Map<Digest, Digest> subjects = new HashMap<>();
    private final Map<Digest, Set<Digest>> parents = new HashMap<>();
    private final BlobHolders blobs = new BlobHolders();
    // Named by a manifest that is known, and not known themselves: what holds a manifest may do so through them. Read
    // when something is to be deleted, each once.
    private final Set<Digest> unread = new LinkedHashSet<>();
    // Of those, the ones that were not there when they were to be read.
    private final Set<Digest> absent = new HashSet<>();
    // What they refer to is not known until they are put in once more.
    private final Set<Digest> damaged = new LinkedHashSet<>();

    LayoutGraph(LayoutManifests manifests) {
        this.manifests = manifests;
    }

    // Anything may be in a layout; what is no manifest names nothing.
    private static Optional<Manifest> parsed(ManifestBytes bytes) {
        try {
            return Optional.of(Manifest.parse(bytes));
        } catch (InvalidContentException e) {
            return Optional.empty();
        }
    }

    /** Reads the manifests of an index, also those that count as gone: what goes is said of each by itself. */
    void read(LayoutIndex index) throws IOException {
        for (Digest digest : index.manifests()) {
            try {
                manifests.onDisk(digest).ifPresent(this::note);
            } catch (InvalidContentException e) {
                damaged.add(digest);
            }
        }
    }

    /** Takes note of a manifest that is there: it may be a referrer. */
    void note(ManifestBytes bytes) {
        damaged.remove(bytes.digest());
        Optional<Manifest> parsed = parsed(bytes);
        parsed.ifPresent(manifest -> noteReferences(bytes.digest(), manifest));
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

    /**
     * Takes note of content that is there now, also if it came as a blob: it may be a manifest that one names which was
     * there before it.
     */
    void arrived(Digest digest) {
        if (absent.remove(digest)) {
            unread.add(digest);
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
                manifests.find(digest).ifPresent(this::note);
                damaged.remove(digest);
            } catch (InvalidContentException e) {
                throw notWhole(e);
            }
        }
    }

    private InvalidContentException notWhole(InvalidContentException damage) {
        return new InvalidContentException(
                manifests.place() + ": " + damage.getMessage()
                        + "; copy into it once more the image that it is of, or delete the file of that digest",
                damage);
    }

    /** The referrers of a subject, as far as manifests are readable. */
    List<Descriptor> referrers(LayoutIndex index, Digest subject) throws IOException {
        List<Descriptor> found = new ArrayList<>();
        for (Descriptor known :
                List.copyOf(referrers.getOrDefault(subject, Map.of()).values())) {
            Optional<MediaType> stated = known.mediaType().equals(MediaType.OCTET_STREAM)
                    ? statedType(index, known.digest())
                    : Optional.empty();
            found.add(stated.map(type -> Descriptor.of(type, known.digest(), known.sizeBytes())
                            .asReferrer(known.artifactType(), known.annotations()))
                    .orElse(known));
        }
        return found;
    }

    /**
     * The type of a manifest as what names it states it: its entry in the index, or one that has it as a child. Empty
     * if neither does.
     */
    Optional<MediaType> statedType(LayoutIndex index, Digest manifest) throws IOException {
        Optional<MediaType> stated = index.typeOf(manifest);
        if (stated.isEmpty() && !parents.containsKey(manifest)) {
            // A child of a child: of those that no entry names nothing is read before it is needed.
            readUnread();
        }
        // In order, so that of several that differ the same counts each time.
        Iterator<Digest> above = new TreeSet<>(parents.getOrDefault(manifest, Set.of())).iterator();
        while (stated.isEmpty() && above.hasNext()) {
            stated = childType(above.next(), manifest);
        }
        return stated;
    }

    private Optional<MediaType> childType(Digest parent, Digest child) throws IOException {
        try {
            return manifest(parent).map(Manifest::manifests).orElse(List.of()).stream()
                    .filter(below -> below.digest().equals(child))
                    .map(Descriptor::mediaType)
                    .findFirst();
        } catch (InvalidContentException e) {
            // That the parent is damaged is for those to say who read it.
            return Optional.empty();
        }
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
            if (!held.contains(next) && manifests.size(next).isPresent()) {
                held.add(next);
                pending.addAll(children(next));
                pending.addAll(referrers.getOrDefault(next, Map.of()).keySet());
            }
        }
        return held;
    }

    /**
     * Whether something holds a manifest that is to be deleted: a name, an index that lists it and is held itself, a
     * manifest that names it as a blob and is held, or another tool, which put it there without a name and without a
     * subject. Its subject holds it only for others: as far as names hold that which are not of the repositories that
     * have no more need of it. What holds it is looked for upwards, so that deleting one after another does not walk
     * all for each.
     *
     * @param without the repositories that have no more need of it; they have taken their names from it
     * @throws InvalidContentException if one that is held is not readable: it may hold this one
     */
    boolean isHeld(LayoutIndex index, Digest manifest, Set<RepositoryName> without) throws IOException {
        requireWhole();
        for (Map.Entry<Digest, InvalidContentException> damage : readUnread().entrySet()) {
            if (isHeldFromAbove(index, Set.of(damage.getKey()), Set.of())) {
                throw notWhole(damage.getValue());
            }
        }
        if (manifests.size(manifest).isEmpty()) {
            return false;
        }
        Digest subject = subjects.get(manifest);
        return index.isNamed(manifest)
                || index.isUntagged(manifest) && subject == null
                || isHeldFromAbove(index, parents.getOrDefault(manifest, Set.of()), Set.of())
                // Asked of this one alone: what is a blob of something needs nothing that it names itself.
                || isHeldFromAbove(index, blobs.of(manifest), Set.of())
                || subject != null && isHeldFromAbove(index, Set.of(subject), without);
    }

    // Names of some repositories hold nothing then.
    private boolean isHeldFromAbove(LayoutIndex index, Set<Digest> from, Set<RepositoryName> without)
            throws IOException {
        Set<Digest> seen = new HashSet<>();
        Deque<Digest> pending = new ArrayDeque<>(from);
        while (!pending.isEmpty()) {
            Digest next = pending.remove();
            if (seen.add(next) && manifests.size(next).isPresent()) {
                if (index.isNamedBeyond(next, without) || index.isUntagged(next) && !subjects.containsKey(next)) {
                    return true;
                }
                pending.addAll(parents.getOrDefault(next, Set.of()));
                Optional.ofNullable(subjects.get(next)).ifPresent(pending::add);
            }
        }
        return false;
    }

    // A manifest that is put in may name one that is there already, which nobody puts in once more. Returns those that
    // are not readable; they are looked at again the next time.
    private Map<Digest, InvalidContentException> readUnread() throws IOException {
        Map<Digest, InvalidContentException> damages = new LinkedHashMap<>();
        Deque<Digest> pending = new ArrayDeque<>(unread);
        while (!pending.isEmpty()) {
            Digest next = pending.remove();
            if (!unread.contains(next) || damages.containsKey(next)) {
                continue;
            }
            try {
                if (manifests.size(next).isPresent()) {
                    pending.addAll(children(next));
                } else {
                    unread.remove(next);
                    absent.add(next);
                }
            } catch (InvalidContentException e) {
                damages.put(next, e);
            }
        }
        return damages;
    }

    private void noteReferences(Digest digest, Manifest manifest) {
        noteChildren(
                digest, manifest.manifests().stream().map(Descriptor::digest).toList());
        blobs.note(digest, manifest.blobs());
    }

    private void noteChildren(Digest parent, List<Digest> below) {
        children.put(parent, below);
        unread.remove(parent);
        absent.remove(parent);
        for (Digest child : below) {
            parents.computeIfAbsent(child, digest -> new HashSet<>()).add(parent);
            if (!children.containsKey(child) && !absent.contains(child)) {
                unread.add(child);
            }
        }
    }

    /**
     * The manifests without a name that refer to something that is not there: another tool may have put them there by
     * themselves.
     */
    Set<Digest> alone(LayoutIndex index) throws IOException {
        Set<Digest> alone = new HashSet<>();
        for (Map.Entry<Digest, Map<Digest, Descriptor>> subject : referrers.entrySet()) {
            if (manifests.size(subject.getKey()).isEmpty()) {
                alone.addAll(subject.getValue().keySet());
            }
        }
        alone.retainAll(index.untagged());
        return alone;
    }

    private List<Digest> children(Digest manifest) throws IOException {
        if (!children.containsKey(manifest)) {
            Optional<Manifest> there = manifest(manifest);
            // Content that is no manifest names nothing.
            noteChildren(manifest, List.of());
            there.ifPresent(parsed -> noteReferences(manifest, parsed));
        }
        return children.getOrDefault(manifest, List.of());
    }

    /**
     * What is there under a digest, if it is a manifest; another tool may have put anything there.
     *
     * @throws InvalidContentException if it is not what its name says
     */
    Optional<Manifest> manifest(Digest digest) throws IOException {
        return manifests.find(digest).flatMap(LayoutGraph::parsed);
    }
}
