package dev.entrepot.replicator;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ImagePlan.Action;
import dev.entrepot.replicator.ImagePlan.Step;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.DiscoveryException;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Plans one target: compares each tag of the source with what the target has, and says what is missing. Changes
 * nothing.
 */
final class TargetPlanner {
    // Tags being compared at once; bounds the memory of threads and requests in flight, not the number of requests.
    private static final int WINDOW = 64;
    // Questions about one graph at once, each with its thread.
    private static final int AT_ONCE = 64;
    // What is read back at once: each is a stream that may be long.
    private static final int READS = 8;

    private final TargetSession session;
    private final ReplicationRule rule;
    private final ImageDiscovery discovery;
    private final Predicate<Tag> immutable;
    private final RequestLimit reads = new RequestLimit(READS);

    TargetPlanner(TargetSession session) {
        this.session = session;
        this.rule = session.rule();
        this.discovery = new ImageDiscovery(rule);
        this.immutable = rule.immutableFilter();
    }

    /** Plans all images, in their order; one that cannot be planned becomes a plan that says so. */
    List<ImageWork> plan(List<SourceTag> tags) throws IOException {
        Map<Place, Set<RepositoryName>> sources = new HashMap<>();
        for (SourceTag tag : tags) {
            place(tag)
                    .ifPresent(place -> sources.computeIfAbsent(place, key -> new TreeSet<>())
                            .add(tag.repository()));
        }
        List<ImageWork> first = Concurrently.map(tags, WINDOW, tag -> planned(tag, sources));
        // Of a graph that another one has cast doubt on meanwhile nothing is written.
        List<ImageWork> works = Concurrently.map(
                first, WINDOW, work -> isDoubtful(work) ? planned(work.tag().orElseThrow(), sources) : work);
        return new BlobAssignment(session).assign(works);
    }

    private static boolean isDoubtful(ImageWork work) {
        if (work.tag().isEmpty()) {
            return false;
        }
        SourceTag tag = work.tag().get();
        return work.graph().map(tag.discovery()::isDoubtful).orElseGet(tag::isDoubtful);
    }

    /** A tag at the target. */
    private record Place(RepositoryName repository, Tag tag) {}

