package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
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
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A repository of a target while something is to be deleted there: what its tags name and need, and how one is deleted.
 * For one use, by one thread.
 *
 * <p>What the journal lists under tags that are where it brought them is needed, and nothing can be said of a
 * repository that has tags which this process did not bring, or which are elsewhere by now. A backup tag, which says
 * itself what it names, needs what the target shows to be under it.
 */
final class PrunedRepository {
    // What registries answer that know manifests by digest only: 405 UNSUPPORTED, or 400 DIGEST_INVALID.
    private static final Set<Integer> NOT_SUPPORTED = Set.of(400, 405);

    private static final int REQUESTS = 8;
    private static final long SHELF_BYTES = 1L << 20;

    /** Why manifests stay in a repository of which not all is known. */
    static final String UNKNOWN_TAGS = "the repository has tags that were not brought by this process, or moved since";

    private final TargetSession session;
    private final TargetRepository repository;
    // Each tag is asked for once, not again for every tag that goes.
    private final Memo<Tag, Optional<Digest>> live;
    private final Memo<Tag, Optional<Set<Digest>>> backups;
    private final RepositoryDiscovery atTarget;

    PrunedRepository(TargetSession session, TargetRepository repository) {
        this.session = session;
        this.repository = repository;
        this.live = new Memo<>(this::resolve);
        this.backups = new Memo<>(this::neededByBackup);
        this.atTarget = new RepositoryDiscovery(
                repository.reader(), GraphScope.WHOLE, new RequestLimit(REQUESTS), new ManifestShelf(SHELF_BYTES));
    }

    /** What other tags need: all of them, and those that are not to be deleted. */
    record Needed(Set<Digest> byAny, Set<Digest> byKept) {}

    RepositoryName name() {
        return repository.name();
    }

    TargetRepository repository() {
        return repository;
    }

    /** What the remedy is where a registry deletes nothing. */
    static String remedy(RefusedException refusal) {
        return "the target refuses to delete it; allow that there (docker-registry:"
                + " REGISTRY_STORAGE_DELETE_ENABLED=true), or turn prune off in the rule: " + refusal.getMessage();
    }

    Optional<Digest> resolve(Tag tag) throws IOException {
        return repository.reader().resolve(tag).map(Descriptor::digest);
    }

    boolean delete(Digest digest) throws IOException {
        return repository.delete(digest);
    }

    /** Deletes a tag that is there; false if the target does not do that. */
    boolean deleteTag(Tag tag) throws IOException {
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

    /**
     * Deletes what hangs on a digest by its name: cosign's tags and the fallback tag, with what they name where that is
     * the only way.
     */
    void deleteAttached(Digest digest, Set<Tag> tags, Set<Digest> needed) throws IOException {
        List<Tag> attached = new ArrayList<>(CosignTags.of(digest));
        attached.add(digest.referrersTag());
        for (Tag tag : attached) {
            if (!tags.contains(tag) || deleteTag(tag)) {
                continue;
            }
            Optional<Digest> there = resolve(tag);
            if (there.isPresent() && !needed.contains(there.get())) {
                repository.delete(there.get());
            }
        }
    }

    /**
     * What tags need; empty if there are tags of which that is not known. The journal knows it of those that are still
     * where they were brought. Tags that are to be deleted need theirs until then: their deletion may fail.
     *
     * @param gone tags that need nothing any more
     * @param due tags that are to be deleted
     * @param tags all tags that the target lists
     */
    Optional<Needed> needed(Set<Tag> gone, Set<Tag> due, Set<Tag> tags) throws IOException {
        Needed needed = new Needed(new HashSet<>(), new HashSet<>());
        Set<Tag> unknown = new TreeSet<>(tags);
        unknown.removeIf(CosignTags::isAttached);
        unknown.removeAll(gone);
        List<CompletedTag> others = session.journal().completedIn(session.name(), repository.name()).stream()
                .filter(other -> !gone.contains(other.tag()))
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

    private static boolean isWhereItWasBrought(CompletedTag tag, Optional<Digest> live) {
        return live.isEmpty() || live.get().equals(tag.targetDigest());
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

    /**
     * All tags.
     *
     * @throws NotFoundException if the target no longer has the repository
     */
    Set<Tag> tags() throws IOException {
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
