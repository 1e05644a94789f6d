package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The blobs of one repository: from the store, or following the one fetch that brings each there. Thread-safe. */
final class BlobPulls {
    private static final Logger LOG = LoggerFactory.getLogger(BlobPulls.class);
    private static final int ATTEMPTS = 3;
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final Repository repository;
    private final Readers readers;
    private final Admission admission;
    private final UpstreamProofs proofs;
    private final GuardedSource upstream;
    private final PullThroughCache cache;
    private final CacheIndex index;
    private final Answering answering;
    private final RuleCounters counters;

    BlobPulls(PullBasis basis, UpstreamProofs proofs) {
        this.repository = basis.repository();
        this.readers = basis.readers();
        this.admission = basis.admission();
        this.proofs = proofs;
        this.upstream = basis.upstream();
        this.cache = basis.cache();
        this.index = basis.index();
        this.answering = basis.cache().answering();
        this.counters = basis.cache().ruleCounters();
    }

    /** As {@link PullThrough#statBlob}. */
    Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        CacheSettings settings = admission.admitted();
        refuseManifest(digest);
        OptionalLong kept = cache.repair().blobSize(digest);
        Optional<Link> link = index.links().get(repository, digest);
        refuseTooLarge(settings, digest, kept);
        if (kept.isPresent()) {
            Verdict verdict = index.links().isProvenForGood(repository, digest)
                    ? Verdict.HIT
                    : proofs.prove(digest, false, settings);
            return Answer.of(kept, verdict, Duration.ZERO);
        }
        OptionalLong declared = declared(link);
        OptionalLong stated = askSize(digest, settings);
        OptionalLong size = size(digest, stated, declared);
        refuseTooLarge(settings, digest, size);
        if (link.isEmpty()
                && size.orElse(0) <= OciLimits.MAX_MANIFEST_BYTES
                && BlobOrManifest.isManifest(upstream, digest)) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        return Answer.of(size, Verdict.MISS, Duration.ZERO);
    }

    // A GET has the length with which the upstream sends it. A manifest may state a wrong one, and some registries do
    // so by HEAD: where the two differ, the upstream is asked for a byte.
    private OptionalLong size(Digest digest, OptionalLong stated, OptionalLong declared) throws IOException {
        if (stated.isEmpty()) {
            return declared.orElse(0) > 0 ? declared : OptionalLong.empty();
        }
        if (declared.isEmpty() || declared.equals(stated)) {
            return stated;
        }
        try {
            return StatedSize.bySending(upstream, digest);
        } catch (RegistryException e) {
            // That it is there was said; its length is not known.
            return OptionalLong.empty();
        }
    }

    private OptionalLong askSize(Digest digest, CacheSettings settings) throws IOException {
        // That the blob was denied counts here too, and not the other way: some deny by HEAD what they send.
        answering.refuseRemembered(new Question.ForBlob(repository, digest, readers.credential()), settings);
        Question question = new Question.ForBlobSize(repository, digest, readers.credential());
        answering.refuseRemembered(question, settings);
        try {
            return upstream.statBlob(digest).orElseThrow(() -> proofs.noBlob(digest));
        } catch (RegistryException e) {
            answering.remember(question, e, settings);
            throw e;
        }
    }

    private void refuseTooLarge(CacheSettings settings, Digest digest, OptionalLong bytes) throws BlockedException {
        Optional<BlobLimit> limit = BlobLimit.of(repository, settings);
        if (limit.isPresent()) {
            try {
                limit.get().check(digest, bytes);
            } catch (BlockedException e) {
                counters.count(RuleEvent.TOO_LARGE);
                throw e;
            }
        }
    }

    /** As {@link PullThrough#openBlob}. */
    Answer<BlobContent> openBlob(Digest digest) throws IOException {
        CacheSettings settings = admission.admitted();
        refuseManifest(digest);
        refuseUnverifiable(digest);
        RunningGraphs.Asked asked = cache.running().asked(digest);
        Answer<BlobContent> answer = opened(digest, settings);
        BlobContent content = asked.reading(answer.content());
        return content == answer.content() ? answer : answer.map(same -> content);
    }

    private Answer<BlobContent> opened(Digest digest, CacheSettings settings) throws IOException {
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.links().get(repository, digest);
            Optional<BlobFile> kept = cache.repair().openBlob(digest);
            if (kept.isPresent()) {
                return serveKept(digest, kept.get(), settings);
            }
            BlobFetches.Joined joined = join(digest, link, settings);
            FetchReader reader;
            try {
                reader = follow(digest, joined);
            } catch (IOException e) {
                if (mustGiveUp(digest, joined, e, attempt, settings)) {
                    throw isOwn(joined) ? e : ofOthers(digest, e);
                }
                continue;
            }
            return followed(digest, joined, reader, settings);
        }
    }

    /** As {@link PullThrough#keepBlob}. */
    boolean keepBlob(Digest digest) throws IOException {
        CacheSettings settings = admission.admitted();
        refuseManifest(digest);
        refuseUnverifiable(digest);
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.links().get(repository, digest);
            // Who wants it to stay has said so, by a pin perhaps: what is gone in this moment is fetched again.
            cache.store().changes().awaitRemoval(digest);
            if (isKept(digest)) {
                if (!index.links().isProvenForGood(repository, digest)) {
                    proofs.prove(digest, false, settings);
                }
                return true;
            }
            refuseWithoutRoom(digest, declared(link), settings);
            BlobFetches.Joined joined = join(digest, link, settings);
            Runnable left = joined.fetch().followers().addInBackground();
            try {
                return joined.fetch()
                        .progress()
                        .awaitEnd(new FetchProgress.Patience(cache.settings().patience(), true))
                        .complete();
            } catch (IOException e) {
                if (mustGiveUp(digest, joined, e, attempt, settings)) {
                    throw isOwn(joined) ? e : ofOthers(digest, e);
                }
            } finally {
                left.run();
            }
        }
    }

    // Nobody but the store wants it: without room it would be asked for and thrown away. A manifest may state a wrong
    // size, and where it states none, that shows when it comes.
    private void refuseWithoutRoom(Digest digest, OptionalLong declared, CacheSettings settings) throws IOException {
        if (declared.isEmpty()
                || cache.fetches().isRunning(digest)
                || cache.lackOfRoom(digest, declared.getAsLong()).isEmpty()) {
            return;
        }
        long bytes = stated(digest, settings).orElse(declared.getAsLong());
        Optional<String> lack = cache.lackOfRoom(digest, bytes);
        if (lack.isPresent()) {
            cache.store().refusals().refused(ContentKind.BLOB, lack.get());
            throw new IOException("the cache has no room for its " + bytes + " bytes: " + lack.get());
        }
    }

    // Opened, as for a client: one that was cut short is fetched anew.
    private boolean isKept(Digest digest) throws IOException {
        Optional<BlobFile> kept = cache.repair().openBlob(digest);
        if (kept.isPresent()) {
            kept.get().close();
        }
        return kept.isPresent();
    }

    /** As {@link PullThrough#passBlob}. */
    Answer<BlobContent> passBlob(Digest digest, long from) throws IOException {
        CacheSettings settings = admission.admitted();
        refuseManifest(digest);
        refuseUnverifiable(digest);
        Optional<Link> link = index.links().get(repository, digest);
        Optional<BlobFile> kept = cache.repair().openBlob(digest);
        if (kept.isPresent()) {
            return serveKept(digest, kept.get(), settings);
        }
        refuseDeclared(settings, digest, declared(link));
        Question question = new Question.ForBlob(repository, digest, readers.credential());
        answering.refuseRemembered(question, settings);
        Optional<BlobFetches.Joined> running = cache.fetches().joinRunning(digest, repository);
        if (running.isPresent()) {
            boolean own = isOwn(running.get());
            proveJoined(digest, link, running.get(), settings);
            Optional<FetchReader> reader = Optional.empty();
            try {
                reader = Optional.of(follow(digest, running.get()));
            } catch (IOException e) {
                // That of another's fetch, whatever it is, says nothing here; after an outage this one has not asked
                // yet.
                if (own && !(e instanceof OutageException)) {
                    throw e;
                }
            }
            if (reader.isPresent()) {
                return followed(digest, running.get(), reader.get(), settings);
            }
        }
        try {
            return passed(digest, from, link, settings);
        } catch (RegistryException e) {
            answering.remember(question, e, settings);
            throw e;
        }
    }

    private Answer<BlobContent> passed(Digest digest, long from, Optional<Link> link, CacheSettings settings)
            throws IOException {
        if (link.isEmpty()) {
            OptionalLong size = upstream.statBlob(digest).orElseThrow(() -> proofs.noBlob(digest));
            if (size.orElse(0) <= OciLimits.MAX_MANIFEST_BYTES && BlobOrManifest.isManifest(upstream, digest)) {
                throw BlobOrManifest.notABlob(digest, repository);
            }
        }
        PassedBlob blob = new PassedBlob(digest, upstream, from, declared(link), cache.settings(), cache.counters());
        try {
            refuseTooLarge(settings, digest, blob.totalBytes());
        } catch (BlockedException e) {
            blob.close();
            throw e;
        }
        return Answer.of(limited(blob, digest, blob.totalBytes(), settings), Verdict.MISS, Duration.ZERO);
    }

    /** As {@link PullThrough#refuted}. */
    void refuted(Digest digest) {
        try {
            cache.repair().doubtBlob(digest);
        } catch (IOException e) {
            LOG.warn(
                    "blob {} of {} may have gone bad on the disk, and cannot be read again: {}; look at the disk, and run"
                            + " entrepot cache scrub",
                    digest,
                    repository,
                    e.toString());
        }
    }

    private static OptionalLong declared(Optional<Link> link) {
        return link.map(Link::sizeBytes).orElse(OptionalLong.empty());
    }

    private BlobFetches.Joined join(Digest digest, Optional<Link> link, CacheSettings settings) throws IOException {
        OptionalLong declared = declared(link);
        refuseDeclared(settings, digest, declared);
        answering.refuseRemembered(new Question.ForBlob(repository, digest, readers.credential()), settings);
        BlobFetches.Joined joined = cache.fetches()
                .join(
                        digest,
                        repository,
                        readers.credential(),
                        upstream,
                        !readers.behind(),
                        declared,
                        link.isPresent(),
                        BlobLimit.of(repository, settings));
        proveJoined(digest, link, joined, settings);
        return joined;
    }

    // As for what is kept, of what comes for others just now.
    private void proveJoined(Digest digest, Optional<Link> link, BlobFetches.Joined joined, CacheSettings settings)
            throws IOException {
        boolean named = link.isPresent() && joined.fetch().isFromUpstreamOf(repository);
        boolean proven = link.filter(Link::proven).isPresent();
        if (isOwn(joined) || proven) {
            return;
        }
        if (named) {
            joined.fetch().followers().followedFor(repository);
        } else {
            proofs.prove(digest, false, settings, joined.fetch().progress().totalBytes());
        }
    }

    // A manifest may state a wrong size: the upstream is asked before one is believed that refuses the blob. Where it
    // does not say another, the manifest's counts.
    private void refuseDeclared(CacheSettings settings, Digest digest, OptionalLong declared) throws IOException {
        Optional<BlobLimit> limit = BlobLimit.of(repository, settings);
        if (limit.isEmpty() || limit.get().refusal(digest, declared).isEmpty()) {
            return;
        }
        OptionalLong stated = stated(digest, settings);
        refuseTooLarge(settings, digest, stated.isPresent() ? stated : declared);
    }

    private OptionalLong stated(Digest digest, CacheSettings settings) throws IOException {
        try {
            return askSize(digest, settings);
        } catch (RegistryException e) {
            // It does not say another.
            return OptionalLong.empty();
        }
    }

    private boolean isOwn(BlobFetches.Joined joined) {
        return joined.fetch().isFor(repository, readers.credential());
    }

    // That another repository's upstream has failed, or another's credential was refused, or rules there have forbidden
    // something, says nothing here.
    private boolean mustGiveUp(
            Digest digest, BlobFetches.Joined joined, IOException failure, int attempt, CacheSettings settings) {
        boolean last = isOwn(joined) || attempt == ATTEMPTS;
        if (failure instanceof BlockedException && isOwn(joined)) {
            counters.count(RuleEvent.TOO_LARGE);
        } else if (isOwn(joined) && failure instanceof RegistryException answer) {
            answering.remember(new Question.ForBlob(repository, digest, readers.credential()), answer, settings);
        }
        return last;
    }

    /**
     * The failure of a fetch for others: what others are denied, or their rules forbid, is no answer to this one, nor
     * for it to know.
     */
    static IOException ofOthers(Digest digest, IOException failure) {
        return failure instanceof UnauthorizedException
                        || failure instanceof NotFoundException
                        || failure instanceof BlockedException
                ? OutageException.notAsked(
                        OutageException.Reason.SERVER_ERROR,
                        "blob " + digest + " could not be fetched together with others who want it; try again",
                        TRY_AGAIN)
                : failure;
    }

    private static void refuseUnverifiable(Digest digest) throws InvalidContentException {
        if (!digest.algorithm().isVerifiable()) {
            throw new InvalidContentException("blob " + digest + " cannot be verified: the algorithm "
                    + digest.algorithm() + " is not supported");
        }
    }

    private FetchReader follow(Digest digest, BlobFetches.Joined joined) throws IOException {
        BlobFetch fetch = joined.fetch();
        Runnable left = readers.behind()
                ? fetch.followers().addInBackground()
                : fetch.followers().addClient();
        FetchProgress.Patience patience =
                new FetchProgress.Patience(cache.settings().patience(), readers.behind());
        try {
            joined.fetch().progress().awaitStart(patience);
        } catch (IOException | RuntimeException e) {
            left.run();
            throw e;
        }
        return new FetchReader(digest, joined.fetch(), upstream, cache.settings(), patience, cache.counters(), left);
    }

    // The limit of this repository, whoever the blob comes for: what it refuses is no failure of the fetch.
    private Answer<BlobContent> followed(
            Digest digest, BlobFetches.Joined joined, FetchReader reader, CacheSettings settings)
            throws BlockedException {
        OptionalLong size = reader.totalBytes();
        try {
            refuseTooLarge(settings, digest, size);
        } catch (BlockedException e) {
            reader.close();
            throw e;
        }
        Verdict verdict = joined.underWay() ? Verdict.JOINED : Verdict.MISS;
        return Answer.of(limited(reader, digest, size, settings), verdict, Duration.ZERO);
    }

    private BlobContent limited(BlobContent content, Digest digest, OptionalLong size, CacheSettings settings) {
        Optional<BlobLimit> limit = size.isPresent() ? Optional.empty() : BlobLimit.of(repository, settings);
        return limit.isPresent() ? new LimitedContent(content, digest, limit.get()) : content;
    }

    private Answer<BlobContent> serveKept(Digest digest, BlobFile file, CacheSettings settings) throws IOException {
        Verdict verdict = Verdict.HIT;
        try {
            refuseTooLarge(settings, digest, OptionalLong.of(file.sizeBytes()));
            if (!index.links().isProvenForGood(repository, digest)) {
                verdict = proofs.prove(digest, false, settings);
            }
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
        index.contents().touched(digest, repository);
        Path path = cache.store().layout().content(ContentKind.BLOB, digest);
        return Answer.of(new KeptBlob(digest, file, path, () -> unreadable(digest)), verdict, Duration.ZERO);
    }

    // The next request is to get it from the upstream. Where none may be asked, a part is better than nothing.
    private void unreadable(Digest digest) {
        if (upstream.mayBeAsked()) {
            refuted(digest);
        }
    }

    private void refuseManifest(Digest digest) throws NotFoundException {
        Optional<Link> link = index.links().get(repository, digest);
        if (link.isPresent() && link.get().manifest()) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        if (link.isEmpty() && cache.store().containsManifest(digest)) {
            // Of another repository, perhaps, of which nothing is said here.
            throw proofs.noBlob(digest);
        }
    }
}
