package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.graph.DiscoveryException;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.GraphWalker;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.Memo;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.graph.WalkLimits;
import dev.entrepot.replicator.journal.BroughtTag;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A repository of a target while something is to be deleted there: what its tags name and need, and how one is deleted.
 * For one use, by one thread.
 *
 * <p>What rules know of tags that name what they brought or found is needed, and nothing can be said of a repository
 * that has tags of which no rule knows, or which are elsewhere by now. A backup tag, which says itself what it names,
 * needs what the target shows to be under it; so does a tag that is known only to rules which want a part of it, and
 * which none of them wrote.
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
    private final Memo<Tag, Optional<Set<Digest>>> shown;
    private final RepositoryDiscovery atTarget;

    PrunedRepository(TargetSession session, TargetRepository repository) {
        this.session = session;
        this.repository = repository;
        this.live = new Memo<>(this::resolve);
        this.backups = new Memo<>(this::neededByBackup);
        this.shown = new Memo<>(this::shownUnder);
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
     * What each of some manifests hangs on, or is needed by: its subject, an index that names it, and what a cosign tag
     * that names it is about.
     *
     * @param digests the manifests, which the target may no longer have
     * @param graph all that they hang on
     */
    Map<Digest, Set<Digest>> holders(Set<Digest> digests, Set<Digest> graph, Set<Tag> tags) throws IOException {
        Map<Digest, Set<Digest>> holders = new HashMap<>();
        for (Digest digest : digests) {
            try {
                Manifest manifest = Manifest.parse(repository.reader().fetchManifest(digest));
                manifest.subject()
                        .ifPresent(subject -> holders.computeIfAbsent(digest, key -> new HashSet<>())
                                .add(subject.digest()));
                for (Descriptor child : manifest.manifests()) {
                    holders.computeIfAbsent(child.digest(), key -> new HashSet<>())
                            .add(digest);
                }
            } catch (NotFoundException e) {
                // Nothing hangs on what is not there.
            }
        }
        for (Digest subject : graph) {
            for (Tag tag : CosignTags.of(subject)) {
                if (tags.contains(tag)) {
                    live.get(tag)
                            .ifPresent(named -> holders.computeIfAbsent(named, key -> new HashSet<>())
                                    .add(subject));
                }
            }
        }
        return holders;
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
        Map<Tag, List<CompletedTag>> others = new LinkedHashMap<>();
        for (CompletedTag known : session.journal().completedIn(session.place(), repository.name())) {
            if (!gone.contains(known.tag())) {
                others.computeIfAbsent(known.tag(), tag -> new ArrayList<>()).add(known);
            }
        }
        unknown.removeAll(others.keySet());
        for (Tag tag : unknown) {
            Optional<Set<Digest>> kept = backups.get(tag);
            if (kept.isEmpty()) {
                return Optional.empty();
            }
            needed.byAny().addAll(kept.get());
            needed.byKept().addAll(kept.get());
        }
        Map<Tag, List<BroughtTag>> brought = new HashMap<>();
        for (BroughtTag written : session.journal().broughtIn(session.place(), repository.name())) {
            brought.computeIfAbsent(written.tag(), tag -> new ArrayList<>()).add(written);
        }
        for (Optional<NeededByTag> one : Concurrently.map(
                others.entrySet(),
                other -> neededBy(
                        other.getKey(), other.getValue(), tags, brought.getOrDefault(other.getKey(), List.of())))) {
            if (one.isEmpty()) {
                return Optional.empty();
            }
            needed.byAny().addAll(one.get().digests());
            if (!due.contains(one.get().tag())) {
                needed.byKept().addAll(one.get().digests());
            }
        }
        return Optional.of(needed);
    }

    private record NeededByTag(Tag tag, Set<Digest> digests) {}

    // What rules know of a tag is right as long as it names what they brought or found there; each may know a part.
    private Optional<NeededByTag> neededBy(Tag tag, List<CompletedTag> known, Set<Tag> listed, List<BroughtTag> brought)
            throws IOException {
        Optional<Digest> there = listed.contains(tag) ? live.get(tag) : Optional.empty();
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
            Optional<Set<Digest>> more = shown.get(tag);
            if (more.isEmpty()) {
                return Optional.empty();
            }
            digests.addAll(more.get());
        }
        return Optional.of(new NeededByTag(tag, digests));
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
        return nodes(() -> atTarget.graph(there.get()));
    }

    // What the target shows to be under a tag, of which some may lack.
    private Optional<Set<Digest>> shownUnder(Tag tag) throws IOException {
        Optional<Descriptor> there = repository.reader().resolve(tag);
        return there.isEmpty()
                ? Optional.of(Set.of())
                : nodes(() -> GraphWalker.look(atTarget, there.get(), WalkLimits.DEFAULT));
    }

    /**
     * The manifests that the target shows to be under a tag, in an order in which they could be pushed; empty if it
     * shows less than all.
     */
    Optional<List<Digest>> nodesUnder(Tag tag) throws IOException {
        Optional<Descriptor> there = repository.reader().resolve(tag);
        if (there.isEmpty()) {
            return Optional.empty();
        }
        return nodes(() -> atTarget.graph(there.get())).map(List::copyOf);
    }

    private interface Graph {
        ArtifactGraph read() throws IOException;
    }

    private static Optional<Set<Digest>> nodes(Graph graph) throws IOException {
        try {
            return Optional.of(graph.read().nodes().stream()
                    .map(GraphNode::digest)
                    .collect(Collectors.toCollection(LinkedHashSet::new)));
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
