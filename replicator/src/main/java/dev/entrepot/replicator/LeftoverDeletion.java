package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.journal.Leftover;
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
 * nothing unless they are told to. One that deletes nothing at all is told to once. Where none went because of
 * refusals, nothing that is left over is looked at for a day ({@link RefusedDeletions}). What nobody answers is a
 * failure, and tried again by the next run.
 */
final class LeftoverDeletion {
    private static final int READS = 8;

    private final TargetSession session;
    private final PrunedRepository repository;
    private final Withdrawals source;
    private final TagNeeds needs;
    private final Set<Digest> needed = new HashSet<>();
    private final Map<Digest, Leftover> candidates = new LinkedHashMap<>();
    private final Map<Digest, Optional<Manifest>> found = new HashMap<>();
    private final Map<Digest, List<Tag>> names = new HashMap<>();
    // What stays with each; and what is deleted before each: what refers to it, and indexes that name it.
    private final Map<Digest, Set<Digest>> held = new HashMap<>();
    private final Map<Digest, Set<Digest>> before = new HashMap<>();
    // What fallback tags listed of what was to go, by subject.
    private final Map<Digest, List<Descriptor>> taken = new LinkedHashMap<>();
    // Why what was to go stays after all.
    private final Map<Digest, String> kept = new HashMap<>();
    // Of that, what the target did not delete, or not yet: what is deleted after it waits for it.
    private final Set<Digest> standing = new HashSet<>();
    // What of it the target has and does not give, and why.
    private final Map<Digest, String> unreadable = new HashMap<>();
    // What the target refused, by what it answers, in the words of the first.
    private final Map<String, String> refusals = new LinkedHashMap<>();
    private int deleted;
    private Set<Tag> tags = Set.of();
    private int lists;
    private @Nullable IOException unseen;

