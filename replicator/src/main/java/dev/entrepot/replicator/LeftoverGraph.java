package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How the manifests that are left over in one repository hang together, as the target shows them: what each refers to,
 * lists, and is named by. For one use, by one thread.
 */
final class LeftoverGraph {
    private static final int READS = 8;

    private final PrunedRepository repository;
    private final Map<Digest, Leftover> leftovers = new LinkedHashMap<>();
    private final Map<Digest, Optional<Manifest>> found = new HashMap<>();
    // What of it the target has and does not give, and why.
    private final Map<Digest, String> unreadable = new HashMap<>();
    private final Map<Digest, List<Tag>> names = new HashMap<>();
    // What stays with each; and what is deleted before each: what refers to it, and indexes that name it.
    private final Map<Digest, Set<Digest>> held = new HashMap<>();
    private final Map<Digest, Set<Digest>> before = new HashMap<>();

    /** Of nothing, until something is {@link #read}. */
    LeftoverGraph(PrunedRepository repository) {
        this.repository = repository;
    }

    /**
     * Asks the target for all of them, once.
     *
     * @param tags all tags there
     * @throws IOException if the target gives no answer
     */
    void read(List<Leftover> all, Set<Tag> tags) throws IOException {
        all.forEach(leftover -> leftovers.put(leftover.digest(), leftover));
        look(tags);
        relate();
    }

    private void look(Set<Tag> tags) throws IOException {
        List<Digest> digests = List.copyOf(leftovers.keySet());
        List<Look> looks = Concurrently.map(digests, READS, this::read);
        for (int i = 0; i < digests.size(); i++) {
            Digest digest = digests.get(i);
            Look look = looks.get(i);
            found.put(digest, look.manifest());
            look.obstacle().ifPresent(obstacle -> unreadable.put(digest, obstacle));
        }
        if (digests.isEmpty()) {
            return;
        }
        named(tags)
                .forEach((tag, digest) ->
                        names.computeIfAbsent(digest, key -> new ArrayList<>()).add(tag));
    }

    // A manifest, if it is there and can be read; and why it cannot.
    private record Look(Optional<Manifest> manifest, Optional<String> obstacle) {}

    private Look read(Digest digest) throws IOException {
        try {
            return new Look(
                    Optional.of(Manifest.parse(repository.repository().reader().fetchManifest(digest))),
                    Optional.empty());
        } catch (NotFoundException e) {
            return new Look(Optional.empty(), Optional.empty());
        } catch (RegistryException e) {
            if (!PrunedRepository.isUnreadable(e)) {
                throw e;
            }
            return new Look(Optional.empty(), Optional.of("what it names cannot be read: " + e.getMessage()));
        }
    }

    private void relate() {
        for (Digest digest : leftovers.keySet()) {
            Set<Digest> subjects = new HashSet<>();
            subject(digest).ifPresent(subjects::add);
            names(digest).forEach(tag -> subjectOf(tag).ifPresent(subjects::add));
            subjects.remove(digest);
            for (Digest subject : subjects) {
                if (contains(subject)) {
                    add(held, subject, digest);
                    if (namesNone(digest)) {
                        add(before, digest, subject);
                    } else {
                        add(before, subject, digest);
                    }
                }
            }
            manifest(digest)
                    .ifPresent(manifest -> manifest.manifests().stream()
                            .map(Descriptor::digest)
                            .filter(this::contains)
                            .forEach(child -> {
                                add(held, digest, child);
                                add(before, child, digest);
                            }));
        }
    }

    // What refers to another by itself, or lists some, goes before them.
    private boolean namesNone(Digest digest) {
        return manifest(digest)
                .filter(manifest ->
                        manifest.subject().isEmpty() && manifest.manifests().isEmpty())
                .isPresent();
    }

    private static void add(Map<Digest, Set<Digest>> edges, Digest from, Digest to) {
        edges.computeIfAbsent(from, key -> new LinkedHashSet<>()).add(to);
    }

    private Optional<Manifest> manifest(Digest digest) {
        return found.getOrDefault(digest, Optional.empty());
    }

    /** All of them. */
    Collection<Leftover> leftovers() {
        return Collections.unmodifiableCollection(leftovers.values());
    }

