package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One repository, answered from the store or from its upstream, with the reason for each answer. Content by digest that
 * is linked to the repository never asks the upstream; content that is kept for another repository is served only after
 * the upstream has said that this one has it too. Thread-safe.
 *
 * <p>What it is made of: {@link Admission} for all, {@link TagPulls}, {@link ManifestPulls} and {@link BlobPulls} for
 * content, {@link ListPulls} for lists, and {@link UpstreamProofs} for what only the upstream can say.
 */
public final class PullThrough {
    private final Repository repository;
    private final GuardedSource upstream;
    private final PullThroughCache cache;
    private final CacheIndex index;
    private final TagCache tagCache;
    private final ListCache listCache;
    private final Admission admission;
    private final UpstreamProofs proofs;
    private final ManifestPulls manifests;
    private final ListPulls lists;
    private final TagPulls tags;
    private final BlobPulls blobs;

    PullThrough(
            RepositorySource upstream,
            CacheRules rules,
            Readers readers,
            PullThroughCache cache,
            CacheIndex index,
            Clock clock) {
        this.repository = upstream.repository();
        this.cache = cache;
        this.index = index;
        this.upstream = new GuardedSource(
                upstream, rules, cache.ruleCounters(), () -> cache.answering().answered(repository.registry()));
        this.admission = new Admission(repository, rules, readers, cache.ruleCounters());
        PullBasis basis = new PullBasis(admission, this.upstream, cache, index);
        this.proofs = new UpstreamProofs(basis);
        this.manifests = new ManifestPulls(basis, proofs);
        this.tagCache = new TagCache(this.upstream, index.tags(), clock, manifests);
        this.listCache = new ListCache(this.upstream, index.lists(), clock, manifests, cache.parsedLists());
        this.lists = new ListPulls(basis, listCache);
        this.tags = new TagPulls(basis, tagCache, manifests, lists);
        this.blobs = new BlobPulls(basis, proofs);
    }

    /** Which repository this is. */
    public Repository repository() {
        return repository;
    }

