package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPages;
import java.io.IOException;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * Asks one source repository each question at most once per run and remembers the answer, also if it is a failure: its
 * tag list, what a tag names, what a manifest says, what is attached to it. Safe for all threads.
 */
public final class RepositoryDiscovery {
    private final RepositorySource source;
    private final GraphScope scope;
    private final RequestLimit limit;
    private final ManifestShelf shelf;
    private final boolean insists;
    private final ConcurrentSkipListMap<Digest, SortedSet<Digest>> dangling = new ConcurrentSkipListMap<>();
    private final OneOfEach values = new OneOfEach();
    private final Memo<ManifestReference, Optional<Descriptor>> resolved = new Memo<>(this::askResolve);
    private final Memo<Digest, Optional<ManifestFacts>> manifests = new Memo<>(this::askManifest);
    private final Memo<Digest, Attachments> attachments = new Memo<>(this::askAttachments);
    private final Memo<RepositoryName, TagPages.Listed> tags = new Memo<>(name -> askTags());
    private final Memo<RepositoryName, TagPages.Listed> tagsAgain = new Memo<>(name -> askTags());
    private final Memo<Digest, Attachments> attachmentsAgain = new Memo<>(this::askAttachments);
    private final Memo<Descriptor, ArtifactGraph> graphs = new Memo<>(this::walk);
    private final Memo<Descriptor, ArtifactGraph> graphsAgain = new Memo<>(this::walk);
    // Graphs with a node of which it was answered that there is no referrers API, walked before any answer was a list.
    private final Set<ArtifactGraph> unlisted = ConcurrentHashMap.newKeySet();
    private volatile boolean lists;
    // Whether what was answered first of a manifest was a list of the API.
    private final ConcurrentHashMap<Digest, Boolean> isListed = new ConcurrentHashMap<>();

    /**
     * Of one repository.
     *
     * @param scope what of the graphs is wanted
     * @param limit the requests that may run at once; may be shared with other repositories
     * @param shelf keeps manifests that were read; may be shared with other repositories
     */
    public RepositoryDiscovery(RepositorySource source, GraphScope scope, RequestLimit limit, ManifestShelf shelf) {
        this(source, scope, limit, shelf, false);
    }

    private RepositoryDiscovery(
            RepositorySource source, GraphScope scope, RequestLimit limit, ManifestShelf shelf, boolean insists) {
        this.source = source;
        this.scope = scope;
        this.limit = limit;
        this.shelf = shelf;
        this.insists = insists;
    }

    /**
     * The same, not answered yet, for who copies: of what the tag list names it does not believe that it is not there,
     * unless a second list does not name it. Else a signature would be left out for one wrong answer.
     */
    public RepositoryDiscovery insisting() {
        return new RepositoryDiscovery(source, scope, limit, shelf, true);
    }

    /** The repository. */
    public RepositorySource source() {
        return source;
    }

    /** What of the graphs is wanted. */
    GraphScope scope() {
        return scope;
    }

    /**
     * All tags, those of cosign and of referrers included, in the source's order.
     *
     * @throws RegistryException if the list is not to be had; a part of it is never returned
     */
    public Set<Tag> tags() throws IOException {
        return Collections.unmodifiableSet(list().tags());
    }

    /**
     * Whether the source may have more tags than {@link #tags()}, which no list says: what is not in it need not be
     * gone.
     *
     * @throws RegistryException as there
     */
    public boolean tagsMayBeCut() throws IOException {
        return list().mayBeCut();
    }

    private TagPages.Listed list() throws IOException {
        return tags.get(source.repository().name());
    }

