package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.replicator.graph.ArtifactGraph;
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
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A repository of a target while something is to be deleted there: what its tags name, and how one is deleted. What
 * they need is {@link TagNeeds}. For one use; {@link #named}, {@link #neededByBackup} and {@link #shownUnder} for all
 * threads.
 */
final class PrunedRepository {
    // What registries answer that know manifests by digest only: 405 UNSUPPORTED, or 400 DIGEST_INVALID.
    private static final Set<Integer> NOT_SUPPORTED = Set.of(400, 405);

    // What registries say of a repository that they do not have, or that has no tag any more.
    private static final Set<String> NO_REPOSITORY = Set.of("NAME_UNKNOWN", "NOT_FOUND");

    private static final int FORBIDDEN = 403;
    private static final int REQUESTS = 8;
    private static final long SHELF_BYTES = 1L << 20;

    /** Why manifests stay in a repository of which not all is known. */
    static final String UNKNOWN_TAGS =
            "the repository has tags that were not brought by this process, or moved since, or may have more than it lists";

    /** Why nothing is known of a repository whose list of tags is not there. */
    static String noList(NotFoundException answer) {
        return "the target's 404 to the question for its tags does not say that there is no such repository: "
                + answer.getMessage();
    }

    private static final String HELD =
            "the target keeps it, since another of its repositories, or another manifest, holds it";
    private static final String NOT_DELETED =
            "the target has it still, though it answered that there was nothing to delete";

    private final TargetSession session;
    private final TargetRepository repository;
    // Each tag is asked for once, not again for every tag that goes.
    private final Memo<Tag, Optional<Digest>> named;
    private final RepositoryDiscovery atTarget;
    private boolean mayHaveMore;

    PrunedRepository(TargetSession session, TargetRepository repository) {
        this.session = session;
        this.repository = repository;
        this.named = new Memo<>(this::resolve);
        this.atTarget = new RepositoryDiscovery(
                repository.reader(), GraphScope.WHOLE, new RequestLimit(REQUESTS), new ManifestShelf(SHELF_BYTES));
    }

    RepositoryName name() {
        return repository.name();
    }

    TargetRepository repository() {
        return repository;
    }

    /** What the remedy is where a registry deletes nothing. */
    static String remedy(RegistryException refusal) {
        return "the target refuses to delete it; allow that there (docker-registry:"
                + " REGISTRY_STORAGE_DELETE_ENABLED=true), or turn prune off in the rule: " + refusal.getMessage();
    }

    /**
     * Whether an answer to a deletion says that the target does not do it, for these credentials at least: it would be
     * the same the next time. What nobody answers, and credentials that are not taken (401), are other failures.
     */
    static boolean isRefusal(RegistryException answer) {
        return answer instanceof RefusedException
                || answer instanceof UnauthorizedException unauthorized && unauthorized.status() == FORBIDDEN;
    }

    /** What is the same of refusals for one reason: status and code. */
    static String answer(RegistryException refusal) {
        return refusal instanceof RefusedException refused
                ? refused.status() + " " + refused.code()
                : String.valueOf(FORBIDDEN);
    }

    /**
     * Whether an answer to a question for a manifest that the target has says that it is not to be had, or what was had
     * is none: it would be the same the next time.
     */
    static boolean isUnreadable(RegistryException answer) {
        return isRefusal(answer) || answer instanceof InvalidContentException;
    }

    /** What a tag names now. */
    Optional<Digest> resolve(Tag tag) throws IOException {
        return repository.reader().resolve(tag).map(Descriptor::digest);
    }

    /** What a tag named when it was first asked for here. */
    Optional<Digest> named(Tag tag) throws IOException {
        return named.get(tag);
    }

    /**
     * Returns when what was deleted does not come back by a crash.
     *
     * @throws CopyException if that cannot be written
     */
    void settle() throws IOException {
        CopyException.at(Side.TARGET, name(), "pruning " + session.name() + "/" + name(), () -> {
            repository.settle();
            return repository;
        });
    }

    /** Deletes a manifest; tells whether it is gone. A layout keeps what something else in it holds. */
    boolean delete(Digest digest) throws IOException {
        return repository.delete(digest) || repository.reader().resolve(digest).isEmpty();
    }

    /**
     * The manifests that one at the target names: its subject, and what it lists as an index; none if it is gone, empty
     * if the target has it and does not give it, or it cannot be read.
     *
     * @throws IOException if the target gives no answer
     */
    Optional<Set<Digest>> namedBy(Digest digest) throws IOException {
        try {
            return Optional.of(Manifest.parse(repository.reader().fetchManifest(digest)))
                    .map(manifest -> Stream.concat(manifest.subject().stream(), manifest.manifests().stream())
                            .map(Descriptor::digest)
                            .collect(Collectors.toSet()));
        } catch (NotFoundException e) {
            return Optional.of(Set.of());
        } catch (RegistryException e) {
            if (isUnreadable(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * What a cosign tag names, if that hangs on what the tag is about by the tag alone, and names no manifest itself.
     *
     * @throws IOException if the target gives no answer
     */
    Optional<Digest> signature(Tag tag) throws IOException {
        try {
            ManifestBytes bytes = repository.reader().fetchManifest(tag);
            Manifest manifest = Manifest.parse(bytes);
            return manifest.subject().isEmpty() && manifest.manifests().isEmpty()
                    ? Optional.of(bytes.digest())
                    : Optional.empty();
        } catch (RegistryException e) {
            if (isUnreadable(e) || e instanceof NotFoundException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Why a manifest stays that the target was told to delete, and did not refuse to. */
    String whyItStays() {
        return session.registry().isAtHand() ? HELD : NOT_DELETED;
    }

    /** Deletes a tag that is there; false if the target does not do that. */
    boolean deleteTag(Tag tag) throws IOException {
        if (session.deletesTags()) {
            try {
                if (repository.delete(tag)) {
                    session.noteTagDeleted();
                    return true;
                }
            } catch (RefusedException e) {
                if (!NOT_SUPPORTED.contains(e.status()) || session.hasDeletedTag()) {
                    throw e;
                }
                session.noteTagDeleteRefused();
            }
        }
        // One that says that it has no such thing may have meant a manifest of that name.
        return resolve(tag).isEmpty();
    }

    /**
     * Deletes what hangs by its name on a manifest that is gone: cosign's tags and the fallback tag, with what they
     * name where that is the only way. Not before the manifest, which may stay after all, and with it what attests it.
     *
     * @param spared what is not deleted so
     * @return what the target answered if it refuses to
     * @throws IOException if the target gives no answer
     */
    Optional<RegistryException> deleteAttached(Digest digest, Set<Tag> tags, Predicate<Digest> spared)
            throws IOException {
        List<Tag> attached = new ArrayList<>(CosignTags.of(digest));
        attached.add(digest.referrersTag());
        Optional<RegistryException> refusal = Optional.empty();
        for (Tag tag : attached) {
            try {
                if (tags.contains(tag)) {
                    deleteAttached(digest, tag, spared);
                }
            } catch (RegistryException e) {
                if (!isRefusal(e)) {
                    throw e;
                }
                refusal = Optional.of(e);
            }
        }
        return refusal;
    }

    private void deleteAttached(Digest subject, Tag tag, Predicate<Digest> spared) throws IOException {
        if (deleteTag(tag)) {
            return;
        }
        Optional<Digest> there = resolve(tag);
        if (there.isPresent() && !spared.test(there.get()) && isOnlyAbout(subject, tag, there.get())) {
            repository.delete(there.get());
        }
    }

    // Somebody else's may refer to something else, or be an index.
    private boolean isOnlyAbout(Digest subject, Tag tag, Digest named) throws IOException {
        if (AttachedTags.isList(tag)) {
            return true;
        }
        try {
            return edges(named)
                    .filter(edges -> edges.children().isEmpty()
                            && edges.subject().map(subject::equals).orElse(true))
                    .isPresent();
        } catch (RegistryException e) {
            if (isUnreadable(e)) {
                return false;
            }
            throw e;
        }
    }

    /** What the rule has left over here under some tag for less than its grace time. */
    Set<Digest> leftLately() throws IOException {
        Instant now = session.services().time().clock().instant();
        return session.journal().tags().leftovers(session.rule().name(), session.place(), name()).stream()
                .filter(leftover -> now.isBefore(
                        leftover.since().plus(session.rule().prune().grace())))
                .map(Leftover::digest)
                .collect(Collectors.toSet());
    }

    /**
     * What a manifest names, read once per run; empty if the target does not have it.
     *
     * @throws IOException if the target gives no answer, or does not give it ({@link #isUnreadable})
     */
    Optional<ManifestEdges> edges(Digest digest) throws IOException {
        return repository.edges(digest);
    }

    /**
     * Whether the target has a manifest, or does not say.
     *
     * @throws IOException if it gives no answer
     */
    boolean mayBeThere(Digest digest) throws IOException {
        try {
            return repository.reader().resolve(digest).isPresent();
        } catch (RegistryException e) {
            if (isUnreadable(e)) {
                return true;
            }
            throw e;
        }
    }

    /**
     * What a tag needs of which no rule knows: what the target shows to be under it if it is a backup tag, which may be
     * anybody's; empty if it is none, or not all of that is shown.
     */
    Optional<Set<Digest>> neededByBackup(Tag tag) throws IOException {
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

    /** What the target shows to be under a tag, of which some may lack; empty if it does not show what is there. */
    Optional<Set<Digest>> shownUnder(Tag tag) throws IOException {
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

    /** Whether there may be more tags than {@link #tags()} had: {@link TagPage#mayBeCut()}. */
    boolean mayHaveMoreTags() {
        return mayHaveMore;
    }

    /**
     * All tags, listed now. A repository that the target does not know has none, and may have what was brought there
     * all the same: many registries know none that has no tag, and a layout keeps manifests for all its repositories.
     *
     * @throws NotFoundException if the target does not say that it does not know the repository: a 404 in another form
     *     may be anybody's on the way, and says nothing of what is there
     */
    Set<Tag> tags() throws IOException {
        try {
            return listed();
        } catch (NotFoundException e) {
            if (session.registry().isAtHand() || NO_REPOSITORY.contains(e.code())) {
                return new TreeSet<>();
            }
            throw e;
        }
    }

    private Set<Tag> listed() throws IOException {
        Set<Tag> tags = new TreeSet<>();
        Set<String> cursors = new HashSet<>();
        Optional<String> cursor = Optional.empty();
        mayHaveMore = false;
        do {
            TagPage page = repository.reader().listTags(cursor);
            tags.addAll(page.tags());
            mayHaveMore |= page.mayBeCut();
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
