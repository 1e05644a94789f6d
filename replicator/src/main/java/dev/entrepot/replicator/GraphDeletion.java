package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.TagNeeds.Needed;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
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
 * where it brought them. A backup tag, which says itself what it names, stays, with what the target shows to be under
 * it. What the target does not delete keeps what is under it and what it refers to ({@link NodeDeletion}); that is left
 * over from then on, as the tag is gone, and no failure.
 */
final class GraphDeletion {
    private final TargetSession session;
    private final PrunedRepository repository;
    private final TagNeeds needs;

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
            Set<Tag> tags = needs.tags();
            Optional<Needed> needed = needs.without(gone.tag());
            PruneStep step = needed.isEmpty()
                    ? PruneStep.delete(
                            repository.name(), tag, why + "; the tag only: " + PrunedRepository.UNKNOWN_TAGS, List.of())
                    : PruneStep.delete(
                            repository.name(),
                            tag,
                            why,
                            List.copyOf(going(gone, tags, needed.get().byAny())));
            needs.forget(gone.tag());
            return step;
        } catch (NotFoundException e) {
            return PruneStep.delete(
                    repository.name(), tag, why + "; the target no longer has the repository", List.of());
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
        Optional<Digest> there = repository.resolve(gone.tag());
        Optional<String> elsewhere = elsewhere(gone, there);
        if (elsewhere.isPresent()) {
            needs.moved(gone.tag());
            return new Outcome(ItemReport.State.SKIPPED, elsewhere.get(), Known.LEFT);
        }
        Outcome outcome = delete(gone, there.isPresent(), foreseen);
        if (outcome.known() != Known.KEPT) {
            needs.forget(gone.tag());
        }
        return outcome;
    }

    private static Optional<String> elsewhere(CompletedTag gone, Optional<Digest> there) {
        return there.filter(digest -> !digest.equals(gone.targetDigest()))
                .map(digest -> "left alone: at the target it is at " + digest + " now, which this rule did not bring");
    }

    private Outcome delete(CompletedTag gone, boolean tagged, Set<Digest> foreseen) throws IOException {
        // Asked before anything is deleted: if there is no answer, the next run begins anew.
        Set<Tag> tags;
        try {
            tags = needs.renewed();
        } catch (NotFoundException e) {
            if (tagged) {
                throw e;
            }
            return Outcome.pruned("the target no longer has the repository");
        } catch (RefusedException e) {
            Optional<String> obstacle = tagged ? untag(gone, Optional.empty()) : Optional.empty();
            return obstacle.map(Outcome::stays)
                    .orElseGet(
                            () -> Outcome.left("the tag only: the target refuses to list its tags: " + e.getMessage()));
        }
        Optional<Needed> needed = needs.without(gone.tag());
        Set<Digest> going = needed.isPresent() ? going(gone, tags, needed.get().byAny()) : Set.of();
        Optional<String> obstacle = tagged ? untag(gone, needed) : Optional.empty();
        if (obstacle.isPresent()) {
            return Outcome.stays(obstacle.get());
        }
        if (needed.isEmpty()) {
            return Outcome.left("the tag only: " + PrunedRepository.UNKNOWN_TAGS);
        }
        // Read before anything is deleted that says what they are attached to.
        return deleteNodes(gone, tagged, tags, needed.get().byAny(), going, foreseen);
    }

    /** Deletes a tag; empty if it is gone, else why not. */
    private Optional<String> untag(CompletedTag gone, Optional<Needed> needed) throws IOException {
        if (repository.deleteTag(gone.tag())) {
            return Optional.empty();
        }
        String what = session.name() + " deletes no tags, only manifests, and ";
        if (needed.isEmpty()) {
            return Optional.of(
                    what + repository.name() + " has tags that were not brought by this process, or moved since,"
                            + " and may name the same manifest; delete the tag there by hand");
        }
        if (needed.get().byKept().test(gone.targetDigest())) {
            return Optional.of(what + gone.targetDigest()
                    + " is needed by another tag; the tag goes when that one goes, or by hand");
        }
        repository.delete(gone.targetDigest());
        return repository.resolve(gone.tag()).isPresent()
                ? Optional.of(what + "kept the tag although its manifest is deleted; delete it there by hand")
                : Optional.empty();
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
    private Set<Digest> going(CompletedTag gone, Set<Tag> tags, Predicate<Digest> needed) throws IOException {
        Set<Digest> going = new LinkedHashSet<>(nodes(gone, needed));
        boolean allGo = gone.digests().stream().noneMatch(needed);
        if (allGo) {
            return going;
        }
        Optional<Map<Digest, Set<Digest>>> known = repository.holders(going, gone.digests(), tags);
        if (known.isEmpty()) {
            // Any of them may hang on what stays.
            return Set.of();
        }
        Map<Digest, Set<Digest>> holders = known.get();
        Set<Digest> attached = new HashSet<>();
        Predicate<Digest> stays = needed.or(attached::contains);
        boolean changed = true;
        while (changed) {
            changed = going.removeIf(
                    digest -> holders.getOrDefault(digest, Set.of()).stream().anyMatch(stays) && attached.add(digest));
        }
        return going;
    }

    private Outcome deleteNodes(
            CompletedTag gone,
            boolean tagged,
            Set<Tag> tags,
            Predicate<Digest> needed,
            Set<Digest> going,
            Set<Digest> foreseen)
            throws IOException {
        Set<Digest> attached = new LinkedHashSet<>(nodes(gone, needed));
        attached.removeAll(going);
        Set<Digest> nodes = new LinkedHashSet<>(going);
        nodes.retainAll(foreseen);
        // What is listed goes by itself, or stays.
        NodeDeletion.Result manifests = new NodeDeletion(
                        session, repository, tags, needed.or(attached::contains).or(going::contains))
                .delete(nodes);
        String what = (tagged ? "the tag and " : "the target no longer had the tag; ") + manifests.text();
        if (!attached.isEmpty()) {
            what += "; " + attached.size()
                    + " attached to what other tags name, as far as that can be read, stay until the source withdraws"
                    + " them";
        }
        int unforeseen = (int)
                going.stream().filter(digest -> !foreseen.contains(digest)).count();
        if (unforeseen > 0) {
            what += "; " + unforeseen + " of which the plan did not know that they could go are left over";
        }
        // What holds some of them may be none that any rule knows to need them.
        return attached.isEmpty() && manifests.isAll() && unforeseen == 0 ? Outcome.pruned(what) : Outcome.left(what);
    }
}
