package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides what becomes of manifests of one repository at one target that the rule brought and has under no tag any
 * more, and deletes them. For one use, by one thread.
 *
 * <p>What any tag needs stays; and what a tag names that belongs to something else. What is attached to a manifest that
 * stays goes only where the source has withdrawn it ({@link Withdrawals}); what was under or attached to something that
 * is left over goes with that, or stays with it. Referrers go before their subjects and indexes before their children,
 * so that nothing ever names what is not there, and what the target does not delete keeps what it names; what hangs on
 * an image by a tag alone goes after it, so that an image that stays is signed still. A fallback tag stops listing a
 * referrer before that is deleted, and lists it again if it stays after all. What a tag has come to need that other
 * clients put there meanwhile stays, with all that stays with it.
 *
 * <p>What the target refuses to delete stays and is no failure, as nothing lacks where it is: many registries delete
 * nothing unless they are told to. Where the first {@value #REFUSALS} are refused, and nothing has gone, no more are
 * told to go; of fewer it may be that just those are locked, which registries answer alike. Where none went because of
 * refusals, nothing that is left over is looked at for a day ({@link LeftoverPauses}), and then others come first. What
 * nobody answers is a failure, and tried again by the next run.
 *
 * <p>What the target does not give stays, with what it names, if the source knows that; else with what was under its
 * tag as long as it was. It is read again after a day.
 */
final class LeftoverDeletion {
    /** How many a target has to refuse, before anything went, for the rest not to be told to go. */
    static final int REFUSALS = 20;

    private final TargetSession session;
    private final PrunedRepository repository;
    private final boolean noting;
    private final TagNeeds needs;
    private final Set<Digest> needed = new HashSet<>();
    private final LeftoverGraph candidates;
    private final LeftoverDoubts doubts;
    private final LeftoverLists referrers;
    // Why what was to go stays after all.
    private final Map<Digest, String> kept = new HashMap<>();
    // Of that, what the target did not delete, or not yet: what is deleted after it waits for it.
    private final Set<Digest> standing = new HashSet<>();
    // What the target refused, by what it answers, in the words of the first.
    private final Map<String, String> refusals = new LinkedHashMap<>();
    private int deleted;
    private final Set<Digest> refused = new HashSet<>();
    private Set<Tag> tags = Set.of();
    private int lists;
    private @Nullable IOException unseen;

    /**
     * In this repository.
     *
     * @param noting whether to note what cannot be read, so that it is not asked for again at once
     */
    LeftoverDeletion(TargetSession session, PrunedRepository repository, Withdrawals source, boolean noting) {
        this.session = session;
        this.repository = repository;
        this.noting = noting;
        this.needs = new TagNeeds(session, repository, Map.of());
        this.candidates = new LeftoverGraph(repository);
        this.doubts = new LeftoverDoubts(session, repository, source, candidates, needed, noting);
        this.referrers = new LeftoverLists(session, repository.repository(), candidates);
    }

    /** What can become of something left over. */
    enum Fate {
        /** It is deleted. */
        GOES,
        /** It stays although it is due. */
        STAYS,
        /** The target no longer has it. */
        GONE
    }

    /**
     * What becomes of something left over, and why.
     *
     * @param tag the cosign tag that names it, if one does
     */
    record Decision(Leftover leftover, Fate fate, String reason, Optional<Tag> tag) {
        /** How reports and plans name it. */
        String reference() {
            return tag.map(Tag::value).orElseGet(() -> leftover.digest().toString());
        }
    }

    /**
     * Decides, and says nothing of what a tag needs. Those that go come in the order in which they are deleted.
     *
     * @param due what is left over and due
     * @param wanted what else is needed, as what is about to be copied
     */
    List<Decision> decide(List<Leftover> due, Set<Digest> wanted) throws IOException {
        try {
            tags = Set.copyOf(needs.tags());
            lists = needs.lists();
        } catch (NotFoundException e) {
            return all(due, Fate.STAYS, PrunedRepository.noList(e));
        } catch (RefusedException e) {
            return all(due, Fate.STAYS, "the target refuses to list its tags: " + e.getMessage());
        }
        Optional<Set<Digest>> byTags = needs.all();
        if (byTags.isEmpty()) {
            return all(due, Fate.STAYS, PrunedRepository.UNKNOWN_TAGS);
        }
        needed.addAll(byTags.get());
        needed.addAll(wanted);
        List<Leftover> free = due.stream()
                .filter(leftover -> !needed.contains(leftover.digest()))
                .toList();
        Optional<String> obstacle = candidates.read(
                free,
                tags,
                needed::contains,
                leftover -> session.leftoverPauses().against(session.rule(), repository.name(), leftover.digest()),
                doubts::edges);
        if (obstacle.isPresent()) {
            if (noting) {
                session.leftoverPauses().unclear(session.rule(), repository.name(), obstacle.get());
            }
            return all(free, Fate.STAYS, obstacle.get());
        }
        Map<Digest, String> stays = doubts.staying();
        List<Decision> decisions = new ArrayList<>();
        for (Leftover leftover : candidates.inOrder(
                digest -> session.leftoverPauses().wasRefused(session.rule(), repository.name(), digest))) {
            Optional<Tag> tag = candidates.names(leftover.digest()).stream().findFirst();
            String doubt = stays.get(leftover.digest());
            if (!candidates.isThere(leftover.digest())) {
                decisions.add(new Decision(leftover, Fate.GONE, "the target no longer has it", Optional.empty()));
            } else if (doubt != null) {
                decisions.add(new Decision(leftover, Fate.STAYS, doubt, tag));
            } else {
                decisions.add(new Decision(leftover, Fate.GOES, why(leftover), tag));
            }
        }
        return decisions;
    }

    private static List<Decision> all(List<Leftover> due, Fate fate, String reason) {
        return due.stream()
                .map(leftover -> new Decision(leftover, fate, reason, Optional.empty()))
                .toList();
    }

    private String why(Leftover leftover) {
        String since = " since " + leftover.since();
        Optional<Tag> tag = candidates.names(leftover.digest()).stream()
                .filter(name ->
                        LeftoverGraph.subjectOf(name).filter(needed::contains).isPresent())
                .findFirst();
        if (tag.isPresent()) {
            return "withdrawn: the source no longer has the tag " + tag.get() + since;
        }
        Optional<Digest> subject = candidates.subject(leftover.digest()).filter(needed::contains);
        return subject.isPresent()
                ? "withdrawn: the source no longer lists it as a referrer of " + subject.get() + since
                : "left over: it has not belonged to " + leftover.tag() + since + ", nor to any other tag";
    }

    /**
     * What came of one deletion.
     *
     * @param kept why it stays after all, if it does
     */
    record Outcome(Decision decision, Optional<String> kept, Optional<ItemReport.Failure> failure) {
        private boolean isGone() {
            return kept.isEmpty() && failure.isEmpty();
        }

        private boolean isAnswered() {
            return failure.isEmpty();
        }
    }

    /**
     * Deletes what was decided to go, each for itself, as far as the tags are still those that it was decided by: they
     * are listed again, as {@link TagNeeds} says, before the next goes.
     */
    List<Outcome> delete(List<Decision> going) throws IOException {
        if (going.isEmpty()) {
            return List.of();
        }
        CopyException.at(Side.TARGET, repository.name(), "pruning " + session.name() + "/" + repository.name(), () -> {
            renew();
            return going;
        });
        Set<Digest> digests = new HashSet<>();
        going.forEach(decision -> digests.add(decision.leftover().digest()));
        digests.removeAll(kept.keySet());
        Map<Digest, CopyException> listed = referrers.unlist(digests, tags);
        List<Outcome> outcomes = new ArrayList<>();
        for (Decision decision : going) {
            Digest digest = decision.leftover().digest();
            try {
                CopyException unlisted =
                        candidates.subject(digest).map(listed::get).orElse(null);
                if (unlisted != null) {
                    throw unlisted;
                }
                Optional<String> stays = CopyException.at(
                        Side.TARGET,
                        digest,
                        "pruning " + session.name() + "/" + ItemReport.name(repository.name(), decision.reference()),
                        () -> delete(digest));
                outcomes.add(new Outcome(decision, stays, Optional.empty()));
            } catch (CopyException e) {
                outcomes.add(new Outcome(decision, Optional.empty(), Optional.of(e.failure())));
                // It is there still, and names what is below it.
                kept.put(digest, "it could not be deleted");
                standing.add(digest);
                candidates.holdBelow(kept);
            }
            if (!session.registry().isAtHand()) {
                forget(outcomes.getLast());
            }
        }
        session.leftoverPauses().refused(session.rule(), repository.name(), refused);
        // What nobody answered is tried again by the next run.
        if (deleted == 0 && !refusals.isEmpty() && outcomes.stream().allMatch(Outcome::isAnswered)) {
            session.leftoverPauses()
                    .refused(
                            session.rule(),
                            repository.name(),
                            refusals.values().iterator().next());
        }
        outcomes = relist(outcomes);
        return session.registry().isAtHand() ? settled(outcomes) : outcomes;
    }

    /**
     * Deletes what hangs by its name on what the target no longer has: a deletion may have been broken off before that.
     *
     * @param gone what was decided to be gone
     * @throws CopyException if the target gives no answer
     */
    void deleteAttached(List<Decision> gone) throws IOException {
        for (Decision decision : gone) {
            Digest digest = decision.leftover().digest();
            CopyException.at(
                    Side.TARGET,
                    digest,
                    "pruning " + session.name() + "/" + ItemReport.name(repository.name(), decision.reference()),
                    () -> repository.deleteAttached(digest, tags, this::isSpared));
        }
    }

    private void forget(Outcome outcome) {
        if (outcome.isGone()) {
            session.notes().forget(outcome.decision().leftover());
        }
    }

    // Where deletions are written together, none is known to be done before that.
    private List<Outcome> settled(List<Outcome> outcomes) throws IOException {
        try {
            repository.settle();
            outcomes.forEach(this::forget);
            return outcomes;
        } catch (CopyException e) {
            return outcomes.stream()
                    .map(outcome -> outcome.isGone()
                            ? new Outcome(outcome.decision(), Optional.empty(), Optional.of(e.failure()))
                            : outcome)
                    .toList();
        }
    }

    // What stays after all is to be found by those who ask for it.
    private List<Outcome> relist(List<Outcome> outcomes) throws IOException {
        List<Digest> all = new ArrayList<>();
        Set<Digest> gone = new HashSet<>();
        for (Outcome outcome : outcomes) {
            Digest digest = outcome.decision().leftover().digest();
            all.add(digest);
            if (outcome.isGone()) {
                gone.add(digest);
            }
        }
        Map<Digest, CopyException> unlisted = referrers.relist(all, gone, tags);
        return outcomes.stream()
                .map(outcome -> {
                    CopyException e = unlisted.get(outcome.decision().leftover().digest());
                    return e == null || outcome.failure().isPresent()
                            ? outcome
                            : new Outcome(outcome.decision(), Optional.empty(), Optional.of(e.failure()));
                })
                .toList();
    }

    // Empty if it is gone, else why it stays.
    private Optional<String> delete(Digest digest) throws IOException {
        renew();
        Optional<Digest> first =
                candidates.before(digest).stream().filter(standing::contains).findFirst();
        if (first.isPresent()) {
            standing.add(digest);
            kept.putIfAbsent(digest, "it goes after " + first.get() + ", which names it and is there still");
        }
        if (kept.containsKey(digest)) {
            return Optional.of(kept.get(digest));
        }
        try {
            for (Tag tag : candidates.names(digest)) {
                // Somebody may have moved it since. Where tags are not deleted, it goes with its manifest.
                if (repository.resolve(tag).filter(digest::equals).isPresent()) {
                    repository.deleteTag(tag);
                }
            }
            if (!repository.delete(digest)) {
                return Optional.of(stays(digest, repository.whyItStays()));
            }
        } catch (RegistryException e) {
            if (!PrunedRepository.isRefusal(e)) {
                throw e;
            }
            return Optional.of(refused(digest, e));
        }
        deleted++;
        return repository
                .deleteAttached(digest, tags, this::isSpared)
                .map(refusal -> "the target no longer has it, and keeps what is attached to it: "
                        + PrunedRepository.remedy(refusal));
    }

    // What was decided of by itself goes by itself, or stays.
    private boolean isSpared(Digest digest) {
        return needed.contains(digest) || candidates.contains(digest) || candidates.isShared(digest);
    }

    private String stays(Digest digest, String why) {
        kept.put(digest, why);
        if (!session.registry().isAtHand()) {
            // What a layout keeps, because something else there holds it, may never go.
            standing.add(digest);
        }
        candidates.holdBelow(kept);
        return why;
    }

    private String refused(Digest digest, RegistryException refusal) {
        String why =
                refusals.computeIfAbsent(PrunedRepository.answer(refusal), answer -> PrunedRepository.remedy(refusal));
        refused.add(digest);
        if (deleted == 0 && refused.size() == REFUSALS) {
            candidates.digests().forEach(other -> kept.putIfAbsent(other, why));
        }
        return stays(digest, why);
    }

    // Other clients may have written since it was decided what goes. Of what is not seen of that nobody knows what it
    // needs, so nothing goes any more then.
    private void renew() throws IOException {
        if (unseen != null) {
            throw unseen;
        }
        try {
            Set<Tag> now = needs.renewed();
            if (needs.lists() > lists) {
                lists = needs.lists();
                look(now);
            }
        } catch (RefusedException e) {
            candidates
                    .digests()
                    .forEach(digest ->
                            kept.putIfAbsent(digest, "the target refuses to tell of its tags: " + e.getMessage()));
        } catch (IOException e) {
            unseen = e;
            throw e;
        }
    }

    private void look(Set<Tag> now) throws IOException {
        Set<Tag> added = new HashSet<>(now);
        added.removeAll(tags);
        tags = Set.copyOf(now);
        Optional<Set<Digest>> byTags = needs.all();
        byTags.ifPresent(needed::addAll);
        for (Digest digest : candidates.digests()) {
            if (byTags.isEmpty()) {
                kept.putIfAbsent(digest, PrunedRepository.UNKNOWN_TAGS);
            } else if (needed.contains(digest)) {
                keep(digest, "a tag that has come meanwhile needs it");
            }
        }
        AttachedTags.Needs attached = candidates.named(added, needed::contains);
        attached.obstacle()
                .ifPresent(obstacle -> candidates.digests().forEach(digest -> kept.putIfAbsent(digest, obstacle)));
        attached.tags().forEach((tag, named) -> {
            named.digest()
                    .filter(candidates::contains)
                    .ifPresent(digest -> keep(digest, "the tag " + tag + " names it"));
            named.below().forEach(digest -> keep(digest, "the tag " + tag + " lists it"));
        });
        candidates.holdBelow(kept);
    }

    // What it refers to waits for it.
    private void keep(Digest digest, String why) {
        kept.putIfAbsent(digest, why);
        standing.add(digest);
    }
}
