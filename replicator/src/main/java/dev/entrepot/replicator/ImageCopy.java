package dev.entrepot.replicator;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ImagePlan.Step;
import dev.entrepot.replicator.TallyCounter.Kind;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.journal.BroughtTag;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Copies one image to one target: blobs, manifests by digest, referrer sets, cosign tags, and when all of that is there
 * and verified, the tag. For one use.
 *
 * <p>All nodes are worked on at the same time, each on its own thread; a manifest waits for its children and its
 * subject. The graph's order makes every wait one for an earlier node, and no permit is held while waiting. When a node
 * fails, those that do not depend on it still arrive, so that the next run has less to do; the tag does not move.
 */
final class ImageCopy {
    // Each has a thread. Nodes wait only for such as come before them, which have begun before them.
    private static final int AT_ONCE = 64;

    private final TargetSession session;
    private final ImagePlan plan;
    private final ArtifactGraph graph;
    private final SourceTag source;
    private final TargetRepository repository;
    private final TallyCounter tally = new TallyCounter();
    private final BlobBringer blobs;
    private final ManifestPusher manifests;
    private final TagPublisher tags;
    private final Map<Digest, ImagePlan.Node> blobSteps = new HashMap<>();
    private final Map<Digest, ImagePlan.Node> manifestSteps = new HashMap<>();
    private final Map<Digest, CompletableFuture<Boolean>> done = new HashMap<>();
    private final Map<Digest, Integer> positions = new HashMap<>();

    ImageCopy(TargetSession session, ImagePlan plan, SourceTag source, ArtifactGraph graph) {
        this.session = session;
        this.plan = plan;
        this.graph = graph;
        this.source = source;
        this.repository = session.repository(plan.repository());
        this.blobs = new BlobBringer(session, repository, source.discovery().source(), tally);
        this.manifests = new ManifestPusher(session, repository, source.discovery(), graph, blobs, tally);
        this.tags = new TagPublisher(session, repository, plan, tally);
        // One digest may be of both kinds.
        plan.nodes()
                .forEach(node -> (node.manifest() ? manifestSteps : blobSteps)
                        .put(node.descriptor().digest(), node));
        for (GraphNode node : graph.nodes()) {
            positions.put(node.digest(), positions.size());
            done.put(node.digest(), new CompletableFuture<>());
        }
    }

    /** What was done so far, also if the copy failed. */
    Tally tally() {
        return tally.tally();
    }

    /**
     * Copies.
     *
     * @return the digest that the tag names at the target now
     * @throws CopyException if the tag was not moved, because of a node
     */
    Digest copy() throws IOException {
        try {
            repository.begin();
            Optional<ManifestBytes> trimmed = copyContent();
            Concurrently.map(
                    graph.nodes().stream()
                            .filter(node -> !node.referrers().isEmpty())
                            .filter(node -> plan.referrerSets().contains(node.digest()))
                            .toList(),
                    this::keepReferrers);
            for (CosignTag tag : graph.cosignTags()) {
                if (plan.tags().contains(tag.tag())) {
                    // Signatures that came meanwhile are not to be had again.
                    tags.requireUnmoved(tag.tag(), tag.manifest().digest());
                    tags.backUp(tag.tag());
                    // Later runs ask for the image's tag alone: one that was taken and lost would never be missed.
                    publish(graph.node(tag.manifest().digest()), tag.tag(), true);
                }
            }
            publishTag(trimmed);
            settle();
            Digest published = trimmed.map(ManifestBytes::digest)
                    .orElse(plan.tags().contains(source.tag()) ? graph.root().digest() : named());
            if (session.registry().isAtHand()) {
                requireNamed(published);
            }
            journal(published);
            return published;
        } finally {
            plan.nodes().stream()
                    .filter(node -> !node.manifest())
                    .forEach(node ->
                            repository.committed(node.descriptor().digest()).complete(false));
        }
    }

