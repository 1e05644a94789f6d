package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.graph.DiscoveryException;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.Memo;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Deletes tags of one repository at one target, and under each what nothing else there needs. For one use, by one thread, which has claimed the repository.
 *
 * <p>The tag goes first, so that it never names less than its graph. Registries that delete no tags (distribution before version 3) lose it with the
 * manifest that it names, and keep it where something else needs that. The manifests and their referrers go as far as no other tag can need them: what the
 * journal lists under other tags stays, also under those that go next, and everything stays if there are tags that this process did not bring or that are
 * not where it brought them. A backup tag, which says itself what it names, stays, with what the target shows to be under it.
 */
final class GraphDeletion {
    // What registries answer that know manifests by digest only: 405 UNSUPPORTED, or 400 DIGEST_INVALID.
    private static final Set<Integer> NOT_SUPPORTED = Set.of(400, 405);

    private static final int REQUESTS = 8;
    private static final long SHELF_BYTES = 1L << 20;

    private final TargetSession session;
    private final TargetRepository repository;
    private final Set<Tag> due;
    // Each tag is asked for once, not again for every tag that goes.
    private final Memo<Tag, Optional<Digest>> live;
    private final Memo<Tag, Optional<Set<Digest>>> backups;
    private final RepositoryDiscovery atTarget;

    /**
     * In this repository.
     *
     * @param due the tags that are to be deleted, all of them
     */
    GraphDeletion(TargetSession session, TargetRepository repository, List<CompletedTag> due) {
        this.session = session;
        this.repository = repository;
        this.due = due.stream().map(CompletedTag::tag).collect(Collectors.toSet());
        this.live = new Memo<>(this::resolve);
        this.backups = new Memo<>(this::neededByBackup);
        this.atTarget = new RepositoryDiscovery(
                repository.reader(), GraphScope.WHOLE, new RequestLimit(REQUESTS), new ManifestShelf(SHELF_BYTES));
    }

    /**
     * What came of one tag.
     *
     * @param settled whether nothing is left to be done, so that the journal may forget the tag
     */
    record Outcome(ItemReport.State state, String reason, boolean settled) {
        private static Outcome pruned(String reason) {
            return new Outcome(ItemReport.State.PRUNED, reason, true);
        }

        private static Outcome stays(String reason) {
            return new Outcome(ItemReport.State.SKIPPED, reason, false);
        }
    }

    /** What other tags need: all of them, and those that are not to be deleted. */
    private record Needed(Set<Digest> byAny, Set<Digest> byKept) {}

    /**
     * Deletes a tag and what only it needs. After a failure it can be done again, and does what is left.
     *
     * @throws IOException if the target gives no answer
     */
    Outcome delete(CompletedTag gone) throws IOException {
        Optional<Digest> there = resolve(gone.tag());
        if (there.isPresent() && !there.get().equals(gone.targetDigest())) {
            return new Outcome(
                    ItemReport.State.SKIPPED,
                    "left alone: at the target it is at " + there.get() + " now, which this rule did not bring",
                    true);
        }
        try {
            return delete(gone, there.isPresent());
        } catch (RefusedException e) {
            return Outcome.stays("the target refuses to delete it; allow that there (docker-registry:"
                    + " REGISTRY_STORAGE_DELETE_ENABLED=true), or turn prune off in the rule: " + e.getMessage());
        }
    }

    private Outcome delete(CompletedTag gone, boolean tagged) throws IOException {
        // Asked before anything is deleted: if there is no answer, the next run begins anew.
        Set<Tag> tags;
        try {
            tags = tags();
        } catch (NotFoundException e) {
            if (tagged) {
                throw e;
            }
            return Outcome.pruned("the target no longer has the repository");
        } catch (RefusedException e) {
            Optional<String> obstacle = tagged ? untag(gone, Optional.empty()) : Optional.empty();
            return obstacle.map(Outcome::stays)
                    .orElseGet(() ->
                            Outcome.pruned("the tag only: the target refuses to list its tags: " + e.getMessage()));
        }
        Optional<Needed> needed = needed(gone, tags);
        Optional<String> obstacle = tagged ? untag(gone, needed) : Optional.empty();
        if (obstacle.isPresent()) {
            return Outcome.stays(obstacle.get());
        }
        return needed.isEmpty()
                ? Outcome.pruned(
                        "the tag only: the repository has tags that were not brought by this process, or moved since")
                : Outcome.pruned((tagged ? "the tag and " : "the target no longer had the tag; ")
                        + deleteNodes(gone, tags, needed.get().byAny()));
    }

    /** Deletes a tag; empty if it is gone, else why not. */
    private Optional<String> untag(CompletedTag gone, Optional<Needed> needed) throws IOException {
        if (deleteTag(gone.tag())) {
            return Optional.empty();
        }
        String what = session.name() + " deletes no tags, only manifests, and ";
        if (needed.isEmpty()) {
            return Optional.of(
                    what + repository.name() + " has tags that were not brought by this process, or moved since,"
                            + " and may name the same manifest; delete the tag there by hand");
        }
        if (needed.get().byKept().contains(gone.targetDigest())) {
            return Optional.of(what + gone.targetDigest()
                    + " is needed by another tag; the tag goes when that one goes, or by hand");
        }
        repository.delete(gone.targetDigest());
        return resolve(gone.tag()).isPresent()
                ? Optional.of(what + "kept the tag although its manifest is deleted; delete it there by hand")
                : Optional.empty();
    }