    /**
     * A manifest by tag or digest.
     *
     * @throws NotFoundException if the upstream answered that there is no such manifest
     * @throws OutageException if the upstream is out and nothing is kept that may still be served
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream refused, or sent what is not the manifest
     */
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
        Answer<ManifestBytes> answer = answered(reference);
        cache.running().served(answer.content());
        return answer;
    }

    private Answer<ManifestBytes> answered(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Digest digest -> manifests.manifest(digest);
            case Tag tag -> tags.manifest(tag);
        };
    }

    /**
     * What a reference names, as {@link #manifest} would serve it, for who wants no more than that. Where pulls are
     * counted, a manifest that is not kept is not fetched for it, unless a tag that is kept has moved to it and more
     * pulls are left than are reserved; elsewhere it is, for who comes back for it. While the upstream is out it is
     * enough that it said what a tag names: who has the manifest needs no more.
     *
     * @throws NotFoundException if the upstream answered that there is no such manifest
     * @throws OutageException if the upstream is out and nothing is known that may still be served
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream refused
     */
    public Answer<Descriptor> describe(ManifestReference reference) throws IOException {
        try {
            return described(reference);
        } catch (OutageException | InvalidContentException e) {
            if (reference instanceof Tag tag) {
                return tags.describeInPlaceOf(e, tag).orElseThrow(() -> e);
            }
            throw e;
        }
    }

    // No pull has begun: who only looks whether a tag has moved asks for no blob, and who pulls gets the manifest next.
    private Answer<Descriptor> described(ManifestReference reference) throws IOException {
        if (!upstream.countsPulls()) {
            return answered(reference).map(ManifestBytes::descriptor);
        }
        return switch (reference) {
            case Digest digest -> manifests.describe(digest);
            case Tag tag -> tags.describe(tag);
        };
    }

    /** What would be done with a request for a manifest or blob now, and why. Asks no upstream. */
    public Explanation explain(ManifestReference reference) {
        return explain(reference, Explanation.Mirrors.NONE);
    }

    /**
     * As above, for an upstream with mirrors: what they have only they can say.
     *
     * @param mirrors which mirrors would be asked first
     */
    public Explanation explain(ManifestReference reference, Explanation.Mirrors mirrors) {
        Explaining explaining = new Explaining(
                repository,
                index,
                cache,
                tagCache,
                listCache,
                admission.settings(),
                upstream,
                mirrors,
                manifests::keptHere);
        return switch (reference) {
            case Digest digest -> explaining.digest(digest);
            case Tag tag -> explaining.tag(tag, admission.settings(tag));
        };
    }

    /**
     * As {@link #manifest}, and it is on the disk when this returns: also one that was in memory alone, because the
     * disk had refused it once or had to let it go. Of a tag that is offline, what is kept.
     *
     * @throws IOException if the disk refuses it now
     */
    public ManifestBytes keepManifest(ManifestReference reference) throws IOException {
        boolean offline = reference instanceof Tag tag && admission.isOffline(tag);
        PullThrough reader = offline ? cache.whateverIsKept(repository) : this;
        ManifestBytes manifest = reader.manifest(reference).content();
        if (!cache.store().containsManifest(manifest.digest()) && !cache.keep(manifest, repository)) {
            throw new IOException("manifest " + manifest.digest() + " of " + repository
                    + " cannot be kept on the disk; the log says why");
        }
        return manifest;
    }

    /**
     * What a reference names, as {@link #manifest} would serve it; for a tag, its bytes are not fetched for that if no
     * rule makes it necessary.
     *
     * @return empty if the upstream answered that there is no such manifest
     */
    Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        if (reference instanceof Tag tag) {
            CacheSettings settings = admission.admitted(tag);
            if (Cooldown.of(tag, settings).isEmpty()) {
                return tagCache.resolve(tag);
            }
        }
        try {
            return Optional.of(manifest(reference).content().descriptor());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    /**
     * Whether the repository has a blob, and its size where known: of one that is not kept, what a manifest says of it,
     * or else what the upstream does. Never starts a fetch.
     *
     * @throws NotFoundException if it has not, or if the digest is that of a manifest
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        return blobs.statBlob(digest);
    }

    /**
     * Opens a blob: from the store, or following the one fetch that brings it there. Returns when the upstream has
     * begun to answer, so that what is wrong from the start is thrown here.
     *
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<BlobContent> openBlob(Digest digest) throws IOException {
        return blobs.openBlob(digest);
    }

    /**
     * As {@link #openBlob}, but what is not kept is not kept for this reader either: it follows a fetch that is under
     * way for others, or reads the upstream by itself, and nothing of that is written to the disk. From the beginning
     * the last bytes come only after the digest was found right.
     *
     * @param from where the reader is about to begin; a piece that begins elsewhere cannot be verified here
     */
    public Answer<BlobContent> passBlob(Digest digest, long from) throws IOException {
        return blobs.passBlob(digest, from);
    }

    /**
     * Takes note that what a reader was given of a blob is not the blob. What is kept of it is read again, and if it
     * has gone bad, put in quarantine, so that the next reader has it from the upstream.
     */
    void refuted(Digest digest) {
        blobs.refuted(digest);
    }

    /**
     * Brings a blob into the store without a client, or waits for the fetch that does. What is there already is not
     * read and does not count as used. What the store has no room for, whatever it evicts, is not asked for.
     *
     * @return whether it is in the store now; false if the local disk failed, or had no room for it when it came
     * @throws IOException if there is no room for it; the message says which limit leaves none, and what to do
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws BlockedException if a rule of the cache forbids it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer, or not the blob
     */
    public boolean keepBlob(Digest digest) throws IOException {
        return blobs.keepBlob(digest);
    }

    /**
     * Has the upstream say, past all that is kept, that it has a manifest for this reader.
     *
     * @throws NotFoundException if it has not
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if it refuses, or gives no answer
     */
    public void proveManifest(ManifestReference reference) throws IOException {
        proofs.proveManifest(reference);
    }

    /** As {@link #proveManifest}, for a blob. */
    public void proveBlob(Digest digest) throws IOException {
        proofs.proveBlob(digest);
    }

    /** As {@link #proveManifest}, for the list of tags, of which one page is asked for. */
    public void proveTags() throws IOException {
        proofs.proveTags();
    }

    /**
     * All tags, in order.
     *
     * @throws BlockedException if a rule refuses them
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<List<Tag>> tags() throws IOException {
        return lists.tags();
    }

    /**
     * Whether there may be more tags than a list of {@link #tags()} has: {@link dev.entrepot.oci.TagPage#mayBeCut()}.
     */
    public static boolean mayBeCut(List<Tag> tags) {
        return KeptTags.mayBeCut(tags);
    }

    /**
     * Everything that refers to a digest.
     *
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<Referrers> referrers(Digest subject) throws IOException {
        return lists.referrers(subject);
    }
}