    // A tag that is right already may name a trimmed index.
    private Digest named() throws IOException {
        return repository
                .head(source.tag())
                .map(Descriptor::digest)
                .orElse(graph.root().digest());
    }

    // Where other programs write too, a name may have been taken by one of them before it was written.
    private void requireNamed(Digest published) throws IOException {
        for (CosignTag tag : graph.cosignTags()) {
            if (plan.tags().contains(tag.tag())) {
                tags.requireNamed(tag.manifest().digest(), tag.tag());
            }
        }
        if (plan.tags().contains(source.tag())) {
            tags.requireNamed(published, source.tag());
        }
    }

    private void settle() throws IOException {
        at(source.tag(), "writing " + source.tag(), () -> {
            repository.settle();
            return source;
        });
    }

    /**
     * Notes an image that is complete, when all of it outlasts a crash.
     *
     * @throws CopyException if the target cannot write it
     */
    void journal(Digest published) throws IOException {
        settle();
        List<CompletedTag.Node> nodes = graph.nodes().stream()
                .map(node -> node.dangling().isEmpty()
                        ? new CompletedTag.Node(node.digest(), node.fingerprint())
                        : CompletedTag.Node.lacking(node.digest(), node.fingerprint()))
                .toList();
        for (GraphNode node : graph.nodes()) {
            session.journal()
                    .content()
                    .blobsAt(
                            session.place(),
                            repository.name(),
                            node.blobs().stream().map(Descriptor::digest).toList());
        }
        CompletedTag complete = new CompletedTag(
                session.rule().name(),
                session.place(),
                session.rule().source().name(),
                plan.source(),
                plan.repository(),
                source.tag(),
                graph.root().digest(),
                published,
                session.rule().scopeKey(),
                nodes,
                List.of(),
                session.services().time().clock().instant());
        if (session.rule().prune().enabled()) {
            session.journal().tags().completeAndLeave(complete);
        } else {
            session.journal().tags().complete(complete);
        }
    }

    private Optional<ManifestBytes> copyContent() throws IOException {
        List<Optional<ManifestBytes>> results = Concurrently.map(graph.nodes(), AT_ONCE, this::copyNode);
        return results.stream().flatMap(Optional::stream).findFirst();
    }

    private Optional<ManifestBytes> copyNode(GraphNode node) throws IOException {
        CompletableFuture<Boolean> mine = future(node.digest());
        try {
            Concurrently.map(node.blobs(), AT_ONCE, blob -> {
                blobs.bring(step(blobSteps, blob.digest()));
                return blob;
            });
            List<Digest> before = new ArrayList<>(node.children());
            node.subject().filter(subject -> isEarlier(subject, node)).ifPresent(before::add);
            for (Digest digest : before) {
                if (!await(future(digest))) {
                    // The failure is reported where it happened.
                    mine.complete(false);
                    return Optional.empty();
                }
            }
            Optional<ManifestBytes> trimmed = pushOrTrim(node);
            commit(node);
            mine.complete(true);
            return trimmed;
        } finally {
            mine.complete(false);
        }
    }

    private ImagePlan.Node step(Map<Digest, ImagePlan.Node> steps, Digest digest) {
        ImagePlan.Node step = steps.get(digest);
        if (step == null) {
            throw new IllegalStateException(digest + " is not in the plan of " + plan.repository() + ":" + plan.tag());
        }
        return step;
    }

    private CompletableFuture<Boolean> future(Digest digest) {
        CompletableFuture<Boolean> future = done.get(digest);
        return future == null ? CompletableFuture.completedFuture(true) : future;
    }

    // A parent that holds the referrer of its own child, say, may put the subject later; it is not waited for then.
    private boolean isEarlier(Digest subject, GraphNode node) {
        Integer there = positions.get(subject);
        Integer here = positions.get(node.digest());
        return there != null && here != null && there < here;
    }

