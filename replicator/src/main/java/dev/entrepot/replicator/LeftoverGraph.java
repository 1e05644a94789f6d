package dev.entrepot.replicator;

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
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * How the manifests that are left over in one repository hang together, as the target shows them: what each refers to,
 * lists, and is named by. For one use, by one thread.
 */
final class LeftoverGraph {
    private static final int READS = 8;

    private final PrunedRepository repository;
    private final AttachedTags attached;
    private final Map<Digest, Leftover> leftovers = new LinkedHashMap<>();
    // What those name that are there, as far as it is known.
    private final Map<Digest, ManifestEdges> edges = new HashMap<>();
    private final Set<Digest> there = new HashSet<>();
    // What of it the target has and does not give, and why.
    private final Map<Digest, String> unreadable = new HashMap<>();
    private final Map<Digest, List<Tag>> names = new HashMap<>();
    // The tags that list one otherwise than as a referrer of what they belong to.
    private final Map<Digest, Tag> listing = new HashMap<>();
    // What stays with each; and what is deleted before each: what refers to it, and indexes that name it.
    private final Map<Digest, Set<Digest>> held = new HashMap<>();
    private final Map<Digest, Set<Digest>> before = new HashMap<>();

    /** Of nothing, until something is {@link #read}. */
    LeftoverGraph(PrunedRepository repository) {
        this.repository = repository;
        this.attached = new AttachedTags(repository);
    }

    /** Who knows what one names that the target does not give. */
    interface Elsewhere {
        /** What it names, if that is known; tells why it cannot be read here. */
        Optional<ManifestEdges> edges(Leftover leftover, String obstacle) throws IOException;
    }

    /**
     * Asks the target for all of them, once.
     *
     * @param tags all tags there
     * @param known of which manifests it is known what is under them
     * @param skipped why one is not asked for, because it could not be read lately; empty for the others
     * @return why nothing can be said of any of them, if so
     * @throws IOException if the target gives no answer
     */
    Optional<String> read(
            List<Leftover> all,
            Set<Tag> tags,
            Predicate<Digest> known,
            Function<Leftover, Optional<String>> skipped,
            Elsewhere elsewhere)
            throws IOException {
        all.forEach(leftover -> leftovers.put(leftover.digest(), leftover));
        if (leftovers.isEmpty()) {
            return Optional.empty();
        }
        AttachedTags.Needs needs = named(tags, known);
        if (needs.obstacle().isPresent()) {
            return needs.obstacle();
        }
        look(skipped, elsewhere);
        needs.tags()
                .forEach((tag, named) -> named.digest()
                        .filter(digest -> contains(digest) && !AttachedTags.isList(tag))
                        .ifPresent(digest -> names.computeIfAbsent(digest, key -> new ArrayList<>())
                                .add(tag)));
        relate();
        needs.tags().forEach(this::list);
        return Optional.empty();
    }

    private void look(Function<Leftover, Optional<String>> skipped, Elsewhere elsewhere) throws IOException {
        List<Leftover> all = List.copyOf(leftovers.values());
        List<Look> looks = Concurrently.map(all, READS, leftover -> {
            Optional<String> why = skipped.apply(leftover);
            return why.isPresent() ? new Look(Optional.empty(), why) : read(leftover.digest());
        });
        for (int i = 0; i < all.size(); i++) {
            Leftover leftover = all.get(i);
            Digest digest = leftover.digest();
            Look look = looks.get(i);
            look.edges().ifPresent(known -> edges.put(digest, known));
            if (look.obstacle().isPresent()) {
                unreadable.put(digest, look.obstacle().get());
                elsewhere.edges(leftover, look.obstacle().get()).ifPresent(known -> edges.put(digest, known));
            }
            if (look.edges().isPresent() || look.obstacle().isPresent()) {
                there.add(digest);
            }
        }
    }