    /**
     * What a tag or digest names, or empty if the source answered that there is no such manifest.
     *
     * @throws RegistryException if the source gave no answer
     */
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return resolved.get(reference);
    }

    /**
     * The bytes of a manifest.
     *
     * @throws RegistryException if the source gave no answer or does not have it
     */
    public ManifestBytes bytes(Digest digest) throws IOException {
        Optional<ManifestBytes> kept = shelf.get(digest);
        if (kept.isPresent()) {
            return kept.get();
        }
        ManifestBytes bytes = limit.send(() -> source.fetchManifest(digest));
        shelf.put(bytes);
        return bytes;
    }

    /**
     * What is attached to a manifest: one referrers request, and one HEAD for each cosign tag that the tag list has;
     * where there is no list, or one that may be cut, one HEAD for each that there could be. That there is no referrers
     * API is asked once more where the repository has listed referrers of another manifest: who asks it takes anything
     * but a list, or an answer about the manifest, for an outage then.
     *
     * @throws RegistryException if the source gave no answer; where this {@linkplain #insisting() insists}, also if it
     *     lists a cosign tag or fallback tag of the manifest twice and twice answers that it does not have it
     */
    public Attachments attachments(Digest digest) throws IOException {
        Attachments first = attachments.get(digest);
        isListed.put(digest, isListed(first));
        return lists && !isListed(first) ? attachmentsAgain.get(digest) : first;
    }

    private static boolean isListed(Attachments found) {
        return found.referrers().origin() == Referrers.Origin.API;
    }

    /**
     * What is attached to a manifest, without what its fallback tag lists and the source does not have: one GET for
     * each manifest in such a list that is not known.
     *
     * @param known manifests that need not be looked for
     * @throws RegistryException if the source gave no answer
     */
    public Attachments attachmentsThere(Digest digest, Set<Digest> known) throws IOException {
        Attachments listed = attachments(digest);
        Set<Digest> gone = new HashSet<>();
        if (listed.referrers().origin() == Referrers.Origin.FALLBACK_TAG) {
            for (Descriptor entry : listed.referrers().descriptors()) {
                if (!known.contains(entry.digest()) && manifest(entry.digest()).isEmpty()) {
                    gone.add(entry.digest());
                    noteDangling(digest, entry.digest());
                }
            }
        }
        return listed.without(gone);
    }

    /**
     * What fallback tags were found to list although the source does not have it, by subject, as far as this was asked.
     */
    public SortedMap<Digest, SortedSet<Digest>> dangling() {
        return Collections.unmodifiableSortedMap(dangling);
    }

    void noteDangling(Digest subject, Digest gone) {
        dangling.computeIfAbsent(subject, key -> new ConcurrentSkipListSet<>()).add(gone);
    }

    /**
     * The whole graph of a root; tags that name the same have one graph, or two of which the first is
     * {@linkplain #isDoubtful doubtful}.
     *
     * @throws DiscoveryException naming the node that could not be discovered
     * @throws IOException if the walk was interrupted
     */
    public ArtifactGraph graph(Descriptor root) throws IOException {
        ArtifactGraph first = graphs.get(root);
        return isDoubtful(first) ? graphsAgain.get(root) : first;
    }

    /**
     * Whether a graph of this repository was discovered with an answer that there is no referrers API, and the
     * repository has listed referrers since: it is to be discovered again.
     */
    public boolean isDoubtful(ArtifactGraph graph) {
        return lists && unlisted.contains(graph);
    }

    /**
     * Whether it was answered of a manifest that there is no referrers API, and the repository has listed referrers
     * since.
     */
    public boolean isDoubtful(Digest manifest) {
        return lists && !isListed.getOrDefault(manifest, true);
    }

    private ArtifactGraph walk(Descriptor root) throws IOException {
        boolean listed = lists;
        ArtifactGraph graph = GraphWalker.walk(this, root, WalkLimits.DEFAULT);
        for (GraphNode node : listed ? List.<GraphNode>of() : graph.nodes()) {
            if (!isListed(attachments.get(node.digest()))) {
                unlisted.add(graph);
            }
        }
        return graph;
    }

    /** What a manifest says, or empty if the source has no such manifest. */
    Optional<ManifestFacts> manifest(Digest digest) throws IOException {
        return manifests.get(digest);
    }

    /** Whether the source has this as a blob. */
    boolean hasBlob(Digest digest) throws IOException {
        return limit.send(() -> source.statBlob(digest)).isPresent();
    }

    private Optional<Descriptor> askResolve(ManifestReference reference) throws IOException {
        return limit.send(() -> source.resolve(reference)).map(values::descriptor);
    }

    private Optional<ManifestFacts> askManifest(Digest digest) throws IOException {
        try {
            return Optional.of(ManifestFacts.read(bytes(digest), scope).with(values));
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    private Attachments askAttachments(Digest digest) throws IOException {
        Optional<Set<Tag>> known = knownTags();
        Referrers answer = askReferrers(digest, known.orElse(Set.of()));
        Referrers referrers = new Referrers(
                answer.origin(),
                answer.descriptors().stream().map(values::descriptor).toList());
        boolean whole = known.isPresent() && !tagsMayBeCut();
        List<Tag> candidates = CosignTags.of(digest).stream()
                .filter(tag -> !whole || known.get().contains(tag))
                .toList();
        List<Optional<CosignTag>> found = candidates.isEmpty()
                ? List.of()
                : Concurrently.map(
                        candidates,
                        tag -> resolveListed(
                                        tag, known.isPresent() && known.get().contains(tag))
                                .map(manifest -> new CosignTag(tag, manifest)));
        return new Attachments(
                referrers, found.stream().flatMap(Optional::stream).toList());
    }

    private Referrers askReferrers(Digest digest, Set<Tag> known) throws IOException {
        Referrers answer = limit.send(() -> source.referrers(digest, shelf));
        if (answer.origin() == Referrers.Origin.API) {
            lists = true;
        }
        Tag fallback = digest.referrersTag();
        // What is there may be an empty list, or none at all, as what GitLab has under that name.
        boolean missed =
                answer.origin() != Referrers.Origin.API && answer.descriptors().isEmpty() && known.contains(fallback);
        return missed && insists && resolveListed(fallback, true).isPresent()
                ? limit.send(() -> source.referrers(digest, shelf))
                : answer;
    }

    private Optional<Descriptor> resolveListed(Tag tag, boolean listed) throws IOException {
        Optional<Descriptor> named = resolve(tag);
        if (named.isPresent()
                || !insists
                || !listed
                || !tagsAgain.get(source.repository().name()).tags().contains(tag)) {
            return named;
        }
        Optional<Descriptor> again = askResolve(tag);
        if (again.isEmpty()) {
            throw new NotFoundException(
                    NotFoundException.Kind.MANIFEST,
                    source.repository() + " lists the tag " + tag
                            + ", also when asked again, and answered twice that it does not have it");
        }
        return again;
    }

    // Empty where there is no such list.
    private Optional<Set<Tag>> knownTags() throws IOException {
        try {
            return Optional.of(tags());
        } catch (OutageException e) {
            throw e;
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }

    private TagPages.Listed askTags() throws IOException {
        return TagPages.all(source.repository(), cursor -> limit.send(() -> source.listTags(cursor)));
    }
}
