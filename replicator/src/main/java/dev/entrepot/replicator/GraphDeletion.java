package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.TagNeeds.Needed;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Deletes tags of one repository at one target, and under each what nothing else there needs; or says beforehand what
 * that would be. For one use, by one thread, which has claimed the repository if anything is deleted.
 *
 * <p>The tag goes first, so that it never names less than its graph. Registries that delete no tags (distribution
 * before version 3) lose it with the manifest that it names, and keep it where something else needs that. The manifests
 * and their referrers go as far as no other tag can need them: what the journal lists under other tags stays, also
 * under those that go next, and everything stays if there are tags that this process did not bring or that are not
 * where it brought them, or cannot be read. What hangs on something that stays, stays ({@link HeldNodes}). A backup
 * tag, which says itself what it names, stays, with what the target shows to be under it. What the target does not
 * delete keeps what is under it and what it refers to ({@link NodeDeletion}); that is left over from then on, as the
 * tag is gone, and no failure.
 */
final class GraphDeletion {
    private final TargetSession session;
    private final PrunedRepository repository;
    private final TagNeeds needs;
    private final HeldNodes held;

    /**
     * In this repository.
     *
     * @param due the tags that are to be deleted, all of them and no others: what else there is keeps what it needs
     */
    GraphDeletion(TargetSession session, PrunedRepository repository, List<CompletedTag> due) {
        this.session = session;
        this.repository = repository;
        this.needs = new TagNeeds(
                session,
                repository,
                due.stream().collect(Collectors.toMap(CompletedTag::tag, CompletedTag::targetDigest)));
        this.held = new HeldNodes(repository, needs, due);
    }

    /**
     * Tags in an order in which they can be deleted where that takes the manifest with it: each before what is under it
     * and has a tag of its own, which would be gone while it is still named otherwise.
     */
    static List<CompletedTag> inOrder(List<CompletedTag> due) {
        Map<Digest, List<CompletedTag>> byRoot =
                due.stream().collect(Collectors.groupingBy(CompletedTag::targetDigest));
        Map<Digest, Set<Digest>> above = new HashMap<>();
        for (CompletedTag tag : due) {
            for (Digest below : tag.digests()) {
                if (byRoot.containsKey(below) && !below.equals(tag.targetDigest())) {
                    above.computeIfAbsent(below, key -> new LinkedHashSet<>()).add(tag.targetDigest());
                }
            }
        }
        Set<Digest> ordered = new LinkedHashSet<>();
        Set<Digest> visited = new HashSet<>();
        due.forEach(tag -> order(tag.targetDigest(), above, visited, ordered));
        return ordered.stream()
                .flatMap(root -> byRoot.getOrDefault(root, List.of()).stream())
                .toList();
    }

    // As deep as graphs are.
    private static void order(Digest root, Map<Digest, Set<Digest>> above, Set<Digest> visited, Set<Digest> ordered) {
        if (visited.add(root)) {
            above.getOrDefault(root, Set.of()).forEach(other -> order(other, above, visited, ordered));
            ordered.add(root);
        }
    }

    /** What becomes of what the journal knows of a tag. */
    enum Known {
        /** It stays: something is still to be done. */
        KEPT,
        /** It is forgotten: nothing is left. */
        FORGOTTEN,
        /** The tag is forgotten; its manifests are left over. */
        LEFT
    }

    /** What came of one tag. */
    record Outcome(ItemReport.State state, String reason, Known known) {
        private static Outcome pruned(String reason) {
            return new Outcome(ItemReport.State.PRUNED, reason, Known.FORGOTTEN);
        }

        private static Outcome left(String reason) {
            return new Outcome(ItemReport.State.PRUNED, reason, Known.LEFT);
        }

        private static Outcome stays(String reason) {
            return new Outcome(ItemReport.State.SKIPPED, reason, Known.KEPT);
        }
    }

    /**
     * What the deletion of a tag would be, after those that were asked for before. Changes nothing. Whether the target
     * deletes tags shows only when it is asked to.
     *
     * @param why why it is to be deleted
     * @throws IOException if the target gives no answer
     */
    PruneStep foresee(CompletedTag gone, String why) throws IOException {
        String tag = gone.tag().value();
        Optional<Digest> there = repository.named(gone.tag());
        Optional<String> elsewhere = elsewhere(gone, there);
        if (elsewhere.isPresent()) {
            return PruneStep.keep(repository.name(), tag, elsewhere.get());
        }
        try {
            needs.tags();
            Optional<Needed> needed = needs.without(gone.tag());
            Optional<String> obstacle = obstacle(gone, there.isPresent(), needed);
            PruneStep step = obstacle.isPresent()
                    ? PruneStep.delete(repository.name(), tag, why + "; the tag only: " + obstacle.get(), List.of())
                    : PruneStep.delete(
                            repository.name(),
                            tag,
                            why,
                            List.copyOf(going(gone, needed.orElseThrow().byAny())));
            needs.forget(gone.tag());
            return step;
        } catch (NotFoundException e) {
            return PruneStep.keep(repository.name(), tag, PrunedRepository.noList(e));
        } catch (RefusedException e) {
            return PruneStep.delete(
                    repository.name(),
                    tag,
                    why + "; the tag only: the target refuses to list its tags: " + e.getMessage(),
                    List.of());
        }
    }