    private Optional<Place> place(SourceTag tag) {
        try {
            return Optional.of(new Place(session.nameFor(tag.repository()), tag.tag()));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private ImageWork planned(SourceTag tag, Map<Place, Set<RepositoryName>> sources) throws IOException {
        RepositoryName name = tag.repository();
        try {
            name = session.nameFor(tag.repository());
            Set<RepositoryName> sameName = sources.getOrDefault(new Place(name, tag.tag()), Set.of());
            if (sameName.size() > 1) {
                // Each run would put another of them there.
                String cause = sameName.stream().map(RepositoryName::value).collect(Collectors.joining(" and "))
                        + " both have the tag " + tag.tag() + ", and both are " + name + " at " + session.name()
                        + "; give them different names there (map), or leave one out";
                return fail(
                        tag, name, new ItemReport.Failure(Side.LOCAL, tag.tag().value(), cause));
            }
            return plan(tag, session.repository(name));
        } catch (CopyException e) {
            return fail(tag, name, e.failure());
        } catch (InvalidNameException e) {
            String cause = "the name at " + session.name() + " is not valid: " + e.getMessage();
            return fail(tag, name, new ItemReport.Failure(Side.LOCAL, tag.tag().value(), cause));
        }
    }

    private ImageWork plan(SourceTag tag, TargetRepository repository) throws IOException {
        Optional<CompletedTag> record = usable(tag, repository);
        Optional<CompletedTag> kept = known(record).filter(completed -> immutable.test(tag.tag()));
        return kept.isPresent()
                ? plan(tag, repository, record, kept.get())
                : plan(tag, repository, record, discovery.root(tag));
    }

    // Of a tag that is not to move what was copied of it is compared, never what it names by now.
    private ImageWork plan(SourceTag tag, TargetRepository repository, Optional<CompletedTag> record, CompletedTag kept)
            throws IOException {
        boolean asks = rule.readsImmutable() || !isStillThere(kept, repository);
        if (!asks && !kept.isLacking()) {
            return settled(tag, repository, kept.sourceDigest(), Action.UP_TO_DATE, "immutable and complete");
        }
        Optional<Descriptor> root = keptRoot(tag, kept);
        if (root.isPresent()) {
            return plan(tag, repository, record, root.get());
        }
        return asks
                ? readBack(tag, repository, kept)
                : settled(
                        tag,
                        repository,
                        kept.sourceDigest(),
                        Action.UP_TO_DATE,
                        "immutable and complete but for referrers that the source did not have; it does not have the"
                                + " image any more");
    }

    // What an earlier version noted without its registry is compared once; so is everything when a rule gets another
    // source.
    private Optional<CompletedTag> known(Optional<CompletedTag> record) {
        return record.filter(completed -> completed.isFrom(rule.source().name()));
    }

    // What the tag is to name at the target: what was copied of it, whatever it names at the source by now; empty if
    // the source does not have all of that any more.
    private Optional<Descriptor> keptRoot(SourceTag tag, CompletedTag kept) throws IOException {
        Digest wanted = kept.sourceDigest();
        Optional<Descriptor> now = atSource(tag.reference(), "resolving " + tag.reference(), tag::root);
        if (now.map(Descriptor::digest).equals(Optional.of(wanted))) {
            return now;
        }
        tag.noteMoved(new SourceTag.Moved(wanted, now.map(Descriptor::digest)));
        Optional<Descriptor> root = atSource(wanted, "resolving " + wanted, () -> tag.named(wanted));
        try {
            if (root.isPresent()) {
                discovery.graph(tag, root.get());
            }
        } catch (CopyException e) {
            if (e.getCause() instanceof DiscoveryException cause && SourcelessImage.isAnswer(cause)) {
                return Optional.empty();
            }
            throw e;
        }
        return root;
    }

    private ImageWork readBack(SourceTag tag, TargetRepository repository, CompletedTag kept) throws IOException {
        Optional<Descriptor> live = atTarget(tag.tag(), () -> repository.head(tag.tag()));
        Optional<Digest> other = live.map(Descriptor::digest).filter(there -> !there.equals(kept.targetDigest()));
        if (other.isPresent() && rule.onConflict() == OnConflict.KEEP) {
            return settled(
                    tag, repository, kept.sourceDigest(), Action.SKIP, "the target has " + other.get() + ", kept");
        }
        new SourcelessImage(session, repository, kept, reads).requireWhole(live);
        return settled(
                tag,
                repository,
                kept.sourceDigest(),
                Action.UP_TO_DATE,
                "immutable, read back and complete; the source does not have it any more");
    }

    private ImageWork plan(SourceTag tag, TargetRepository repository, Optional<CompletedTag> record, Descriptor root)
            throws IOException {
        Optional<CompletedTag> known = known(record);
        Optional<Digest> live =
                atTarget(tag.tag(), () -> named(repository, tag.tag())).map(Descriptor::digest);
        // What is to be read back is not taken for complete because it once was.
        if (known.isPresent() && !session.verifiesDeep() && isCurrent(known.get(), tag, root, live)) {
            return settled(
                    tag,
                    repository,
                    root.digest(),
                    Action.UP_TO_DATE,
                    "complete since " + known.get().at());
        }
        boolean trimmed = record.isPresent()
                && record.get().sourceDigest().equals(root.digest())
                && live.equals(Optional.of(record.get().targetDigest()));
        boolean moves = !live.equals(Optional.of(root.digest())) && !trimmed;
        // What this rule itself brought last moves with the source.
        Optional<Digest> conflict =
                moves && live.isPresent() && !isOurs(tag, repository, live.get()) ? live : Optional.empty();
        if (conflict.isPresent() && rule.onConflict() == OnConflict.KEEP) {
            return settled(tag, repository, root.digest(), Action.SKIP, "the target has " + live.get() + ", kept");
        }
        ArtifactGraph graph = discovery.graph(tag, root);
        Optional<String> dropped = discovery.dropped(graph);
        if (dropped.isPresent()) {
            return settled(tag, repository, root.digest(), Action.SKIP, dropped.get());
        }
        if (conflict.isPresent() && rule.onConflict() == OnConflict.FAIL) {
            throw new CopyException(
                    Side.TARGET,
                    tag.tag(),
                    session.name() + " has " + live.get() + " under this tag, which this rule did not bring");
        }
        return compare(tag, repository, graph, live, conflict, moves);
    }

    // Where something may have to be kept, a list that is wrong or late is not enough to take a tag for absent.
    private Optional<Descriptor> named(TargetRepository repository, Tag tag) throws IOException {
        return rule.onConflict() == OnConflict.OVERWRITE && repository.isUnknown()
                ? Optional.empty()
                : repository.head(tag);
    }

    // The rule's own, else what another rule knows of the same.
    private Optional<CompletedTag> usable(SourceTag tag, TargetRepository repository) throws IOException {
        Optional<CompletedTag> usable = Optional.empty();
        for (CompletedTag noted : session.journal().tags().completed(session.place(), repository.name(), tag.tag())) {
            if (isUsable(noted, tag) && (usable.isEmpty() || noted.rule().equals(rule.name()))) {
                usable = Optional.of(noted);
            }
        }
        return usable;
    }

    private boolean isUsable(CompletedTag noted, SourceTag tag) {
        return noted.scope().equals(rule.scopeKey()) && isFromHere(noted.registry(), noted.source(), tag);
    }

    // A file on a disk of this machine may have been carried away, and to see that costs no request.
    private boolean isStillThere(CompletedTag known, TargetRepository repository) throws IOException {
        return !session.registry().isAtHand()
                || atTarget(known.tag(), () -> repository.head(known.tag()))
                        .map(Descriptor::digest)
                        .equals(Optional.of(known.targetDigest()));
    }

    private boolean isOurs(SourceTag tag, TargetRepository repository, Digest there) throws IOException {
        return session.journal().tags().broughtIn(session.place(), repository.name(), tag.tag()).stream()
                .anyMatch(brought -> brought.rule().equals(rule.name())
                        && isFromHere(brought.registry(), brought.source(), tag)
                        && brought.digest().equals(there));
    }

    private boolean isFromHere(String registry, RepositoryName source, SourceTag tag) {
        return (registry.equals(rule.source().name()) || registry.isEmpty()) && source.equals(tag.repository());
    }

    private boolean isCurrent(CompletedTag record, SourceTag tag, Descriptor root, Optional<Digest> live)
            throws IOException {
        Instant now = session.services().time().clock().instant();
        // One from the future was noted by a clock that was wrong, and would count for as long.
        boolean young = !record.at().isAfter(now)
                && now.isBefore(record.at().plus(session.services().recheck()));
        boolean same = record.sourceDigest().equals(root.digest()) && live.equals(Optional.of(record.targetDigest()));
        return young
                && same
                && atSource(root.digest(), "comparing what is attached", () -> tag.attachesTheSameAs(record));
    }

    private ImageWork compare(
            SourceTag tag,
            TargetRepository repository,
            ArtifactGraph graph,
            Optional<Digest> live,
            Optional<Digest> conflict,
            boolean moves)
            throws IOException {
        List<ImagePlan.Node> nodes = new ArrayList<>(Concurrently.map(
                graph.blobs(),
                AT_ONCE,
                blob -> node(blob, false, atTarget(blob.digest(), () -> has(repository, blob)))));
        nodes.addAll(Concurrently.map(
                graph.nodes(),
                AT_ONCE,
                manifest -> node(
                        manifest.descriptor(),
                        true,
                        atTarget(manifest.digest(), () -> hasManifest(repository, manifest.descriptor())))));
        List<ImagePlan.Node> absent =
                nodes.stream().filter(node -> node.step() != Step.PRESENT).toList();
        Set<Digest> absentManifests = absent.stream()
                .filter(ImagePlan.Node::manifest)
                .map(node -> node.descriptor().digest())
                .collect(Collectors.toSet());
        List<Digest> sets = Concurrently.map(
                        graph.nodes().stream()
                                .filter(node -> !node.referrers().isEmpty())
                                .toList(),
                        AT_ONCE,
                        node -> lacks(repository, node, absentManifests)
                                ? Optional.of(node.digest())
                                : Optional.<Digest>empty())
                .stream()
                .flatMap(Optional::stream)
                .toList();
        CosignTagPlanner.Result cosign = new CosignTagPlanner(session, repository, tag).plan(graph);
        List<Tag> tags = new ArrayList<>(cosign.written());
        List<ImagePlan.Backup> backups = new ArrayList<>(cosign.backups());
        if (moves) {
            tags.add(tag.tag());
            conflict.filter(old -> rule.onConflict() == OnConflict.BACKUP)
                    .ifPresent(
                            old -> backups.add(new ImagePlan.Backup(tag.tag(), ImagePlan.Backup.name(tag.tag(), old))));
        }
        boolean trimmed = !moves && !live.equals(Optional.of(graph.root().digest()));
        boolean readable = !trimmed
                || !session.verifiesDeep()
                || atTarget(
                        tag.tag(),
                        () -> repository.isWholeManifest(
                                repository.head(tag.tag()).orElseThrow()));
        boolean complete = readable
                && sets.isEmpty()
                && tags.isEmpty()
                && absent.stream()
                        .allMatch(node -> trimmed
                                && node.manifest()
                                && node.descriptor()
                                        .digest()
                                        .equals(graph.root().digest()));
        String reason = complete ? "compared and complete" : reason(live, moves, absent.size(), sets.size());
        return new ImageWork(
                new ImagePlan(
                        tag.repository(),
                        repository.name(),
                        tag.tag().value(),
                        Optional.of(graph.root().digest()),
                        complete ? settledAs(cosign) : Action.COPY,
                        Stream.concat(Stream.of(reason), cosign.notes().stream())
                                .collect(Collectors.joining("; ")),
                        Optional.empty(),
                        nodes,
                        sets,
                        tags,
                        backups),
                Optional.of(tag),
                Optional.of(graph));
    }

    private boolean has(TargetRepository repository, Descriptor blob) throws IOException {
        return repository.hadBlob(blob) && (!session.verifiesDeep() || reads.send(() -> repository.wasWhole(blob)));
    }

    private boolean hasManifest(TargetRepository repository, Descriptor manifest) throws IOException {
        return repository.hadManifest(manifest)
                && (!session.verifiesDeep() || reads.send(() -> repository.isWholeManifest(manifest)));
    }

    // A conflict that is kept is worth a line in the report.
    private static Action settledAs(CosignTagPlanner.Result cosign) {
        return cosign.notes().isEmpty() ? Action.UP_TO_DATE : Action.SKIP;
    }

    private boolean lacks(TargetRepository repository, GraphNode node, Set<Digest> absent) throws IOException {
        return node.referrers().stream().anyMatch(absent::contains)
                || !atTarget(
                                node.digest(),
                                () -> ReferrerKeeper.missing(repository, node.digest(), Set.copyOf(node.referrers())))
                        .isEmpty();
    }

    private static String reason(Optional<Digest> live, boolean moves, int absent, int sets) {
        if (moves) {
            return live.map(old -> "the tag moves from " + old).orElse("the target does not have the tag");
        }
        return "the tag is right, and " + absent + " nodes and " + sets + " referrer sets under it are not complete";
    }

    private static ImagePlan.Node node(Descriptor descriptor, boolean manifest, boolean present) {
        return ImagePlan.Node.of(descriptor, manifest, present ? Step.PRESENT : Step.PUSH);
    }

    private static ImageWork settled(
            SourceTag tag, TargetRepository repository, Digest digest, Action action, String reason) {
        return new ImageWork(
                ImagePlan.without(
                        tag.repository(), repository.name(), tag.tag().value(), Optional.of(digest), action, reason),
                Optional.of(tag),
                Optional.empty());
    }

    private static ImageWork fail(SourceTag tag, RepositoryName name, ItemReport.Failure failure) {
        return new ImageWork(
                ImagePlan.failed(tag.repository(), name, tag.tag().value(), failure),
                Optional.of(tag),
                Optional.empty());
    }

    private <T> T atSource(Object node, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.SOURCE, node, doing, request);
    }

    private <T> T atTarget(Object node, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(Side.TARGET, node, "asking " + session.name() + " for " + node, request);
    }
}