    private static boolean await(CompletableFuture<Boolean> future) throws IOException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a node below");
        } catch (ExecutionException e) {
            return false;
        }
    }

    private Optional<ManifestBytes> pushOrTrim(GraphNode node) throws IOException {
        if (step(manifestSteps, node.digest()).step() == Step.PRESENT) {
            if (session.verifiesDeep()) {
                manifests.verify(node.descriptor());
            }
            return Optional.empty();
        }
        try {
            manifests.push(node);
            return Optional.empty();
        } catch (ManifestPusher.SparseRefusedException e) {
            boolean root = node.digest().equals(graph.root().digest());
            if (!session.trims() || !root) {
                throw new CopyException(
                        Side.TARGET,
                        node.digest(),
                        session.name() + " refuses the index " + node.digest() + " without "
                                + node.omitted().size() + " of its platforms; copy or export all platforms"
                                + (root
                                        ? ", or let the index be trimmed: on-sparse-refused: trim in the rule,"
                                                + " --on-sparse-refused trim for an import"
                                        : ""),
                        e);
            }
            return Optional.of(trim(node));
        }
    }

    private ManifestBytes trim(GraphNode node) throws IOException {
        Set<Digest> kept = new HashSet<>(node.children());
        node.blobs().forEach(blob -> kept.add(blob.digest()));
        ManifestBytes original = manifests.bytes(node.digest());
        return at(node.digest(), "pushing a trimmed index for " + node.digest(), () -> {
            ManifestBytes trimmed = TrimmedIndex.of(original, kept);
            repository.push(trimmed, trimmed.digest());
            if (repository.pushed().add(trimmed.digest())) {
                tally.one(Kind.MANIFEST_PUSHED);
            }
            manifests.verify(trimmed.descriptor());
            return trimmed;
        });
    }

    private void commit(GraphNode node) {
        List<Digest> digests = node.blobs().stream().map(Descriptor::digest).toList();
        digests.forEach(blob -> repository.committed(blob).complete(true));
        session.journal().content().blobsAt(session.place(), repository.name(), digests);
    }

    private GraphNode keepReferrers(GraphNode node) throws IOException {
        new ReferrerKeeper(session)
                .ensure(
                        repository,
                        node.digest(),
                        graph.referrersOf(node),
                        manifests.tracks(node),
                        manifests::again,
                        tally);
        return node;
    }

    private void publishTag(Optional<ManifestBytes> trimmed) throws IOException {
        if (!plan.tags().contains(source.tag())) {
            return;
        }
        Digest wanted = trimmed.map(ManifestBytes::digest).orElse(graph.root().digest());
        if (session.rule().onConflict() != OnConflict.OVERWRITE) {
            tags.requireUnmoved(source.tag(), wanted);
        }
        tags.backUp(source.tag());
        session.journal()
                .tags()
                .bring(new BroughtTag(
                        session.rule().name(),
                        session.place(),
                        session.rule().source().name(),
                        plan.source(),
                        plan.repository(),
                        source.tag(),
                        wanted));
        // Later runs believe the journal about a tag that the rule calls immutable, and ask nobody.
        boolean asked = session.rule().immutableFilter().test(source.tag());
        if (trimmed.isPresent()) {
            tags.publish(trimmed.get(), source.tag(), asked);
            return;
        }
        publish(graph.root(), source.tag(), asked);
    }

    // What the manifest names may have been lost since it was taken by its digest.
    private void publish(GraphNode node, Tag tag, boolean asked) throws IOException {
        ManifestBytes bytes = manifests.bytes(node.digest());
        for (boolean unasked : List.of(false, true)) {
            try {
                tags.publish(bytes, tag, asked);
                return;
            } catch (CopyException e) {
                if (!(e.getCause() instanceof IOException cause) || !ManifestPusher.saysMissing(cause)) {
                    throw e;
                }
            }
            manifests.heal(node, unasked);
        }
        tags.publish(bytes, tag, asked);
    }

    private <T> T at(Object node, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, node, doing + " at " + session.name() + "/" + repository.name(), request);
    }
}