    /**
     * Deletes a tag and what only it needs. After a failure it can be done again, and does what is left.
     *
     * @param foreseen the manifests that may be deleted
     * @throws RefusedException if the target deletes nothing
     * @throws IOException if the target gives no answer
     */
    Outcome delete(CompletedTag gone, Set<Digest> foreseen) throws IOException {
        try {
            Optional<Digest> there = repository.resolve(gone.tag());
            Optional<String> elsewhere = elsewhere(gone, there);
            if (elsewhere.isPresent()) {
                needs.moved(gone.tag());
                return new Outcome(ItemReport.State.SKIPPED, elsewhere.get(), Known.LEFT);
            }
            Outcome outcome = delete(gone, there.isPresent(), foreseen);
            if (outcome.known() == Known.KEPT) {
                needs.stays(gone.tag());
            } else {
                needs.forget(gone.tag());
            }
            return outcome;
        } catch (IOException e) {
            needs.stays(gone.tag());
            throw e;
        }
    }

    /** A tag that is due is not deleted now, and needs what is under it as any other that stays. */
    void leaveOut(CompletedTag due) {
        needs.stays(due.tag());
    }

    private static Optional<String> elsewhere(CompletedTag gone, Optional<Digest> there) {
        return there.filter(digest -> !digest.equals(gone.targetDigest()))
                .map(digest -> "left alone: at the target it is at " + digest + " now, which this rule did not bring");
    }

    private Outcome delete(CompletedTag gone, boolean tagged, Set<Digest> foreseen) throws IOException {
        lookBefore(gone.tag());
        // Asked before anything is deleted: if there is no answer, the next run begins anew.
        Set<Tag> tags;
        try {
            tags = needs.renewed();
        } catch (NotFoundException e) {
            if (tagged) {
                throw e;
            }
            return Outcome.stays(PrunedRepository.noList(e));
        } catch (RefusedException e) {
            return onlyTag(gone, tagged, "the target refuses to list its tags: " + e.getMessage());
        }
        Optional<Needed> needed = needs.without(gone.tag());
        Optional<String> unknown = obstacle(gone, tagged, needed);
        if (unknown.isPresent()) {
            return onlyTag(gone, tagged, unknown.get());
        }
        Set<Digest> going = going(gone, needed.orElseThrow().byAny());
        // What the plan did not know to go stays, and with it what hangs on it.
        held.hold(going.stream().filter(digest -> !foreseen.contains(digest)).toList());
        Untagged untagged = tagged ? untag(gone, needAgainst(gone, needed.get(), going, foreseen)) : Untagged.DONE;
        return untagged.obstacle().isPresent()
                ? Outcome.stays(untagged.obstacle().get())
                : deleteNodes(gone, tagged, untagged, tags, needed.get().byAny(), going, foreseen);
    }

    private Outcome onlyTag(CompletedTag gone, boolean tagged, String why) throws IOException {
        Untagged untagged = tagged
                ? untag(gone, Optional.of(why + ", and may need the same manifest; delete the tag there by hand"))
                : Untagged.DONE;
        return untagged.obstacle().map(Outcome::stays).orElseGet(() -> Outcome.left("the tag only: " + why));
    }

    // It takes its time, in which the list of tags would grow old.
    private void lookBefore(Tag tag) throws IOException {
        try {
            needs.tags();
        } catch (RegistryException e) {
            // Said once more by who asks for them again.
            return;
        }
        if (needs.without(tag).isPresent()) {
            held.look();
        }
    }

    // Why it is not known what may go with a tag.
    private Optional<String> obstacle(CompletedTag gone, boolean tagged, Optional<Needed> needed) throws IOException {
        if (needed.isEmpty()) {
            return Optional.of(PrunedRepository.UNKNOWN_TAGS);
        }
        if (tagged && !needs.tags().contains(gone.tag())) {
            return Optional.of("the target has the tag and does not list it, and may not list others");
        }
        held.look();
        return held.obstacle();
    }

