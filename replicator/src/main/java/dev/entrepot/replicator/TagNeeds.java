package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.journal.BroughtTag;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the tags of a repository need, counted by digest, while some of them go one after the other. For one use, by one
 * thread.
 *
 * <p>What rules know of tags that name what they brought or found is needed, and nothing can be said of a repository
 * that has tags of which no rule knows, or which are elsewhere by now. A backup tag, of a cosign tag too, says itself
 * what it names, and needs what the target shows to be under it; so does a tag that is known only to rules which want a
 * part of it, and which none of them wrote. Tags that belong to a digest by their form are not counted here: they go
 * with what they are about, and what they need beside that is for who deletes something ({@link HeldNodes},
 * {@link LeftoverGraph}).
 *
 * <p>All of it is found out once, when it is first asked for: the list of tags, the journal, and where each tag is. To
 * do that again for every tag that goes would be the square of their number. Each tag that has gone is taken out of the
 * counts instead ({@link #forget}), which is right as long as nobody else writes: other runs of this process cannot
 * while the repository is claimed for pruning ({@link RepositoryClaims}). For strangers, who can, the tags are listed
 * again whenever the list has grown old ({@link #renewed}), before the next tag goes. A tag that is new by then counts
 * as any other: mostly no rule knows it, and from then on no manifest goes. So a manifest that somebody puts a tag on
 * meanwhile is lost only if he comes later than a list which is younger than {@link #LIST_AGE}, or than
 * {@value #LIST_SHARE} times as long as listing takes, when the deletion of a tag begins: the registry's interface has
 * nothing that would exclude it. That bound makes listing a fixed share of the time at most, whatever the number of
 * tags. That somebody moves a tag which was there before is seen when that tag is due itself, and else not, as it would
 * take a request for each tag to see it.
 */
final class TagNeeds {
    /** How old a list of tags may be when something is deleted by it. */
    static final Duration LIST_AGE = Duration.ofSeconds(1);

    /** How many times as old as listing takes it may always be. */
    static final int LIST_SHARE = 5;

    // Questions in hand at once; the gate of the target lets fewer through.
    private static final int ASKED_AT_ONCE = 128;

    private final TargetSession session;
    private final PrunedRepository repository;
    private final Map<Tag, Digest> due;
    private final Map<Tag, Needs> byTag = new HashMap<>();
    private final Map<Digest, Integer> byAny = new HashMap<>();
    private final Map<Digest, Integer> byKept = new HashMap<>();
    // Tags that are new in the list, or not where they were: to be looked at before anything else is said.
    private final Set<Tag> unseen = new TreeSet<>();
    private Set<Tag> tags = new TreeSet<>();
    private int unknown;
    // Whether there may be a tag that is not to be deleted and of which it is not known what it needs. Then nothing
    // else is looked at any
    // more.
    private boolean strange;
    private int lists;
    private int revision;
    private boolean looked;
    private long listedAt;
    private long listNanos;
    private @Nullable IOException unlisted;
    private @Nullable IOException blind;

    /**
     * Of this repository.
     *
     * @param due the tags that are to be deleted, with what each names as far as it is: they need theirs until then,
     *     because their deletion may fail. One that is elsewhere is not deleted, and needs what it names there as any
     *     other does
     */
    TagNeeds(TargetSession session, PrunedRepository repository, Map<Tag, Digest> due) {
        this.session = session;
        this.repository = repository;
        this.due = due;
    }

    // What a tag needs, if that is known, and whether the tag is to be deleted.
    private record Needs(Optional<Set<Digest>> digests, boolean goes) {
        private static final Needs NOTHING = new Needs(Optional.of(Set.of()), true);
    }

    /** What is needed: by any tag, and by those that are not to be deleted. */
    record Needed(Predicate<Digest> byAny, Predicate<Digest> byKept) {}

    /**
     * All tags but those that have gone, as they were listed last. A list that failed once is not asked for again: the
     * rest is for the next run.
     *
     * @throws dev.entrepot.oci.NotFoundException if it answers 404, and not that it does not know the repository
     * @throws dev.entrepot.oci.RefusedException if it refuses to list its tags
     */
    Set<Tag> tags() throws IOException {
        if (lists == 0) {
            list();
        }
        if (unlisted != null) {
            throw unlisted;
        }
        return Collections.unmodifiableSet(tags);
    }

    /** As above, listed again if the list is too old to delete anything by it. */
    Set<Tag> renewed() throws IOException {
        tags();
        // That may take long. Where it has failed, and where nothing goes but tags, there is nothing to be careful
        // with.
        look();
        if (blind == null && !strange && isOld()) {
            list();
            look();
        }
        return tags();
    }

    /** How often the tags were listed. */
    int lists() {
        return lists;
    }

    /**
     * What all tags but one need, as long as nothing else is called; empty if there are others of which that is not
     * known.
     *
     * @throws IOException if the target gave no answer; it is not asked again
     */
    Optional<Needed> without(Tag tag) throws IOException {
        seen();
        Needs own = byTag.getOrDefault(tag, Needs.NOTHING);
        if (strange || unknown > (own.digests().isEmpty() ? 1 : 0)) {
            return Optional.empty();
        }
        Set<Digest> digests = own.digests().orElse(Set.of());
        return Optional.of(new Needed(
                digest -> isNeeded(byAny, digest, digests),
                digest -> isNeeded(byKept, digest, own.goes() ? Set.of() : digests)));
    }

    /** What all tags need; empty if there are some of which that is not known; otherwise as above. */
    Optional<Set<Digest>> all() throws IOException {
        seen();
        return strange || unknown > 0 ? Optional.empty() : Optional.of(Collections.unmodifiableSet(byAny.keySet()));
    }

    /** Whether a tag needs this that is not to be deleted, as far as that was found out by one of the methods above. */
    boolean isKept(Digest digest) {
        return byKept.containsKey(digest);
    }

    /** Another number whenever there are other tags, or one needs something else, but for those that have gone. */
    int revision() {
        return revision;
    }

    private static boolean isNeeded(Map<Digest, Integer> counts, Digest digest, Set<Digest> own) {
        return counts.getOrDefault(digest, 0) > (own.contains(digest) ? 1 : 0);
    }

    /** A tag is gone, and needs nothing any more. */
    void forget(Tag tag) {
        tags.remove(tag);
        unseen.remove(tag);
        takeOut(tag);
    }

    /** A tag that was to be deleted is there still, and needs what is under it as any other that stays. */
    void stays(Tag tag) {
        Needs own = byTag.get(tag);
        if (own != null && own.goes()) {
            put(tag, new Needs(own.digests(), false));
        }
    }

    /** A tag is not where it was; what it needs now is found out when it matters. */
    void moved(Tag tag) {
        unseen.add(tag);
    }

    // The clock begins with the list: what its first page says is as old as that.
    private void list() {
        lists++;
        revision++;
        listedAt = now();
        try {
            Set<Tag> before = tags;
            tags = repository.tags();
            tags.stream().filter(tag -> !before.contains(tag)).forEach(unseen::add);
            strange |= repository.mayHaveMoreTags();
        } catch (IOException e) {
            unlisted = e;
        }
        listNanos = now() - listedAt;
    }

    private long now() {
        return session.services().time().nanoTime().getAsLong();
    }

    private boolean isOld() {
        return now() - listedAt >= Math.max(LIST_AGE.toNanos(), LIST_SHARE * listNanos);
    }

    private void seen() throws IOException {
        tags();
        look();
        if (blind != null) {
            throw blind;
        }
    }

    private void look() {
        if (blind != null || strange) {
            return;
        }
        try {
            if (!looked) {
                lookAtAll();
                looked = true;
            }
            unseen.removeIf(AttachedTags::includes);
            for (Tag tag : unseen) {
                put(tag, neededBy(tag));
            }
            unseen.clear();
        } catch (IOException e) {
            blind = e;
        }
    }

    private void lookAtAll() throws IOException {
        unseen.clear();
        Map<Tag, List<CompletedTag>> known =
                session.journal().tags().completedIn(session.place(), repository.name()).stream()
                        .collect(Collectors.groupingBy(CompletedTag::tag));
        Set<Tag> others = new TreeSet<>(tags);
        others.removeIf(AttachedTags::includes);
        others.removeAll(known.keySet());
        for (Tag tag : others) {
            put(tag, new Needs(repository.neededByBackup(tag), false));
            if (strange) {
                return;
            }
        }
        Map<Tag, List<BroughtTag>> brought =
                session.journal().tags().broughtIn(session.place(), repository.name()).stream()
                        .collect(Collectors.groupingBy(BroughtTag::tag));
        List<Tag> order = known.keySet().stream().sorted().toList();
        if (tags.isEmpty()
                && Concurrently.map(order, ASKED_AT_ONCE, repository::named).stream()
                        .anyMatch(Optional::isPresent)) {
            // What lists none and has some may have others, too.
            strange = true;
            return;
        }
        List<Needs> needs = Concurrently.map(
                order,
                ASKED_AT_ONCE,
                tag -> neededBy(
                        tag,
                        known.getOrDefault(tag, List.of()),
                        brought.getOrDefault(tag, List.of()),
                        tags.contains(tag) ? repository.named(tag) : Optional.empty()));
        for (int i = 0; i < order.size(); i++) {
            put(order.get(i), needs.get(i));
        }
    }

    private Needs neededBy(Tag tag) throws IOException {
        List<CompletedTag> known = session.journal().tags().completed(session.place(), repository.name(), tag);
        return known.isEmpty()
                ? new Needs(repository.neededByBackup(tag), false)
                : neededBy(
                        tag,
                        known,
                        session.journal().tags().broughtIn(session.place(), repository.name(), tag),
                        repository.resolve(tag));
    }

    private Needs neededBy(Tag tag, List<CompletedTag> known, List<BroughtTag> brought, Optional<Digest> there)
            throws IOException {
        boolean goes = due.containsKey(tag) && there.map(due.get(tag)::equals).orElse(true);
        return new Needs(neededBy(known, brought, there), goes);
    }

    // What rules know of a tag is right as long as it names what they brought or found there; each may know a part.
    private Optional<Set<Digest>> neededBy(List<CompletedTag> known, List<BroughtTag> brought, Optional<Digest> there)
            throws IOException {
        List<CompletedTag> right = known.stream()
                .filter(one -> there.isEmpty() || there.get().equals(one.targetDigest()))
                .toList();
        if (right.isEmpty()) {
            return Optional.empty();
        }
        Set<Digest> digests = new HashSet<>();
        right.forEach(one -> digests.addAll(one.digests()));
        boolean whole = right.stream()
                .anyMatch(one -> ReplicationRule.isWholeScope(one.scope())
                        || brought.stream().anyMatch(written -> written.isOf(one)));
        if (there.isPresent() && !whole) {
            // Who put it there may have brought more than the rules want that found it.
            Optional<Set<Digest>> more = repository.shownUnder(right.getFirst().tag());
            more.ifPresent(digests::addAll);
            return more.map(shown -> digests);
        }
        return Optional.of(digests);
    }

    private void put(Tag tag, Needs needs) {
        takeOut(tag);
        revision++;
        byTag.put(tag, needs);
        strange |= needs.digests().isEmpty() && !needs.goes();
        count(needs, 1);
    }

    private void takeOut(Tag tag) {
        Needs needs = byTag.remove(tag);
        if (needs != null) {
            count(needs, -1);
        }
    }

    private void count(Needs needs, int change) {
        unknown += needs.digests().isEmpty() ? change : 0;
        for (Digest digest : needs.digests().orElse(Set.of())) {
            byAny.merge(digest, change, TagNeeds::sum);
            if (!needs.goes()) {
                byKept.merge(digest, change, TagNeeds::sum);
            }
        }
    }

    // A value of null takes the key away.
    private static @Nullable Integer sum(int before, int change) {
        return before + change == 0 ? null : Integer.valueOf(before + change);
    }
}
