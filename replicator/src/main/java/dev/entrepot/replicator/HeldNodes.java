package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What of the manifests under tags that are to be deleted stays, because it hangs on something that stays: as a
 * referrer of it, as a child of an index, or because a cosign tag or a fallback tag says so, whoever wrote that. What
 * rules know of the tags that stay does not have it: their record may be older, and of tags that belong to a digest
 * there is none. What another tag has left over as well stays for the grace time of that, as what lists it does. For
 * one use, by one thread.
 *
 * <p>Found out once for all tags that are to be deleted: each manifest under them is read (once per run, as it never
 * changes), and each tag that belongs to a digest ({@link AttachedTags}). Only what was not there then is looked at
 * later.
 */
final class HeldNodes {
    private static final int READS = 8;

    private final PrunedRepository repository;
    private final TagNeeds needs;
    private final List<CompletedTag> due;
    private final AttachedTags attached;
    private final Set<Digest> nodes = new LinkedHashSet<>();
    // By their fallback tags, from which those of cosign differ by what follows.
    private final Map<Tag, Digest> byTag = new HashMap<>();
    // What hangs on each, and on what each hangs.
    private final Map<Digest, Set<Digest>> dependents = new HashMap<>();
    private final Map<Digest, Set<Digest>> holders = new HashMap<>();
    // Subjects that are under none of these tags, and which the target has.
    private final Set<Digest> outside = new HashSet<>();
    private final Set<Digest> held = new HashSet<>();
    // Of these tags, and left over of other ones too, not long ago.
    private final Set<Digest> lately = new HashSet<>();
    private final Set<Digest> unreadable = new HashSet<>();
    private final Map<Digest, OutageException> unanswered = new HashMap<>();
    private final Set<Tag> seen = new HashSet<>();
    private Optional<String> obstacle = Optional.empty();
    private boolean looked;
    private int revision;
    private @Nullable IOException failed;

    /**
     * Of what is under these tags.
     *
     * @param needs what tags need that stay, which is asked before
     */
    HeldNodes(PrunedRepository repository, TagNeeds needs, List<CompletedTag> due) {
        this.repository = repository;
        this.needs = needs;
        this.due = List.copyOf(due);
        this.attached = new AttachedTags(repository);
    }

    /**
     * Looks at all, the first time, and then at what is new.
     *
     * @throws IOException if the target gives no answer; it is not asked again
     */
    void look() throws IOException {
        if (failed != null) {
            throw failed;
        }
        try {
            if (!looked) {
                readNodes();
                looked = true;
                revision = -1;
            }
            if (needs.revision() != revision) {
                revision = needs.revision();
                readTags();
                List.copyOf(dependents.keySet()).stream()
                        .filter(digest -> needs.isKept(digest) || outside.contains(digest) || held.contains(digest))
                        .forEach(this::holdBelow);
            }
        } catch (IOException e) {
            failed = e;
            throw e;
        }
    }

    /** Why nothing can be said of any; empty if it can. */
    Optional<String> obstacle() {
        return obstacle;
    }

    /** Whether something that stays holds this one. */
    boolean contains(Digest digest) {
        return held.contains(digest);
    }

    /** Whether this is left over of another tag, too, and not for as long as the grace time. */
    boolean isLeftLately(Digest digest) {
        return lately.contains(digest);
    }

    /** Whether tags of cosign name this, or fallback tags list it, for more than one digest. */
    boolean isShared(Digest digest) {
        return attached.isShared(digest);
    }

    /**
     * What of a tag's own manifests hangs on nothing that stays.
     *
     * @param own the manifests, without what is needed
     * @param all all that is under the tag
     * @param needed what other tags need
     * @throws OutageException if the target gave no answer for one of them
     */
    Set<Digest> free(Collection<Digest> own, Set<Digest> all, Predicate<Digest> needed) throws OutageException {
        for (Digest digest : own) {
            OutageException e = unanswered.get(digest);
            if (e != null) {
                throw e;
            }
        }
        boolean mixed = all.stream().anyMatch(needed.or(held::contains));
        if (mixed && own.stream().anyMatch(unreadable::contains)) {
            // Any of them may hang on what stays.
            return Set.of();
        }
        Set<Digest> free = new LinkedHashSet<>(own);
        Set<Digest> hanging = new HashSet<>();
        Predicate<Digest> stays = needed.or(hanging::contains);
        free.removeIf(held::contains);
        boolean changed = true;
        while (changed) {
            changed = free.removeIf(
                    digest -> holders.getOrDefault(digest, Set.of()).stream().anyMatch(stays) && hanging.add(digest));
        }
        return free;
    }