    // Why the manifest that a tag names cannot go to be rid of the tag.
    private Optional<String> needAgainst(CompletedTag gone, Needed needed, Set<Digest> going, Set<Digest> foreseen) {
        Digest root = gone.targetDigest();
        if (needed.byKept().test(root)) {
            return Optional.of(root + " is needed by another tag; the tag goes when that one goes, or by hand");
        }
        if (!foreseen.contains(root) && (going.contains(root) || needed.byAny().test(root))) {
            return Optional.of("the plan did not know that " + root + " could go; it is left for the next run");
        }
        if (held.contains(root) || !needed.byAny().test(root) && !going.contains(root)) {
            return Optional.of(root + " belongs to something that stays; the tag goes when that is gone, or by hand");
        }
        return Optional.empty();
    }

    // What came of a tag: why it is there still, or that it is gone, and whether its manifest went with it.
    private record Untagged(Optional<String> obstacle, boolean withManifest) {
        private static final Untagged DONE = new Untagged(Optional.empty(), false);

        private static Untagged not(String why) {
            return new Untagged(Optional.of(why), false);
        }
    }

    /**
     * Deletes a tag, if need be with the manifest that it names.
     *
     * @param against why the manifest must not go
     */
    private Untagged untag(CompletedTag gone, Optional<String> against) throws IOException {
        if (repository.deleteTag(gone.tag())) {
            return Untagged.DONE;
        }
        String what = session.name() + " deletes no tags, only manifests, and ";
        if (against.isPresent()) {
            return Untagged.not(what + against.get());
        }
        boolean deleted = repository.delete(gone.targetDigest());
        return repository.resolve(gone.tag()).isPresent()
                ? Untagged.not(what + "kept the tag although its manifest is deleted; delete it there by hand")
                : new Untagged(Optional.empty(), deleted);
    }

    // Leaves before roots.
    private static List<Digest> nodes(CompletedTag gone, Predicate<Digest> needed) {
        LinkedHashSet<Digest> nodes = new LinkedHashSet<>();
        gone.nodes().reversed().forEach(node -> nodes.add(node.digest()));
        if (!nodes.contains(gone.targetDigest())) {
            // A trimmed index, which is above all of it.
            nodes.addFirst(gone.targetDigest());
        }
        nodes.removeIf(needed);
        return List.copyOf(nodes);
    }

    // Without what is attached to something that stays: another tag's record may be older than that. Whether the source
    // has withdrawn it is another question.
    private Set<Digest> going(CompletedTag gone, Predicate<Digest> needed) throws IOException {
        List<Digest> nodes = nodes(gone, needed);
        Set<Digest> going = held.free(nodes, gone.digests(), needed);
        // What hangs on what stays is under other tags as well.
        held.hold(nodes.stream().filter(digest -> !going.contains(digest)).toList());
        return going;
    }

    private Outcome deleteNodes(
            CompletedTag gone,
            boolean tagged,
            Untagged untagged,
            Set<Tag> tags,
            Predicate<Digest> needed,
            Set<Digest> going,
            Set<Digest> foreseen)
            throws IOException {
        Set<Digest> attached = new LinkedHashSet<>(nodes(gone, needed));
        attached.removeAll(going);
        Set<Digest> nodes = new LinkedHashSet<>(going);
        nodes.retainAll(foreseen);
        nodes.removeIf(held::contains);
        // What is listed goes by itself, or stays.
        NodeDeletion.Result manifests = new NodeDeletion(
                        session,
                        repository,
                        tags,
                        needed.or(attached::contains)
                                .or(going::contains)
                                .or(held::contains)
                                .or(held::isShared))
                .delete(nodes, untagged.withManifest() ? Set.of(gone.targetDigest()) : Set.of());
        if (!session.registry().isAtHand()) {
            held.hold(manifests.staying());
        }
        String what = (tagged ? "the tag and " : "the target no longer had the tag; ") + manifests.text();
        long lately = attached.stream().filter(held::isLeftLately).count();
        if (lately > 0) {
            what += "; " + lately + " left over of another tag, too, for less than the grace time, stay as long again";
        }
        if (attached.size() > lately) {
            what += "; " + (attached.size() - lately)
                    + " attached to what other tags name, as far as that can be read, stay until the source withdraws"
                    + " them";
        }
        int unforeseen = going.size() - nodes.size();
        if (unforeseen > 0) {
            what += "; " + unforeseen + " of which the plan did not know that they could go, with what is under them,"
                    + " are left over";
        }
        // What holds some of them may be none that any rule knows to need them.
        return attached.isEmpty() && manifests.isAll() && unforeseen == 0 ? Outcome.pruned(what) : Outcome.left(what);
    }
}