    // What tags list beside what they name, but for the referrers of what a fallback tag belongs to.
    private void list(Tag tag, AttachedTags.Named named) {
        Set<Digest> listed = new HashSet<>(named.below());
        named.digest().filter(digest -> AttachedTags.isList(tag)).ifPresent(listed::add);
        for (Digest digest : listed) {
            boolean isReferrer = AttachedTags.isList(tag)
                    && subject(digest)
                            .map(Digest::referrersTag)
                            .filter(tag::equals)
                            .isPresent();
            if (contains(digest) && !isReferrer) {
                listing.put(digest, tag);
            }
        }
    }

    // What one names, if it is there and can be read; and why it cannot.
    private record Look(Optional<ManifestEdges> edges, Optional<String> obstacle) {}

    private Look read(Digest digest) throws IOException {
        try {
            return new Look(
                    Optional.of(ManifestEdges.of(
                            Manifest.parse(repository.repository().reader().fetchManifest(digest)))),
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
            edges(digest)
                    .ifPresent(named -> named.children().stream()
                            .filter(this::contains)
                            .forEach(child -> {
                                add(held, digest, child);
                                add(before, child, digest);
                            }));
        }
    }

    // What refers to another by itself, or lists some, goes before them.
    private boolean namesNone(Digest digest) {
        return edges(digest).filter(ManifestEdges::isEmpty).isPresent();
    }

    private static void add(Map<Digest, Set<Digest>> edges, Digest from, Digest to) {
        edges.computeIfAbsent(from, key -> new LinkedHashSet<>()).add(to);
    }

    private Optional<ManifestEdges> edges(Digest digest) {
        return Optional.ofNullable(edges.get(digest));
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
        return there.contains(digest);
    }

    /** Why one cannot be read, though it is there; empty if it can. */
    Optional<String> obstacle(Digest digest) {
        return Optional.ofNullable(unreadable.get(digest));
    }

    /** Whether it is known what one names, though it may be from elsewhere. */
    boolean isKnown(Digest digest) {
        return edges.containsKey(digest);
    }

    /** The tag of somebody's that lists one, if there is one, and not as a referrer of what the tag belongs to. */
    Optional<Tag> listing(Digest digest) {
        return Optional.ofNullable(listing.get(digest));
    }

    /** The cosign tags that named one, in their order. */
    List<Tag> names(Digest digest) {
        return names.getOrDefault(digest, List.of());
    }

    /**
     * What of these those among some tags need that belong to a digest.
     *
     * @param known of which manifests it is known what is under them
     * @throws IOException if the target gives no answer
     */
    AttachedTags.Needs named(Set<Tag> among, Predicate<Digest> known) throws IOException {
        return attached.read(among, this::contains, known);
    }

    /** Whether tags of cosign name this, or fallback tags list it, for more than one digest. */
    boolean isShared(Digest digest) {
        return attached.isShared(digest);
    }

    /** What one refers to by itself. */
    Optional<Digest> subject(Digest digest) {
        return edges(digest).flatMap(ManifestEdges::subject);
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

    /**
     * All of them, each after what is to be gone before.
     *
     * @param last which come after all others, with what goes after them
     */
    List<Leftover> inOrder(Predicate<Digest> last) {
        Set<Digest> ordered = new LinkedHashSet<>();
        Set<Digest> visited = new HashSet<>();
        leftovers.keySet().forEach(digest -> order(digest, visited, ordered));
        List<Leftover> first = new ArrayList<>();
        List<Leftover> rest = new ArrayList<>();
        Set<Digest> late = new HashSet<>();
        for (Digest digest : ordered) {
            boolean isLate = last.test(digest) || before(digest).stream().anyMatch(late::contains);
            if (isLate) {
                late.add(digest);
            }
            Optional.ofNullable(leftovers.get(digest)).ifPresent(isLate ? rest::add : first::add);
        }
        first.addAll(rest);
        return first;
    }

    // As deep as the graphs that were copied.
    private void order(Digest digest, Set<Digest> visited, Set<Digest> ordered) {
        if (visited.add(digest)) {
            before(digest).forEach(other -> order(other, visited, ordered));
            ordered.add(digest);
        }
    }
}
