package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What speaks against deleting manifests that are left over and that no tag of an image needs: that one cannot be read
 * or may belong to one that cannot, that a tag of somebody's names or lists it, and that the source still has it
 * attached to what stays. For one use, by one thread.
 */
final class LeftoverDoubts {
    private final TargetSession session;
    private final PrunedRepository repository;
    private final Withdrawals source;
    private final LeftoverGraph candidates;
    private final Set<Digest> needed;
    private final boolean noting;
    private @Nullable Set<Digest> brought;

    /**
     * Against these.
     *
     * @param needed what is needed, which may become more until something is asked
     * @param noting whether to note what cannot be read, so that it is not asked for again at once
     */
    LeftoverDoubts(
            TargetSession session,
            PrunedRepository repository,
            Withdrawals source,
            LeftoverGraph candidates,
            Set<Digest> needed,
            boolean noting) {
        this.session = session;
        this.repository = repository;
        this.source = source;
        this.candidates = candidates;
        this.needed = needed;
        this.noting = noting;
    }

    /**
     * What something names that the target does not give, by what the source has, once a day.
     *
     * @param obstacle why the target does not
     * @throws IOException if that could not be found out for a reason that is not the source's
     */
    Optional<ManifestEdges> edges(Leftover leftover, String obstacle) throws IOException {
        LeftoverPauses pauses = session.leftoverPauses();
        if (pauses.against(session.rule(), repository.name(), leftover.digest()).isPresent()) {
            return pauses.edges(session.rule(), repository.name(), leftover.digest());
        }
        Optional<ManifestEdges> edges = source.edges(leftover);
        if (noting) {
            pauses.unreadable(session.rule(), repository.name(), leftover.digest(), obstacle, edges);
        }
        return edges;
    }

    /**
     * What stays, and why.
     *
     * @throws IOException if the target gives no answer, or the journal cannot be read
     */
    Map<Digest, String> staying() throws IOException {
        Map<Digest, String> stays = new HashMap<>();
        // Of each tag, which was the first to leave of those of which nobody knows what they name.
        Map<Tag, Leftover> dark = new HashMap<>();
        candidates.leftovers().stream()
                .filter(leftover ->
                        candidates.obstacle(leftover.digest()).isPresent() && !candidates.isKnown(leftover.digest()))
                .forEach(leftover -> dark.merge(
                        leftover.tag(), leftover, (one, other) -> one.since().isAfter(other.since()) ? other : one));
        for (Leftover leftover : candidates.leftovers()) {
            Optional<String> obstacle = candidates
                    .obstacle(leftover.digest())
                    .or(() -> besideUnread(leftover, Optional.ofNullable(dark.get(leftover.tag()))));
            Optional<String> doubt = obstacle.isPresent() ? obstacle : doubt(leftover);
            doubt.ifPresent(reason -> stays.put(leftover.digest(), reason));
        }
        candidates.holdAround(stays);
        return stays;
    }

    // What it names was under the tag as long as it was, or longer.
    private static Optional<String> besideUnread(Leftover leftover, Optional<Leftover> unread) {
        return unread.filter(first -> !leftover.since().isBefore(first.since()))
                .map(first -> "it was under " + leftover.tag() + " with " + first.digest()
                        + ", which cannot be read, and may name it");
    }

    private Optional<String> doubt(Leftover leftover) throws IOException {
        Optional<Tag> listing = candidates.listing(leftover.digest());
        if (listing.isPresent()) {
            return Optional.of("the tag " + listing.get() + " lists it");
        }
        Optional<Digest> subject = candidates.subject(leftover.digest());
        for (Tag tag : candidates.names(leftover.digest())) {
            Optional<Digest> about = LeftoverGraph.subjectOf(tag);
            if (about.isEmpty()) {
                return Optional.of("the tag " + tag + " names it");
            }
            if (candidates.contains(about.get()) || isGone(about.get())) {
                continue;
            }
            if (!brought().contains(about.get()) || subject.isPresent() && !subject.equals(about)) {
                return Optional.of("the tag " + tag + " names it, which this rule did not bring");
            }
            Optional<String> doubt = source.against(new Withdrawals.OfTag(leftover, tag));
            if (doubt.isPresent()) {
                return doubt;
            }
        }
        return subject.isPresent() && !candidates.contains(subject.get())
                ? source.against(new Withdrawals.OfReferrer(leftover, subject.get()))
                : Optional.empty();
    }

    // What the rule has there, under a tag or left over: only of that it brought tags of cosign.
    private Set<Digest> brought() throws IOException {
        if (brought == null) {
            Set<Digest> known = new HashSet<>();
            session.journal().tags().completedIn(session.place(), repository.name()).stream()
                    .filter(tag -> tag.rule().equals(session.rule().name()))
                    .forEach(tag -> known.addAll(tag.digests()));
            session.journal()
                    .tags()
                    .leftovers(session.rule().name(), session.place(), repository.name())
                    .forEach(leftover -> known.add(leftover.digest()));
            brought = known;
        }
        return brought;
    }

    // What goes before its signatures; nothing is attached to it then.
    private boolean isGone(Digest subject) throws IOException {
        return !needed.contains(subject)
                && repository.repository().reader().resolve(subject).isEmpty();
    }
}