    /** These stay, with what hangs on them. */
    void hold(Collection<Digest> digests) {
        digests.forEach(this::hold);
    }

    private void hold(Digest digest) {
        if (nodes.contains(digest) && held.add(digest)) {
            holdBelow(digest);
        }
    }

    private void holdBelow(Digest top) {
        Deque<Digest> open = new ArrayDeque<>(Set.of(top));
        while (!open.isEmpty()) {
            dependents.getOrDefault(open.remove(), Set.of()).stream()
                    .filter(held::add)
                    .forEach(open::add);
        }
    }

    private void readNodes() throws IOException {
        for (CompletedTag tag : due) {
            nodes.add(tag.targetDigest());
            tag.nodes().forEach(node -> nodes.add(node.digest()));
        }
        nodes.removeIf(needs::isKept);
        nodes.forEach(digest -> byTag.put(digest.referrersTag(), digest));
        List<Digest> asked = List.copyOf(nodes);
        List<Look> looks = Concurrently.map(asked, READS, this::read);
        Set<Digest> subjects = new LinkedHashSet<>();
        for (int i = 0; i < asked.size(); i++) {
            Digest digest = asked.get(i);
            switch (looks.get(i)) {
                case Look.Found(ManifestEdges edges) -> {
                    edges.children().stream().filter(nodes::contains).forEach(child -> relate(digest, child));
                    edges.subject().ifPresent(subject -> {
                        relate(subject, digest);
                        subjects.add(subject);
                    });
                }
                case Look.Gone() -> {}
                case Look.Unreadable() -> unreadable.add(digest);
                case Look.Unanswered(OutageException e) -> unanswered.put(digest, e);
            }
        }
        subjects.removeIf(subject -> nodes.contains(subject) || needs.isKept(subject));
        List<Digest> others = List.copyOf(subjects);
        List<Boolean> there = Concurrently.map(others, READS, repository::mayBeThere);
        for (int i = 0; i < others.size(); i++) {
            if (there.get(i)) {
                outside.add(others.get(i));
            }
        }
        lately.addAll(repository.leftLately());
        lately.retainAll(nodes);
        hold(lately);
    }

    private sealed interface Look {
        record Found(ManifestEdges edges) implements Look {}

        record Gone() implements Look {}

        record Unreadable() implements Look {}

        record Unanswered(OutageException e) implements Look {}
    }

    private Look read(Digest digest) throws IOException {
        try {
            return repository.edges(digest).<Look>map(Look.Found::new).orElseGet(Look.Gone::new);
        } catch (OutageException e) {
            return new Look.Unanswered(e);
        } catch (RegistryException e) {
            if (PrunedRepository.isUnreadable(e)) {
                return new Look.Unreadable();
            }
            throw e;
        }
    }

    private void relate(Digest holder, Digest dependent) {
        if (!holder.equals(dependent)) {
            dependents.computeIfAbsent(holder, key -> new HashSet<>()).add(dependent);
            holders.computeIfAbsent(dependent, key -> new HashSet<>()).add(holder);
        }
    }

    private void readTags() throws IOException {
        List<Tag> fresh = needs.tags().stream().filter(seen::add).toList();
        AttachedTags.Needs read = attached.read(fresh, nodes::contains, needs::isKept);
        obstacle = obstacle.or(read::obstacle);
        read.tags().forEach((tag, named) -> {
            Set<Digest> needed = new HashSet<>(named.below());
            named.digest().filter(nodes::contains).ifPresent(needed::add);
            subjectOf(tag)
                    .ifPresentOrElse(subject -> needed.forEach(digest -> relate(subject, digest)), () -> hold(needed));
        });
    }

    // Empty if that is none of these manifests, or the tag would not go with it.
    private Optional<Digest> subjectOf(Tag tag) {
        int dot = tag.value().indexOf('.');
        Digest subject = byTag.get(dot < 0 ? tag : new Tag(tag.value().substring(0, dot)));
        return Optional.ofNullable(subject)
                .filter(digest -> dot < 0 || CosignTags.of(digest).contains(tag));
    }
}
