package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One repository, answered from the store or from its upstream, with the reason for each answer. Content by digest that is linked to the
 * repository never asks the upstream; content that is kept for another repository is served only after the upstream has said that this one has
 * it too. Thread-safe.
 */
public final class PullThrough {
    /** What clients of a repository wait for together, if they ask under the same policy. */
    sealed interface Question {
        /** What a tag names now, or the bytes of a digest. */
        record ForManifest(Repository repository, ManifestReference reference, CachePolicy policy)
                implements Question {}

        /** Whether the repository has a blob or manifest. */
        record ForProof(Repository repository, Digest digest, boolean manifest) implements Question {}

        /** The referrers of a digest. */
        record ForReferrers(Repository repository, Digest subject, CachePolicy policy) implements Question {}

        /** The tag list. */
        record ForTags(Repository repository, CachePolicy policy) implements Question {}
    }

    private static final Logger LOG = LoggerFactory.getLogger(PullThrough.class);
    private static final int ATTEMPTS = 3;

    private final Repository repository;
    private final RepositorySource upstream;
    private final CachePolicy policy;
    private final PullThroughCache cache;
    private final CacheIndex index;
    private final TagCache tags;
    private final ListCache lists;

    PullThrough(
            Repository repository,
            RepositorySource upstream,
            CachePolicy policy,
            PullThroughCache cache,
            CacheIndex index,
            Clock clock) {
        this.repository = repository;
        this.upstream = upstream;
        this.policy = policy;
        this.cache = cache;
        this.index = index;
        this.tags = new TagCache(repository, upstream, policy, index, clock, this::fetchKept);
        this.lists = new ListCache(repository, upstream, policy, index, clock);
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
     * @throws dev.entrepot.oci.RegistryException if the upstream refused, or sent what is not the manifest
     */
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Digest digest -> manifestByDigest(digest);
            case Tag tag -> manifestByTag(tag);
        };
    }

    private Answer<ManifestBytes> manifestByTag(Tag tag) throws IOException {
        Optional<Answer<ManifestBytes>> fresh = tags.fresh(tag, cache::keptManifest);
        if (fresh.isPresent()) {
            index.touched(fresh.get().content().digest());
            return fresh.get();
        }
        return ask(new Question.ForManifest(repository, tag, policy), () -> tags.check(tag, cache::keptManifest));
    }

    private Answer<ManifestBytes> manifestByDigest(Digest digest) throws IOException {
        Optional<ManifestBytes> kept = cache.keptManifest(digest);
        if (kept.isPresent() && index.link(repository, digest).isPresent()) {
            index.touched(digest);
            return Answer.of(kept.get(), Verdict.HIT, Duration.ZERO);
        }
        if (kept.isPresent()) {
            Verdict proved = prove(digest, true);
            return Answer.of(kept.get(), proved, Duration.ZERO);
        }
        return ask(
                new Question.ForManifest(repository, digest, policy),
                () -> Answer.of(fetchKept(digest), Verdict.MISS, Duration.ZERO));
    }

    // Fetches a manifest, keeps it and links it and all it names to this repository.
    private ManifestBytes fetchKept(ManifestReference reference) throws IOException {
        if (reference instanceof Digest digest) {
            Optional<ManifestBytes> kept = cache.keptManifest(digest);
            if (kept.isPresent() && index.link(repository, digest).isPresent()) {
                return kept.get();
            }
        }
        ManifestBytes manifest = upstream.fetchManifest(reference);
        // Before it is kept: what cannot be understood is refused each time, not only the first.
        List<Link> links = links(manifest);
        cache.keep(manifest);
        index.addLinks(repository, links);
        return manifest;
    }

    private static List<Link> links(ManifestBytes manifest) throws InvalidContentException {
        List<Link> links = new ArrayList<>();
        links.add(new Link(manifest.digest(), OptionalLong.of(manifest.sizeBytes()), true));
        Manifest parsed = Manifest.parse(manifest);
        parsed.blobs().forEach(blob -> links.add(link(blob, false)));
        // An index may list anything (BuildKit's cache lists layers): whether a repository has those, its upstream
        // says.
        parsed.manifests().stream().filter(Descriptor::isManifest).forEach(child -> links.add(link(child, true)));
        return links;
    }

    private static Link link(Descriptor descriptor, boolean manifest) {
        return new Link(descriptor.digest(), OptionalLong.of(descriptor.sizeBytes()), manifest);
    }

    /**
     * Whether the repository has a blob, and its size where known. Never starts a fetch.
     *
     * @throws NotFoundException if it has not, or if the digest is that of a manifest
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        refuseManifest(digest);
        OptionalLong kept = cache.store().blobSize(digest);
        Optional<Link> link = index.link(repository, digest);
        if (kept.isPresent()) {
            Verdict verdict = link.isPresent() ? Verdict.HIT : prove(digest, false);
            return Answer.of(kept, verdict, Duration.ZERO);
        }
        OptionalLong size = upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
        if (link.isEmpty()
                && size.orElse(0) <= OciLimits.MAX_MANIFEST_BYTES
                && BlobOrManifest.isManifest(upstream, digest)) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        return Answer.of(size, Verdict.MISS, Duration.ZERO);
    }

    /**
     * Opens a blob: from the store, or following the one fetch that brings it there. Returns when the upstream has begun to answer, so that what is
     * wrong from the start is thrown here.
     *
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<BlobContent> openBlob(Digest digest) throws IOException {
        refuseManifest(digest);
        refuseUnverifiable(digest);
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.link(repository, digest);
            Optional<BlobFile> kept = cache.store().openBlob(digest);
            if (kept.isPresent()) {
                return serveKept(digest, link.isPresent(), kept.get());
            }
            BlobFetches.Joined joined = join(digest, link);
            try {
                joined.fetch().progress().awaitStart(cache.settings().patience());
                FetchReader reader =
                        new FetchReader(digest, joined.fetch(), upstream, cache.settings(), cache.counters());
                return Answer.of(reader, joined.underWay() ? Verdict.JOINED : Verdict.MISS, Duration.ZERO);
            } catch (IOException e) {
                if (mustGiveUp(joined, attempt)) {
                    throw e;
                }
            }
        }
    }

    /**
     * Brings a blob into the store without a client, or waits for the fetch that does. What is there already is not read and does not count as used.
     *
     * @return whether it is in the store now; false if the local disk failed or has no room for it
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer, or not the blob
     */
    public boolean keepBlob(Digest digest) throws IOException {
        refuseManifest(digest);
        refuseUnverifiable(digest);
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.link(repository, digest);
            if (cache.store().blobSize(digest).isPresent()) {
                if (link.isEmpty()) {
                    prove(digest, false);
                }
                return true;
            }
            BlobFetches.Joined joined = join(digest, link);
            try {
                return joined.fetch()
                        .progress()
                        .awaitEnd(cache.settings().patience())
                        .complete();
            } catch (IOException e) {
                if (mustGiveUp(joined, attempt)) {
                    throw e;
                }
            }
        }
    }

    private BlobFetches.Joined join(Digest digest, Optional<Link> link) throws IOException {
        BlobFetches.Joined joined = cache.fetches()
                .join(
                        digest,
                        repository,
                        upstream,
                        link.map(Link::sizeBytes).orElse(OptionalLong.empty()),
                        link.isPresent());
        if (link.isEmpty() && !joined.fetch().repository().equals(repository)) {
            prove(digest, false);
        }
        return joined;
    }

    // That another repository's upstream has failed says nothing about this one's.
    private boolean mustGiveUp(BlobFetches.Joined joined, int attempt) {
        return joined.fetch().repository().equals(repository) || attempt == ATTEMPTS;
    }

    private static void refuseUnverifiable(Digest digest) throws InvalidContentException {
        if (!digest.algorithm().isVerifiable()) {
            throw new InvalidContentException("blob " + digest + " cannot be verified: the algorithm "
                    + digest.algorithm() + " is not supported");
        }
    }

    private Answer<BlobContent> serveKept(Digest digest, boolean linked, BlobFile file) throws IOException {
        Verdict verdict = Verdict.HIT;
        if (!linked) {
            try {
                verdict = prove(digest, false);
            } catch (IOException | RuntimeException e) {
                file.close();
                throw e;
            }
        }
        index.touched(digest);
        return Answer.of(new KeptBlob(file), verdict, Duration.ZERO);
    }

    private void refuseManifest(Digest digest) throws NotFoundException {
        Optional<Link> link = index.link(repository, digest);
        if (link.isPresent() ? link.get().manifest() : cache.store().containsManifest(digest)) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
    }

    private NotFoundException noBlob(Digest digest) {
        return new NotFoundException(NotFoundException.Kind.BLOB, "blob " + digest + " is not in " + repository);
    }

    // Kept for another repository: the upstream's word that this one has it too makes the link.
    private Verdict prove(Digest digest, boolean manifest) throws IOException {
        ask(new Question.ForProof(repository, digest, manifest), () -> {
            OptionalLong size = manifest
                    ? upstream.resolve(digest)
                            .map(found -> OptionalLong.of(found.sizeBytes()))
                            .orElseThrow(() -> noManifest(digest))
                    : upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
            Optional<ManifestBytes> kept = manifest ? cache.keptManifest(digest) : Optional.empty();
            if (kept.isPresent()) {
                index.addLinks(repository, links(kept.get()));
            } else if (!manifest) {
                index.addLinks(repository, List.of(new Link(digest, size, false)));
            }
            return Answer.of(digest, Verdict.REVALIDATED, Duration.ZERO);
        });
        return Verdict.REVALIDATED;
    }

    private NotFoundException noManifest(Digest digest) {
        return new NotFoundException(
                NotFoundException.Kind.MANIFEST, "manifest " + digest + " is not in " + repository);
    }

    /**
     * All tags, in order.
     *
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<List<Tag>> tags() throws IOException {
        Optional<Answer<List<Tag>>> fresh = lists.freshTags();
        return fresh.isPresent() ? fresh.get() : ask(new Question.ForTags(repository, policy), lists::fetchTags);
    }

    /**
     * Everything that refers to a digest.
     *
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<Referrers> referrers(Digest subject) throws IOException {
        Optional<Answer<Referrers>> fresh = lists.freshReferrers(subject);
        Answer<Referrers> answer = fresh.isPresent()
                ? fresh.get()
                : ask(new Question.ForReferrers(repository, subject, policy), () -> lists.fetchReferrers(subject));
        return switch (answer.content().origin()) {
            case API -> answer;
            case FALLBACK_TAG -> {
                cache.referrersFace().sawFallbackTag(repository);
                yield answer;
            }
            case NONE ->
                cache.referrersFace().showsEmptyLists(repository, () -> tags().content())
                        ? answer.map(none -> new Referrers(Referrers.Origin.FALLBACK_TAG, List.of()))
                        : answer;
        };
    }

    @SuppressWarnings(
            "unchecked") // A question of one kind always has an answer of one type: each is asked in one place.
    private <T> Answer<T> ask(Question question, SharedCalls.Work<Answer<T>> work) throws IOException {
        SharedCalls.Outcome<Object> outcome = cache.questions().call(question, work::run);
        Answer<T> answer = (Answer<T>) outcome.value();
        boolean joined = outcome.joined() && answer.verdict() == Verdict.MISS;
        return joined ? new Answer<>(answer.content(), Verdict.JOINED, answer.age(), answer.outage()) : answer;
    }

    /** A blob from the store. */
    private record KeptBlob(BlobFile file) implements BlobContent {
        @Override
        public OptionalLong totalBytes() {
            return OptionalLong.of(file.sizeBytes());
        }

        @Override
        public int read(long position, byte[] buffer, int offset, int length) throws IOException {
            return file.read(position, buffer, offset, length);
        }

        @Override
        public Optional<Stored> stored(long position) {
            return position < file.sizeBytes()
                    ? Optional.of(new Stored(file.channel(), file.sizeBytes()))
                    : Optional.empty();
        }

        @Override
        public void close() {
            try {
                file.close();
            } catch (IOException e) {
                // Nothing was written through this handle: a failure to close it loses nothing.
                LOG.debug("closing a blob: {}", e.toString());
            }
        }
    }
}