    /** Deletes a tag that is there; false if the target does not do that. */
    private boolean deleteTag(Tag tag) throws IOException {
        if (session.deletesTags()) {
            try {
                if (repository.delete(tag)) {
                    return true;
                }
            } catch (RefusedException e) {
                if (!NOT_SUPPORTED.contains(e.status())) {
                    throw e;
                }
                session.noteTagDeleteRefused();
            }
        }
        // One that says that it has no such thing may have meant a manifest of that name.
        return resolve(tag).isEmpty();
    }

    private String deleteNodes(CompletedTag gone, Set<Tag> tags, Set<Digest> needed) throws IOException {
        Set<Digest> nodes = new LinkedHashSet<>();
        gone.nodes().reversed().forEach(node -> nodes.add(node.digest()));
        nodes.add(gone.targetDigest());
        nodes.removeAll(needed);
        Optional<RefusedException> refusal = Optional.empty();
        int refused = 0;
        for (Digest digest : nodes) {
            try {
                List<Tag> attached = new ArrayList<>(CosignTags.of(digest));
                attached.add(digest.referrersTag());
                for (Tag tag : attached) {
                    if (tags.contains(tag)) {
                        deleteAttached(tag, needed);
                    }
                }
                repository.delete(digest);
            } catch (RefusedException e) {
                // The tag is gone, and the target may have its own rules for what no tag names.
                refused++;
                refusal = Optional.of(e);
            }
        }
        int left = refused;
        return (nodes.size() - refused) + " manifests"
                + refusal.map(e -> "; it refuses to delete " + left + " others: " + e.getMessage())
                        .orElse("");
    }

    private void deleteAttached(Tag tag, Set<Digest> needed) throws IOException {
        if (deleteTag(tag)) {
            return;
        }
        Optional<Digest> there = resolve(tag);
        if (there.isPresent() && !needed.contains(there.get())) {
            repository.delete(there.get());
        }
    }

    private Optional<Digest> resolve(Tag tag) throws IOException {
        return repository.reader().resolve(tag).map(Descriptor::digest);
    }

    /**
     * What other tags need; empty if there are tags of which that is not known. The journal knows it of those that are still where they were
     * brought. Tags that go after this one need theirs until then: their deletion may fail.
     */
    private Optional<Needed> needed(CompletedTag gone, Set<Tag> tags) throws IOException {
        Needed needed = new Needed(new HashSet<>(), new HashSet<>());
        Set<Tag> unknown = new TreeSet<>(tags);
        unknown.removeIf(CosignTags::isAttached);
        unknown.remove(gone.tag());
        List<CompletedTag> others = session.journal().completedIn(session.name(), repository.name()).stream()
                .filter(other -> !other.tag().equals(gone.tag()))
                .toList();
        for (CompletedTag other : others) {
            unknown.remove(other.tag());
            Set<Digest> digests = new HashSet<>();
            digests.add(other.targetDigest());
            other.nodes().forEach(node -> digests.add(node.digest()));
            needed.byAny().addAll(digests);
            if (!due.contains(other.tag())) {
                needed.byKept().addAll(digests);
            }
        }
        for (Tag tag : unknown) {
            Optional<Set<Digest>> kept = backups.get(tag);
            if (kept.isEmpty()) {
                return Optional.empty();
            }
            needed.byAny().addAll(kept.get());
            needed.byKept().addAll(kept.get());
        }
        List<CompletedTag> listed =
                others.stream().filter(other -> tags.contains(other.tag())).toList();
        boolean settled = Concurrently.map(listed, other -> isWhereItWasBrought(other, live.get(other.tag()))).stream()
                .allMatch(Boolean::booleanValue);
        return settled ? Optional.of(needed) : Optional.empty();
    }

    // What a rule has kept under a backup tag may be anybody's: only the target knows what that needs.
    private Optional<Set<Digest>> neededByBackup(Tag tag) throws IOException {
        if (!ImagePlan.Backup.mayBe(tag)) {
            return Optional.empty();
        }
        Optional<Descriptor> there =
                repository.reader().resolve(tag).filter(named -> ImagePlan.Backup.is(tag, named.digest()));
        if (there.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(atTarget.graph(there.get()).nodes().stream()
                    .map(GraphNode::digest)
                    .collect(Collectors.toSet()));
        } catch (DiscoveryException e) {
            switch (e.getCause()) {
                case OutageException outage -> throw outage;
                case RegistryException answer -> {}
                case IOException local -> throw local;
                case null, default -> {}
            }
            // An index without some of its platforms, say: it needs more than can be read.
            return Optional.empty();
        }
    }

    private static boolean isWhereItWasBrought(CompletedTag tag, Optional<Digest> live) {
        return live.isEmpty() || live.get().equals(tag.targetDigest());
    }

    private Set<Tag> tags() throws IOException {
        Set<Tag> tags = new TreeSet<>();
        Set<String> cursors = new HashSet<>();
        Optional<String> cursor = Optional.empty();
        do {
            TagPage page = repository.reader().listTags(cursor);
            tags.addAll(page.tags());
            if (tags.size() > OciLimits.MAX_TAGS || cursors.size() > OciLimits.MAX_TAGS) {
                throw new InvalidContentException(
                        "tag list of " + repository.name() + " has more than " + OciLimits.MAX_TAGS + " tags or pages");
            }
            cursor = page.next();
            if (cursor.isPresent() && !cursors.add(cursor.get())) {
                throw new InvalidContentException("tag list of " + repository.name() + " repeats a page");
            }
        } while (cursor.isPresent());
        return tags;
    }
}