    LeftoverDeletion(TargetSession session, PrunedRepository repository, Withdrawals source) {
        this.session = session;
        this.repository = repository;
        this.source = source;
        this.needs = new TagNeeds(session, repository, Map.of());
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
            return all(due, Fate.GONE, "the target no longer has the repository");
        } catch (RefusedException e) {
            return all(due, Fate.STAYS, "the target refuses to list its tags: " + e.getMessage());
        }
        Optional<Set<Digest>> byTags = needs.all();
        if (byTags.isEmpty()) {
            return all(due, Fate.STAYS, PrunedRepository.UNKNOWN_TAGS);
        }
        needed.addAll(byTags.get());
        needed.addAll(wanted);
        due.stream()
                .filter(leftover -> !needed.contains(leftover.digest()))
                .forEach(leftover -> candidates.put(leftover.digest(), leftover));
        look();
        relate();
        Map<Digest, String> stays = staying();
        List<Decision> decisions = new ArrayList<>();
        for (Leftover leftover : inOrder()) {
            Optional<Tag> tag =
                    names.getOrDefault(leftover.digest(), List.of()).stream().findFirst();
            String doubt = stays.get(leftover.digest());
            if (found.getOrDefault(leftover.digest(), Optional.empty()).isEmpty()
                    && !unreadable.containsKey(leftover.digest())) {
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

    private void look() throws IOException {
        List<Digest> digests = List.copyOf(candidates.keySet());
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

    // Which of them look like tags of cosign and name something that is left over.
    private Map<Tag, Digest> named(Set<Tag> among) throws IOException {
        List<Tag> attached = among.stream()
                .filter(tag -> CosignTags.isAttached(tag) && tag.value().indexOf('.') >= 0)
                .sorted()
                .toList();
        List<Optional<Digest>> named = Concurrently.map(attached, READS, repository::resolve);
        Map<Tag, Digest> result = new LinkedHashMap<>();
        for (int i = 0; i < attached.size(); i++) {
            Tag tag = attached.get(i);
            named.get(i).filter(candidates::containsKey).ifPresent(digest -> result.put(tag, digest));
        }
        return result;
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

    private Map<Digest, String> staying() throws IOException {
        Map<Digest, String> stays = new HashMap<>();
        Set<Tag> dark = new HashSet<>();
        candidates.values().stream()
                .filter(leftover -> unreadable.containsKey(leftover.digest()))
                .forEach(leftover -> dark.add(leftover.tag()));
        for (Leftover leftover : candidates.values()) {
            String obstacle = unreadable.get(leftover.digest());
            Optional<String> doubt = obstacle != null
                    ? Optional.of(obstacle)
                    : dark.contains(leftover.tag())
                            ? Optional.of(
                                    "it was under " + leftover.tag() + " with what cannot be read, and may name it")
                            : doubt(leftover);
            doubt.ifPresent(reason -> stays.put(leftover.digest(), reason));
        }
        holdBelow(stays);
        return stays;
    }

    // Referrers stay with their subject, and children with their index.
    private void holdBelow(Map<Digest, String> stays) {
        Deque<Digest> open = new ArrayDeque<>(stays.keySet());
        while (!open.isEmpty()) {
            Digest above = open.remove();
            for (Digest below : held.getOrDefault(above, Set.of())) {
                if (!stays.containsKey(below)) {
                    stays.put(below, "it belongs to " + above + ", which stays");
                    open.add(below);
                }
            }
        }
    }

    private Optional<String> doubt(Leftover leftover) throws IOException {
        for (Tag tag : names.getOrDefault(leftover.digest(), List.of())) {
            Optional<Digest> subject = subjectOf(tag);
            if (subject.isEmpty()) {
                return Optional.of("the tag " + tag + " names it");
            }
            Optional<String> doubt = candidates.containsKey(subject.get()) || isGone(subject.get())
                    ? Optional.empty()
                    : source.against(new Withdrawals.OfTag(leftover, tag));
            if (doubt.isPresent()) {
                return doubt;
            }
        }
        Optional<Digest> subject = subject(leftover.digest());
        return subject.isPresent() && !candidates.containsKey(subject.get())
                ? source.against(new Withdrawals.OfReferrer(leftover, subject.get()))
                : Optional.empty();
    }

    // What goes before its signatures; nothing is attached to it then.
    private boolean isGone(Digest subject) throws IOException {
        return !needed.contains(subject)
                && repository.repository().reader().resolve(subject).isEmpty();
    }

    private Optional<Digest> subject(Digest digest) {
        return found.getOrDefault(digest, Optional.empty())
                .flatMap(Manifest::subject)
                .map(Descriptor::digest);
    }

    // Of a cosign tag what it is about; backups are about nothing that goes.
    private Optional<Digest> subjectOf(Tag tag) {
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

    private void relate() {
        for (Digest digest : candidates.keySet()) {
            Set<Digest> subjects = new HashSet<>();
            subject(digest).ifPresent(subjects::add);
            names.getOrDefault(digest, List.of()).forEach(tag -> subjectOf(tag).ifPresent(subjects::add));
            subjects.remove(digest);
            for (Digest subject : subjects) {
                if (candidates.containsKey(subject)) {
                    add(held, subject, digest);
                    if (namesNone(digest)) {
                        add(before, digest, subject);
                    } else {
                        add(before, subject, digest);
                    }
                }
            }
            found.getOrDefault(digest, Optional.empty())
                    .ifPresent(manifest -> manifest.manifests().stream()
                            .map(Descriptor::digest)
                            .filter(candidates::containsKey)
                            .forEach(child -> {
                                add(held, digest, child);
                                add(before, child, digest);
                            }));
        }
    }

    // What refers to another by itself, or lists some, goes before them.
    private boolean namesNone(Digest digest) {
        return found.getOrDefault(digest, Optional.empty())
                .filter(manifest ->
                        manifest.subject().isEmpty() && manifest.manifests().isEmpty())
                .isPresent();
    }

    private static void add(Map<Digest, Set<Digest>> edges, Digest from, Digest to) {
        edges.computeIfAbsent(from, key -> new LinkedHashSet<>()).add(to);
    }

    private String why(Leftover leftover) {
        String since = " since " + leftover.since();
        Optional<Tag> tag = names.getOrDefault(leftover.digest(), List.of()).stream()
                .filter(name -> subjectOf(name).filter(needed::contains).isPresent())
                .findFirst();
        if (tag.isPresent()) {
            return "withdrawn: the source no longer has the tag " + tag.get() + since;
        }
        Optional<Digest> subject = subject(leftover.digest()).filter(needed::contains);
        return subject.isPresent()
                ? "withdrawn: the source no longer lists it as a referrer of " + subject.get() + since
                : "left over: it has not belonged to " + leftover.tag() + since + ", nor to any other tag";
    }

    private List<Leftover> inOrder() {
        Set<Digest> ordered = new LinkedHashSet<>();
        Set<Digest> visited = new HashSet<>();
        candidates.keySet().forEach(digest -> order(digest, visited, ordered));
        List<Leftover> result = new ArrayList<>();
        for (Digest digest : ordered) {
            Optional.ofNullable(candidates.get(digest)).ifPresent(result::add);
        }
        return result;
    }

    // As deep as the graphs that were copied.
    private void order(Digest digest, Set<Digest> visited, Set<Digest> ordered) {
        if (visited.add(digest)) {
            before.getOrDefault(digest, Set.of()).forEach(other -> order(other, visited, ordered));
            ordered.add(digest);
        }
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
        Map<Digest, CopyException> listed = unlist(going);
        List<Outcome> outcomes = new ArrayList<>();
        for (Decision decision : going) {
            Digest digest = decision.leftover().digest();
            try {
                CopyException unlisted = subject(digest).map(listed::get).orElse(null);
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
                holdBelow(kept);
            }
            if (!session.registry().isAtHand()) {
                forget(outcomes.getLast());
            }
        }
        if (deleted == 0 && !refusals.isEmpty()) {
            session.refusedDeletions()
                    .note(repository.name(), refusals.values().iterator().next());
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

    // All of a subject at once; by subject, which could not be written.
    private Map<Digest, CopyException> unlist(List<Decision> going) throws IOException {
        Map<Digest, Set<Digest>> bySubject = new LinkedHashMap<>();
        Set<Digest> digests = new HashSet<>();
        going.forEach(decision -> digests.add(decision.leftover().digest()));
        digests.removeAll(kept.keySet());
        for (Digest digest : digests) {
            subject(digest)
                    .filter(subject -> !digests.contains(subject) && tags.contains(subject.referrersTag()))
                    .ifPresent(subject -> bySubject
                            .computeIfAbsent(subject, key -> new HashSet<>())
                            .add(digest));
        }
        Map<Digest, CopyException> failed = new HashMap<>();
        for (Map.Entry<Digest, Set<Digest>> entry : bySubject.entrySet()) {
            List<Descriptor> listed = new ArrayList<>();
            taken.put(entry.getKey(), listed);
            try {
                new ReferrerKeeper(session).unlist(repository.repository(), entry.getKey(), entry.getValue(), listed);
            } catch (CopyException e) {
                failed.put(entry.getKey(), e);
            }
        }
        return failed;
    }

    // What stays after all is to be found by those who ask for it.
    private List<Outcome> relist(List<Outcome> outcomes) throws IOException {
        Set<Digest> gone = new HashSet<>();
        outcomes.stream()
                .filter(Outcome::isGone)
                .forEach(outcome -> gone.add(outcome.decision().leftover().digest()));
        Map<Digest, CopyException> unlisted = new HashMap<>();
        for (Map.Entry<Digest, List<Descriptor>> entry : taken.entrySet()) {
            List<Descriptor> stay = entry.getValue().stream()
                    .filter(referrer -> !gone.contains(referrer.digest()))
                    .toList();
            try {
                new ReferrerKeeper(session).relist(repository.repository(), entry.getKey(), stay);
            } catch (CopyException e) {
                stay.forEach(referrer -> unlisted.put(referrer.digest(), e));
            }
        }
        for (Outcome outcome : outcomes) {
            Digest subject = outcome.decision().leftover().digest();
            try {
                unlistGone(subject, gone);
            } catch (CopyException e) {
                unlisted.put(subject, e);
            }
        }
        return outcomes.stream()
                .map(outcome -> {
                    CopyException e = unlisted.get(outcome.decision().leftover().digest());
                    return e == null || outcome.failure().isPresent()
                            ? outcome
                            : new Outcome(outcome.decision(), Optional.empty(), Optional.of(e.failure()));
                })
                .toList();
    }

    // The list of a subject that was to go was to go with it.
    private void unlistGone(Digest subject, Set<Digest> gone) throws IOException {
        if (gone.contains(subject) || !tags.contains(subject.referrersTag())) {
            return;
        }
        Set<Digest> referrers = new HashSet<>(before.getOrDefault(subject, Set.of()));
        referrers.retainAll(gone);
        if (!referrers.isEmpty()) {
            new ReferrerKeeper(session).unlist(repository.repository(), subject, referrers);
        }
    }

    // Empty if it is gone, else why it stays.
    private Optional<String> delete(Digest digest) throws IOException {
        renew();
        Optional<Digest> first = before.getOrDefault(digest, Set.of()).stream()
                .filter(standing::contains)
                .findFirst();
        if (first.isPresent()) {
            standing.add(digest);
            kept.putIfAbsent(digest, "it goes after " + first.get() + ", which names it and is there still");
        }
        if (kept.containsKey(digest)) {
            return Optional.of(kept.get(digest));
        }
        try {
            for (Tag tag : names.getOrDefault(digest, List.of())) {
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
        return needed.contains(digest) || candidates.containsKey(digest);
    }

    private String stays(Digest digest, String why) {
        kept.put(digest, why);
        if (!session.registry().isAtHand()) {
            // What a layout keeps, because something else there holds it, may never go.
            standing.add(digest);
        }
        holdBelow(kept);
        return why;
    }

    private String refused(Digest digest, RegistryException refusal) {
        String why =
                refusals.computeIfAbsent(PrunedRepository.answer(refusal), answer -> PrunedRepository.remedy(refusal));
        if (deleted == 0 && PrunedRepository.isForAll(refusal)) {
            candidates.keySet().forEach(other -> kept.putIfAbsent(other, why));
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
                    .keySet()
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
        for (Digest digest : candidates.keySet()) {
            if (byTags.isEmpty()) {
                kept.putIfAbsent(digest, PrunedRepository.UNKNOWN_TAGS);
            } else if (needed.contains(digest)) {
                kept.putIfAbsent(digest, "a tag that has come meanwhile needs it");
            }
        }
        named(added).forEach((tag, digest) -> kept.putIfAbsent(digest, "the tag " + tag + " names it"));
        holdBelow(kept);
    }
}