    /** All of their digests. */
    Set<Digest> digests() {
        return Collections.unmodifiableSet(leftovers.keySet());
    }

    /** Whether this is one of them. */
    boolean contains(Digest digest) {
        return leftovers.containsKey(digest);
    }

    /** Whether the target has it. */
    boolean isThere(Digest digest) {
        return manifest(digest).isPresent() || unreadable.containsKey(digest);
    }

    /** Why what one names cannot be known, though it is there; empty if it is. */
    Optional<String> obstacle(Digest digest) {
        return Optional.ofNullable(unreadable.get(digest));
    }

    /** The cosign tags that named one, in their order. */
    List<Tag> names(Digest digest) {
        return names.getOrDefault(digest, List.of());
    }

    /**
     * Which of some tags look like tags of cosign and name one of these now.
     *
     * @throws IOException if the target gives no answer
     */
    Map<Tag, Digest> named(Set<Tag> among) throws IOException {
        List<Tag> attached = among.stream()
                .filter(tag -> CosignTags.isAttached(tag) && tag.value().indexOf('.') >= 0)
                .sorted()
                .toList();
        List<Optional<Digest>> named = Concurrently.map(attached, READS, repository::resolve);
        Map<Tag, Digest> result = new LinkedHashMap<>();
        for (int i = 0; i < attached.size(); i++) {
            Tag tag = attached.get(i);
            named.get(i).filter(this::contains).ifPresent(digest -> result.put(tag, digest));
        }
        return result;
    }

    /** What one refers to by itself. */
    Optional<Digest> subject(Digest digest) {
        return manifest(digest).flatMap(Manifest::subject).map(Descriptor::digest);
    }

    /** Of a cosign tag what it is about; backups are about nothing that goes. */
    static Optional<Digest> subjectOf(Tag tag) {
        String text = tag.value();
        int dot = text.indexOf('.');
        int dash = text.indexOf('-');
        try {
            Digest digest = Digest.parse(text.substring(0, dash) + ":" + text.substring(dash + 1, dot));
            return CosignTags.of(digest).contains(tag) ? Optional.of(digest) : Optional.empty();
        } catch (InvalidNameException e) {
            // It looks like one, and what it begins with is too short for a digest.
            return Optional.empty();
        }
    }

    /** What is to be gone before one goes. */
    Set<Digest> before(Digest digest) {
        return Collections.unmodifiableSet(before.getOrDefault(digest, Set.of()));
    }

    /**
     * Adds what stays with others: referrers with their subject, and children with their index.
     *
     * @param stays what stays, and why
     */
    void holdBelow(Map<Digest, String> stays) {
        hold(stays, false);
    }

    /**
     * As above, and subjects with what refers to them by itself.
     *
     * @param stays what stays, and why
     */
    void holdAround(Map<Digest, String> stays) {
        hold(stays, true);
    }

    private void hold(Map<Digest, String> stays, boolean subjects) {
        Deque<Digest> open = new ArrayDeque<>(stays.keySet());
        while (!open.isEmpty()) {
            Digest above = open.remove();
            for (Digest below : held.getOrDefault(above, Set.of())) {
                if (!stays.containsKey(below)) {
                    stays.put(below, "it belongs to " + above + ", which stays");
                    open.add(below);
                }
            }
            if (subjects) {
                subject(above)
                        .filter(subject -> contains(subject) && !stays.containsKey(subject))
                        .ifPresent(subject -> {
                            stays.put(subject, above + " refers to it, and stays");
                            open.add(subject);
                        });
            }
        }
    }

    /** All of them, each after what is to be gone before. */
    List<Leftover> inOrder() {
        Set<Digest> ordered = new LinkedHashSet<>();
        Set<Digest> visited = new HashSet<>();
        leftovers.keySet().forEach(digest -> order(digest, visited, ordered));
        List<Leftover> result = new ArrayList<>();
        for (Digest digest : ordered) {
            Optional.ofNullable(leftovers.get(digest)).ifPresent(result::add);
        }
        return result;
    }

    // As deep as the graphs that were copied.
    private void order(Digest digest, Set<Digest> visited, Set<Digest> ordered) {
        if (visited.add(digest)) {
            before(digest).forEach(other -> order(other, visited, ordered));
            ordered.add(digest);
        }
    }
}
