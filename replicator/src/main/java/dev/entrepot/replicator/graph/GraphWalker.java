package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Discovers one graph, level by level: all nodes of a level at the same time, and of each node the manifest and what is
 * attached to it at the same time. Nodes are known by digest, so that a cycle of referrers ends, and a manifest that is
 * both a child and a referrer is found once. For one walk and one thread. Long, because all steps share what is known
 * so far.
 *
 * <p>Nothing is left out because of an error. What is left out: children of other platforms and referrers that the
 * scope does not want; entries of a fallback tag whose manifest is gone; and whatever a registry or a fallback tag
 * lists as a referrer that refers to something else (some registries answer the fallback tag with the subject itself);
 * and, for who only {@linkplain #look looks}, children that are not there.
 */
public final class GraphWalker {
    // Each has a thread.
    private static final int AT_ONCE = 64;

    private final RepositoryDiscovery discovery;
    private final WalkLimits limits;
    private final boolean toleratesAbsence;
    private final Map<Digest, Draft> drafts = new LinkedHashMap<>();
    // All that counts as a node, whether it was looked at or only named.
    private final Set<Digest> reached = ConcurrentHashMap.newKeySet();

    private GraphWalker(RepositoryDiscovery discovery, WalkLimits limits, boolean toleratesAbsence) {
        this.discovery = discovery;
        this.limits = limits;
        this.toleratesAbsence = toleratesAbsence;
    }

    /**
     * Discovers the graph of one root.
     *
     * @throws DiscoveryException naming the node that could not be discovered or that exceeds a limit
     * @throws IOException if the walk was interrupted
     */
    public static ArtifactGraph walk(RepositoryDiscovery discovery, Descriptor root, WalkLimits limits)
            throws IOException {
        return new GraphWalker(discovery, limits, false).walk(root);
    }

    /**
     * The same to look at, not to copy: children of indexes that the registry says it does not have, as one that got
     * some platforms only, count as {@linkplain GraphNode#omitted() omitted}.
     *
     * @throws DiscoveryException as {@link #walk} does, and if the root is not there
     * @throws IOException if the walk was interrupted
     */
    public static ArtifactGraph look(RepositoryDiscovery discovery, Descriptor root, WalkLimits limits)
            throws IOException {
        return new GraphWalker(discovery, limits, true).walk(root);
    }

    /** How a node was reached. */
    private enum Role {
        ROOT,
        CHILD,
        REFERRER,
        FALLBACK_REFERRER,
        COSIGN_TAG
    }

    /** One way in which a digest was reached. */
    private record Visit(
            Descriptor descriptor,
            Role role,
            Optional<Digest> from,
            Optional<CosignTag> tag,
            int indexDepth,
            int referrerDepth) {}

    /** A node whose edges are still being collected. */
    private record Draft(
            ManifestFacts facts,
            Attachments attachments,
            List<Digest> children,
            List<Descriptor> absent,
            List<Descriptor> blobs,
            List<Digest> referrers,
            List<CosignTag> cosignTags,
            List<Descriptor> dangling,
            int indexDepth,
            int referrerDepth) {}

    /** What a digest is. */
    private enum Kind {
        /** One with a draft. */
        MANIFEST,
        NOT_WANTED,
        BLOB,
        /** Listed by a fallback tag, and not there. */
        DANGLING,
        /** A child that is not there, where that is tolerated. */
        ABSENT
    }

    /** What became of one digest of a level; a manifest has a draft, and nothing else has. */
    private record Outcome(List<Visit> accepted, Optional<Draft> draft, Kind kind) {
        static Outcome of(List<Visit> accepted, Draft draft) {
            return new Outcome(accepted, Optional.of(draft), Kind.MANIFEST);
        }

        static Outcome without(List<Visit> accepted, Kind kind) {
            return new Outcome(accepted, Optional.empty(), kind);
        }
    }

    private ArtifactGraph walk(Descriptor root) throws IOException {
        List<Visit> level = List.of(new Visit(root, Role.ROOT, Optional.empty(), Optional.empty(), 0, 0));
        while (!level.isEmpty()) {
            Map<Digest, List<Visit>> byDigest = new LinkedHashMap<>();
            for (Visit visit : level) {
                checkDepth(visit);
                byDigest.computeIfAbsent(visit.descriptor().digest(), digest -> new ArrayList<>())
                        .add(visit);
            }
            List<Outcome> outcomes = Concurrently.map(byDigest.values(), AT_ONCE, this::discover);
            List<Visit> next = new ArrayList<>();
            for (Outcome outcome : outcomes) {
                next.addAll(settle(outcome));
            }
            level = next;
        }
        checkNesting();
        return finish(root.digest());
    }

    // What is reached in another way, too, as a referrer is that an index lists, was taken for less deep than it is.
    private void checkNesting() throws DiscoveryException {
        Set<Digest> nested = drafts.keySet();
        for (int depth = 0; depth <= limits.indexDepth(); depth++) {
            nested = nested.stream()
                    .flatMap(digest -> Stream.ofNullable(drafts.get(digest)))
                    .flatMap(draft -> draft.children().stream())
                    .collect(Collectors.toSet());
        }
        if (!nested.isEmpty()) {
            throw tooDeep(nested.iterator().next());
        }
    }

    private DiscoveryException tooDeep(Digest digest) {
        return new DiscoveryException(
                digest, "indexes are nested more than " + limits.indexDepth() + " deep at " + digest);
    }

    private void checkDepth(Visit visit) throws DiscoveryException {
        Digest digest = visit.descriptor().digest();
        if (visit.indexDepth() > limits.indexDepth()) {
            throw tooDeep(digest);
        }
        if (visit.referrerDepth() > limits.referrerDepth()) {
            throw new DiscoveryException(
                    digest, "a chain of referrers is longer than " + limits.referrerDepth() + " at " + digest);
        }
    }

    private Outcome discover(List<Visit> visits) throws IOException {
        Visit first = visits.getFirst();
        Digest digest = first.descriptor().digest();
        Draft known = drafts.get(digest);
        if (known != null) {
            return Outcome.of(accepted(visits, known.facts()), known);
        }
        // Nothing more is asked of a graph that will be refused.
        checkSize(digest);
        try {
            boolean certain = visits.stream().anyMatch(visit -> isCertain(visit.role()));
            // Of what may be absent nothing is asked that is attached to it.
            if (certain && first.descriptor().isManifest() && !toleratesAbsence) {
                return discoverBoth(digest, visits);
            }
            Optional<ManifestFacts> facts = discovery.manifest(digest);
            if (facts.isEmpty()) {
                return withoutManifest(visits);
            }
            List<Visit> accepted = accepted(visits, facts.get());
            return accepted.isEmpty()
                    ? Outcome.without(accepted, Kind.NOT_WANTED)
                    : outcome(accepted, facts.get(), discovery.attachments(digest));
        } catch (DiscoveryException e) {
            throw e;
        } catch (IOException e) {
            throw new DiscoveryException(digest.toString(), describe(first), e);
        }
    }

    private boolean isCertain(Role role) {
        return switch (role) {
            case ROOT, CHILD -> true;
            case REFERRER, COSIGN_TAG -> discovery.scope().referrers().allowsAll();
            case FALLBACK_REFERRER -> false;
        };
    }

    private Outcome discoverBoth(Digest digest, List<Visit> visits) throws IOException {
        List<IoFunction<Digest, ?>> questions = List.of(discovery::manifest, discovery::attachments);
        Concurrently.map(questions, question -> question.apply(digest));
        Attachments attachments = discovery.attachments(digest);
        Optional<ManifestFacts> facts = discovery.manifest(digest);
        if (facts.isEmpty()) {
            return withoutManifest(visits);
        }
        List<Visit> accepted = accepted(visits, facts.get());
        return accepted.isEmpty()
                ? Outcome.without(accepted, Kind.NOT_WANTED)
                : outcome(accepted, facts.get(), attachments);
    }

    private Outcome outcome(List<Visit> accepted, ManifestFacts facts, Attachments attachments)
            throws DiscoveryException {
        reach(facts);
        int indexDepth = accepted.stream().mapToInt(Visit::indexDepth).min().orElse(0);
        int referrerDepth =
                accepted.stream().mapToInt(Visit::referrerDepth).min().orElse(0);
        Draft draft = new Draft(
                facts,
                attachments,
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(facts.blobs()),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                indexDepth,
                referrerDepth);
        return Outcome.of(accepted, draft);
    }

    private void reach(ManifestFacts facts) throws DiscoveryException {
        Digest digest = facts.descriptor().digest();
        reached.add(digest);
        facts.blobs().forEach(blob -> reached.add(blob.digest()));
        facts.children().forEach(child -> reached.add(child.digest()));
        checkSize(digest);
    }

    private void checkSize(Digest digest) throws DiscoveryException {
        if (reached.size() > limits.nodes()) {
            throw new DiscoveryException(digest, "the graph has more than " + limits.nodes() + " nodes at " + digest);
        }
    }

    private Outcome withoutManifest(List<Visit> visits) throws IOException {
        Descriptor descriptor = visits.getFirst().descriptor();
        boolean onlyFallback = visits.stream().allMatch(visit -> visit.role() == Role.FALLBACK_REFERRER);
        if (onlyFallback) {
            return Outcome.without(visits, Kind.DANGLING);
        }
        boolean onlyChildren = visits.stream().allMatch(visit -> visit.role() == Role.CHILD);
        if (onlyChildren && !descriptor.isManifest() && discovery.hasBlob(descriptor.digest())) {
            return Outcome.without(visits, Kind.BLOB);
        }
        boolean mayBeAbsent =
                visits.stream().allMatch(visit -> visit.role() == Role.CHILD || visit.role() == Role.FALLBACK_REFERRER);
        if (mayBeAbsent && toleratesAbsence) {
            return Outcome.without(visits, Kind.ABSENT);
        }
        throw new NotFoundException(
                NotFoundException.Kind.MANIFEST,
                discovery.source().repository() + " answered that it does not have " + descriptor.digest());
    }

    private List<Visit> accepted(List<Visit> visits, ManifestFacts facts) {
        return visits.stream().filter(visit -> accepts(visit, facts)).toList();
    }

    private boolean accepts(Visit visit, ManifestFacts facts) {
        ReferrerFilter filter = discovery.scope().referrers();
        return switch (visit.role()) {
            case ROOT, CHILD -> true;
            case REFERRER, FALLBACK_REFERRER -> refers(visit, facts) && filter.allows(facts.types());
            case COSIGN_TAG -> {
                Set<String> types = new TreeSet<>(facts.types());
                visit.tag().flatMap(tag -> CosignTags.kind(tag.tag())).ifPresent(types::add);
                yield filter.allows(types);
            }
        };
    }

    // A list may be wrong about what a manifest refers to; the manifest is right. One that cannot be read to the end is
    // taken for what the list says.
    private static boolean refers(Visit visit, ManifestFacts facts) {
        return facts.subject().equals(visit.from())
                || facts.opaque() && facts.subject().isEmpty();
    }

    private List<Visit> settle(Outcome outcome) {
        for (Visit visit : outcome.accepted()) {
            boolean listedOnly = visit.role() == Role.FALLBACK_REFERRER && outcome.kind() == Kind.ABSENT;
            if (outcome.kind() == Kind.DANGLING || listedOnly) {
                noteDangling(visit);
            } else {
                link(visit, outcome.kind());
            }
        }
        if (outcome.draft().isEmpty()) {
            return List.of();
        }
        Draft draft = outcome.draft().get();
        Digest digest = draft.facts().descriptor().digest();
        if (drafts.putIfAbsent(digest, draft) != null) {
            return List.of();
        }
        return edges(digest, draft);
    }

    private void noteDangling(Visit visit) {
        Draft parent = visit.from().map(drafts::get).orElse(null);
        if (parent != null) {
            parent.dangling().add(visit.descriptor());
            discovery.noteDangling(
                    parent.facts().descriptor().digest(), visit.descriptor().digest());
        }
    }

    private void link(Visit visit, Kind kind) {
        Draft parent = visit.from().map(drafts::get).orElse(null);
        if (parent == null) {
            return;
        }
        Digest digest = visit.descriptor().digest();
        switch (visit.role()) {
            case ROOT -> {}
            case CHILD -> {
                switch (kind) {
                    case BLOB -> parent.blobs().add(visit.descriptor());
                    case ABSENT -> parent.absent().add(visit.descriptor());
                    case MANIFEST -> parent.children().add(digest);
                    case NOT_WANTED, DANGLING -> {}
                }
            }
            case REFERRER, FALLBACK_REFERRER -> parent.referrers().add(digest);
            case COSIGN_TAG -> visit.tag().ifPresent(parent.cosignTags()::add);
        }
    }

    private static List<Visit> edges(Digest from, Draft draft) {
        List<Visit> visits = new ArrayList<>();
        Optional<Digest> parent = Optional.of(from);
        for (Descriptor child : draft.facts().children()) {
            visits.add(new Visit(
                    child, Role.CHILD, parent, Optional.empty(), draft.indexDepth() + 1, draft.referrerDepth()));
        }
        Referrers referrers = draft.attachments().referrers();
        Role role = referrers.origin() == Referrers.Origin.FALLBACK_TAG ? Role.FALLBACK_REFERRER : Role.REFERRER;
        for (Descriptor referrer : referrers.descriptors()) {
            if (!referrer.digest().equals(from)) {
                visits.add(new Visit(referrer, role, parent, Optional.empty(), 0, draft.referrerDepth() + 1));
            }
        }
        for (CosignTag tag : draft.attachments().cosignTags()) {
            visits.add(
                    new Visit(tag.manifest(), Role.COSIGN_TAG, parent, Optional.of(tag), 0, draft.referrerDepth() + 1));
        }
        return visits;
    }

    private ArtifactGraph finish(Digest root) {
        Map<Digest, GraphNode> nodes = new LinkedHashMap<>();
        drafts.forEach((digest, draft) -> nodes.put(digest, finish(draft)));
        return new ArtifactGraph(root, nodes);
    }

    // In an order of its own, whatever the order in which answers and lists came: the same content gives the same
    // graph.
    private static GraphNode finish(Draft draft) {
        ManifestFacts facts = draft.facts();
        Set<Digest> children = Set.copyOf(draft.children());
        return new GraphNode(
                facts.descriptor(),
                facts.children().stream()
                        .map(Descriptor::digest)
                        .filter(children::contains)
                        .toList(),
                draft.absent().isEmpty() ? facts.omitted() : omitted(draft),
                // Mostly the very list that is remembered already.
                draft.blobs().equals(facts.blobs()) ? facts.blobs() : draft.blobs(),
                facts.subject(),
                draft.referrers().stream().distinct().sorted().toList(),
                draft.cosignTags().stream()
                        .distinct()
                        .sorted(Comparator.comparing(CosignTag::tag))
                        .toList(),
                facts.types(),
                draft.dangling(),
                draft.attachments().without(digests(draft.dangling())).fingerprint());
    }

    private static Set<Digest> digests(List<Descriptor> descriptors) {
        return descriptors.stream().map(Descriptor::digest).collect(Collectors.toSet());
    }

    private static List<Descriptor> omitted(Draft draft) {
        List<Descriptor> omitted = new ArrayList<>(draft.facts().omitted());
        omitted.addAll(draft.absent());
        return omitted;
    }

    private static String describe(Visit visit) {
        String digest = visit.descriptor().digest().toString();
        String from = visit.from().map(parent -> " of " + parent).orElse("");
        return switch (visit.role()) {
            case ROOT -> "discovering the root " + digest;
            case CHILD -> "discovering the child " + digest + from;
            case REFERRER, FALLBACK_REFERRER -> "discovering the referrer " + digest + from;
            case COSIGN_TAG ->
                "discovering " + digest + " behind the tag "
                        + visit.tag().map(tag -> tag.tag().value()).orElse("") + from;
        };
    }
}
