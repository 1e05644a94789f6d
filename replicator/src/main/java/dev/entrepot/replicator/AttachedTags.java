package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What tags that belong to a digest by their form name in one repository of a target: cosign's, and the fallback tags
 * with what they list. Anybody may have written them, about an image that stays. Each costs one request: a HEAD of a
 * cosign tag, a GET of a fallback tag, as what it lists is its content; one more for each index behind them of which no
 * rule knows what is under it. For one thread.
 */
final class AttachedTags {
    private static final int ASKED_AT_ONCE = 128;

    private final PrunedRepository repository;
    // By what the tags of cosign name and fallback tags list, of which digests they tell.
    private final Map<Digest, Set<String>> stems = new HashMap<>();

    AttachedTags(PrunedRepository repository) {
        this.repository = repository;
    }

    /** Whether a tag is one of those. Backups of them are tags as any other. */
    static boolean includes(Tag tag) {
        return CosignTags.isAttached(tag) && !ImagePlan.Backup.mayBe(tag);
    }

    /** Whether it is the fallback tag of a digest, and no tag of cosign. */
    static boolean isList(Tag tag) {
        return tag.value().indexOf('.') < 0;
    }

    /**
     * What one of them needs.
     *
     * @param digest what it names; empty if it names nothing any more
     * @param below what that lists, at any depth, as far as it was asked for
     */
    record Named(Optional<Digest> digest, Set<Digest> below) {
        private static final Named NOTHING = new Named(Optional.empty(), Set.of());
    }

    /**
     * What all of them need.
     *
     * @param tags each, in their order
     * @param obstacle why that is not known of one; all may be needed then
     */
    record Needs(Map<Tag, Named> tags, Optional<String> obstacle) {}

    /**
     * Asks for what these need.
     *
     * @param matters of which manifests it is to be known
     * @param known of which manifests it is known what is under them
     * @throws IOException if the target gives no answer
     */
    Needs read(Collection<Tag> tags, Predicate<Digest> matters, Predicate<Digest> known) throws IOException {
        List<Tag> asked = tags.stream().filter(AttachedTags::includes).sorted().toList();
        List<Answer> answers = Concurrently.map(asked, ASKED_AT_ONCE, tag -> ask(tag, matters, known));
        Map<Tag, Named> named = new LinkedHashMap<>();
        Optional<String> obstacle = Optional.empty();
        for (int i = 0; i < asked.size(); i++) {
            switch (answers.get(i)) {
                case Answer.Read(Named read, Set<Digest> told) -> {
                    named.put(asked.get(i), read);
                    note(asked.get(i), told);
                }
                case Answer.Unreadable(String why) -> obstacle = obstacle.or(() -> Optional.of(why));
            }
        }
        return new Needs(named, obstacle);
    }

    private void note(Tag tag, Set<Digest> told) {
        String stem =
                isList(tag) ? tag.value() : tag.value().substring(0, tag.value().indexOf('.'));
        told.forEach(
                digest -> stems.computeIfAbsent(digest, key -> new HashSet<>(2)).add(stem));
    }

    /** Whether the tags that were read name this, or list it, for more than one digest. */
    boolean isShared(Digest digest) {
        return stems.getOrDefault(digest, Set.of()).size() > 1;
    }

    private sealed interface Answer {
        /** With what the tag says of the digest that it belongs to: what one of cosign names, or a list has in it. */
        record Read(Named named, Set<Digest> told) implements Answer {}

        record Unreadable(String why) implements Answer {}
    }

    private Answer ask(Tag tag, Predicate<Digest> matters, Predicate<Digest> known) throws IOException {
        try {
            return isList(tag) ? list(tag, matters, known) : named(tag, matters, known);
        } catch (NotFoundException e) {
            return new Answer.Read(Named.NOTHING, Set.of());
        } catch (RegistryException e) {
            if (!PrunedRepository.isUnreadable(e)) {
                throw e;
            }
            return new Answer.Unreadable("what the tag " + tag + " needs cannot be read: " + e.getMessage());
        }
    }

    private Answer list(Tag tag, Predicate<Digest> matters, Predicate<Digest> known) throws IOException {
        ManifestBytes bytes = repository.repository().reader().fetchManifest(tag);
        Set<Digest> told = new HashSet<>();
        Set<Digest> below = new HashSet<>();
        for (Descriptor listed : Manifest.parse(bytes).manifests()) {
            told.add(listed.digest());
            if (matters.test(listed.digest())) {
                below.add(listed.digest());
            } else if (ManifestEdges.mayList(listed)) {
                below.addAll(below(listed.digest(), matters, known));
            }
        }
        return new Answer.Read(new Named(Optional.of(bytes.digest()), below), told);
    }

    private Answer named(Tag tag, Predicate<Digest> matters, Predicate<Digest> known) throws IOException {
        Optional<Descriptor> there = repository.repository().reader().resolve(tag);
        Optional<Digest> digest = there.map(Descriptor::digest);
        return new Answer.Read(
                new Named(
                        digest,
                        there.isPresent() && ManifestEdges.mayList(there.get())
                                ? below(there.get().digest(), matters, known)
                                : Set.of()),
                digest.map(Set::of).orElse(Set.of()));
    }

    // What is under what matters is found by those for whom it does.
    private Set<Digest> below(Digest top, Predicate<Digest> matters, Predicate<Digest> known) throws IOException {
        Set<Digest> below = new HashSet<>();
        Set<Digest> visited = new HashSet<>(Set.of(top));
        Deque<Digest> open = new ArrayDeque<>(Set.of(top));
        while (!open.isEmpty()) {
            Digest digest = open.remove();
            if (matters.test(digest) || known.test(digest)) {
                continue;
            }
            Optional<ManifestEdges> edges = repository.edges(digest);
            if (edges.isPresent()) {
                edges.get().children().stream().filter(matters).forEach(below::add);
                edges.get().lists().stream().filter(visited::add).forEach(open::add);
            }
        }
        return below;
    }
}
