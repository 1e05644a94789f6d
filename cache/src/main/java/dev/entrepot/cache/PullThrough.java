package dev.entrepot.cache;

import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One repository, answered from the store or from its upstream, with the reason for each answer. Content by digest that is linked to the
 * repository never asks the upstream; content that is kept for another repository is served only after the upstream has said that this one has
 * it too. Thread-safe.
 *
 * <p>It is long because what is asked for by tag, by digest and as a blob goes through the same admission, proof and sharing.
 */
public final class PullThrough {
    private static final Logger LOG = LoggerFactory.getLogger(PullThrough.class);
    private static final int ATTEMPTS = 3;
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final Repository repository;
    private final GuardedSource upstream;
    private final CacheRules rules;
    private final Readers readers;
    private final boolean alwaysAsking;
    private final PullThroughCache cache;
    private final CacheIndex index;
    private final Answering answering;
    private final RuleCounters counters;
    private final TagCache tags;
    private final ListCache lists;

    PullThrough(
            RepositorySource upstream,
            CacheRules rules,
            Readers readers,
            PullThroughCache cache,
            CacheIndex index,
            Clock clock) {
        this.repository = upstream.repository();
        this.rules = rules;
        this.readers = readers;
        this.alwaysAsking = readers.alwaysAsking();
        this.cache = cache;
        this.index = index;
        this.answering = cache.answering();
        this.counters = cache.ruleCounters();
        this.upstream = new GuardedSource(upstream, rules, counters);
        this.tags = new TagCache(this.upstream, index, clock, new TagManifests());
        this.lists = new ListCache(this.upstream, index, clock);
    }

    /** Which repository this is. */
    public Repository repository() {
        return repository;
    }

    private CacheSettings settings() {
        CacheSettings settings = rules.of(repository);
        return alwaysAsking ? settings.alwaysAsking() : settings;
    }

    private CacheSettings settings(Tag tag) {
        CacheSettings settings = rules.of(repository, tag);
        return alwaysAsking ? settings.alwaysAsking() : settings;
    }

    // What an upstream denies to replication, or to the completing of pins, is not taken from clients: their rules may
    // allow it. And what it denies to one credential it may give to another, also by a 404.
    private Consumer<RegistryException> forgetting(Runnable forget) {
        return denial -> {
            if (!alwaysAsking && readers.credential().isEmpty()) {
                forget.run();
            }
        };
    }

    private Window window(Window ofClients) {
        return alwaysAsking ? Window.ALWAYS_ASK : ofClients;
    }

    // The settings for what has no tag, unless they deny it.
    private CacheSettings admitted() throws BlockedException {
        CacheSettings settings = settings();
        refuseDenied(settings, "");
        return settings;
    }

    private void refuseDenied(CacheSettings settings, String what) throws BlockedException {
        Optional<BlockedException> denial = denial(repository, settings, what);
        if (denial.isPresent()) {
            counters.count(RuleEvent.DENIED);
            throw denial.get();
        }
    }

    /** Why nothing is served, if nothing is. */
    static Optional<BlockedException> denial(Repository repository, CacheSettings settings, String what) {
        return settings.denied()
                .map(reason -> new BlockedException(
                        BlockedException.Kind.DENIED,
                        what + repository + " is denied by " + settings.rule(Setting.ACCESS) + ": " + reason));
    }

    /**
     * A manifest by tag or digest.
     *
     * @throws NotFoundException if the upstream answered that there is no such manifest
     * @throws dev.entrepot.oci.OutageException if the upstream is out and nothing is kept that may still be served
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream refused, or sent what is not the manifest
     */
    public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
        Answer<ManifestBytes> answer = switch (reference) {
            case Digest digest -> manifestByDigest(digest);
            case Tag tag -> manifestByTag(tag);
        };
        cache.running().served(answer.content());
        return answer;
    }

    private Answer<ManifestBytes> manifestByTag(Tag tag) throws IOException {
        CacheSettings settings = settings(tag);
        refuseDenied(settings, "tag " + tag + " of ");
        Optional<MinAge> minAge = Cooldown.of(tag, settings);
        if (minAge.isPresent()) {
            return mature(tag, settings, minAge.get());
        }
        Answer<ManifestBytes> answer = answering.answer(
                new Question.ForManifest(repository, tag, readers),
                settings,
                upstream::outage,
                window(Window.ofTag(settings)),
                () -> tags.kept(tag),
                () -> fetched(
                        tag,
                        tags.ask(tag, record -> holds(record, settings), outage -> standsIn(tag, settings, outage))),
                forgetting(() -> tags.forget(tag)));
        index.touched(answer.content().digest(), repository);
        return answer;
    }

    private boolean holds(TagRecord record, CacheSettings settings) {
        // Of what is offline the tag is not to be asked for by its digest either.
        return !alwaysAsking
                && !settings.offline()
                && answering.judge(settings).step(Window.ofTag(settings), Optional.of(record.checkedAt()))
                        == Judgement.Step.SERVE;
    }

    private boolean standsIn(Tag tag, CacheSettings settings, OutageException outage) {
        return !alwaysAsking
                && tags.kept(tag)
                        .flatMap(kept -> answering.judge(settings).inPlaceOf(outage, kept))
                        .isPresent();
    }

    // First what the tag names, then which digest may be served for it, and only then its bytes: what is too young is
    // not
    // even fetched. What cannot be had then has something older stand in, as what is kept does elsewhere.
    private Answer<ManifestBytes> mature(Tag tag, CacheSettings settings, MinAge minAge) throws IOException {
        Answer<TagRecord> named = answering.answer(
                new Question.ForName(repository, tag, readers),
                settings,
                upstream::outage,
                window(Window.ofTag(settings)),
                () -> tags.named(tag),
                () -> tags.askName(tag),
                forgetting(() -> tags.forget(tag)));
        TagRecord record = named.content();
        Instant now = answering.judge(settings).now();
        Cooldown.Choice choice =
                Cooldown.choose(record, tags.history(tag), minAge, digest -> isExempt(digest, minAge), now);
        if (choice.current().isPresent()) {
            return manifestNamed(tag, choice.current().get(), choice, named, settings);
        }
        for (Cooldown.Turn former : choice.former(digest -> true)) {
            try {
                Answer<ManifestBytes> older = manifestNamed(tag, former, choice, named, settings);
                counters.count(RuleEvent.COOLED);
                return older.verdict() == Verdict.STALE
                        ? older
                        : new Answer<>(
                                older.content(),
                                Verdict.COOLED,
                                older.age(),
                                Optional.of(Cooldown.notice(record, choice, settings)));
            } catch (NotFoundException e) {
                LOG.debug("{} of {} cannot stand in for {}: {}", former.digest(), repository, tag, e.getMessage());
            }
        }
        counters.count(RuleEvent.TOO_YOUNG);
        throw Cooldown.refusal(repository, tag, record, choice, settings, now);
    }

    private boolean isExempt(Digest digest, MinAge minAge) {
        try {
            return minAge.asksReferrers()
                    && isSigned(referrersOf(digest, settings()).content(), minAge);
        } catch (IOException e) {
            LOG.debug("referrers of {} in {} are not known: {}", digest, repository, e.toString());
            return false;
        }
    }

    /** Whether any of the referrers is of a type that exempts its subject from a minimum age. */
    static boolean isSigned(Referrers referrers, MinAge minAge) {
        return referrers.descriptors().stream()
                .anyMatch(descriptor -> descriptor
                        .artifactType()
                        .filter(minAge.exemptArtifactType())
                        .isPresent());
    }

    // The bytes of a digest that the tag is known to name, or to have named.
    private Answer<ManifestBytes> manifestNamed(
            Tag tag, Cooldown.Turn turn, Cooldown.Choice choice, Answer<TagRecord> named, CacheSettings settings)
            throws IOException {
        Digest digest = turn.digest();
        Optional<ManifestBytes> kept = keptAs(digest);
        Answer<ManifestBytes> answer = kept.isPresent()
                ? new Answer<>(kept.get(), verdict(named.verdict(), true), named.age(), named.outage())
                : fetchedFor(tag, turn, choice, named, settings);
        index.touched(answer.content().digest(), repository);
        return answer;
    }

    private Answer<ManifestBytes> fetchedFor(
            Tag tag, Cooldown.Turn turn, Cooldown.Choice choice, Answer<TagRecord> named, CacheSettings settings)
            throws IOException {
        Digest digest = turn.digest();
        Optional<Kept<ManifestBytes>> standIn =
                alwaysAsking ? Optional.empty() : standIn(choice, turn, named.content(), this::keptHere);
        Optional<Answer<ManifestBytes>> saved = upstream.reserved()
                .flatMap(reserved -> standIn.flatMap(older -> answering.inPlaceOf(reserved, settings, older)));
        if (saved.isPresent()) {
            return saved.get();
        }
        Answer<ManifestBytes> answer = answering.shareOr(
                new Question.ForManifest(repository, digest, readers),
                settings,
                upstream::outage,
                standIn,
                () -> fetched(tag, Answer.of(fetchKept(Optional.of(tag), digest), Verdict.MISS, Duration.ZERO)));
        return answer.verdict() == Verdict.STALE
                ? answer
                : new Answer<>(answer.content(), verdict(named.verdict(), false), named.age(), named.outage());
    }

    /** What is served under a tag in place of what should be and cannot be had; confirmed when it still was what should be served. */
    static Optional<Kept<ManifestBytes>> standIn(
            Cooldown.Choice choice,
            Cooldown.Turn turn,
            TagRecord named,
            Function<Digest, Optional<ManifestBytes>> keptHere) {
        Instant confirmedAt = named.checkedAt().isBefore(turn.since()) ? named.checkedAt() : turn.since();
        return choice.standIn(turn, digest -> keptHere.apply(digest).isPresent())
                .flatMap(other -> keptHere.apply(other.digest()))
                .map(manifest -> new Kept<>(manifest, confirmedAt));
    }

    private Optional<ManifestBytes> keptHere(Digest digest) {
        return index.link(repository, digest).isEmpty() ? Optional.empty() : cache.keptManifest(digest);
    }

    // That a tag of the repository names it, by its upstream's word, is proof that the repository has it.
    private Optional<ManifestBytes> keptAs(Digest named) throws InvalidContentException {
        Optional<ManifestBytes> kept = cache.keptManifest(named);
        if (kept.isPresent() && index.link(repository, named).isEmpty()) {
            index.addLinks(repository, ManifestLinks.of(kept.get()));
        }
        return kept;
    }

    /** Where the tags of this repository have their manifests from. */
    private final class TagManifests implements TagCache.Manifests {
        @Override
        public Optional<ManifestBytes> kept(Digest digest) {
            return cache.keptManifest(digest);
        }

        @Override
        public Optional<ManifestBytes> named(Digest digest) throws IOException {
            return keptAs(digest);
        }

        @Override
        public ManifestBytes fetch(Tag tag, ManifestReference reference) throws IOException {
            return fetchKept(Optional.of(tag), reference);
        }
    }

    /** Where a manifest comes from, given where its name comes from and whether its bytes are at hand. */
    static Verdict verdict(Verdict named, boolean atHand) {
        if (named == Verdict.STALE) {
            return Verdict.STALE;
        }
        return !atHand ? Verdict.MISS : named == Verdict.MISS || named == Verdict.JOINED ? Verdict.REVALIDATED : named;
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
        Explaining explaining =
                new Explaining(repository, index, cache, tags, lists, settings(), upstream, mirrors, this::keptHere);
        return switch (reference) {
            case Digest digest -> explaining.digest(digest);
            case Tag tag -> explaining.tag(tag, settings(tag));
        };
    }

    private Answer<ManifestBytes> manifestByDigest(Digest digest) throws IOException {
        CacheSettings settings = admitted();
        Optional<ManifestBytes> kept = cache.keptManifest(digest);
        if (kept.isPresent() && index.link(repository, digest).isPresent()) {
            index.touched(digest, repository);
            return Answer.of(kept.get(), Verdict.HIT, Duration.ZERO);
        }
        if (kept.isPresent()) {
            Verdict proved = prove(digest, true, settings);
            return Answer.of(kept.get(), proved, Duration.ZERO);
        }
        return answering.shareRemembering(
                new Question.ForManifest(repository, digest, readers),
                settings,
                () -> fetched(digest, Answer.of(fetchKept(Optional.empty(), digest), Verdict.MISS, Duration.ZERO)));
    }

    /**
     * As {@link #manifest}, and it is on the disk when this returns: also one that was in memory alone, because the disk had refused it once or had to let it go. Of a
     * tag that is offline, what is kept.
     *
     * @throws IOException if the disk refuses it now
     */
    public ManifestBytes keepManifest(ManifestReference reference) throws IOException {
        boolean offline =
                reference instanceof Tag tag && rules.of(repository, tag).offline();
        PullThrough reader = offline ? cache.whateverIsKept(repository) : this;
        ManifestBytes manifest = reader.manifest(reference).content();
        if (!cache.store().containsManifest(manifest.digest()) && !cache.keep(manifest, repository)) {
            throw new IOException("manifest " + manifest.digest() + " of " + repository
                    + " cannot be kept on the disk; the log says why");
        }
        return manifest;
    }

    // Where it is fetched, not where it is answered: what is fetched behind a client's back counts too.
    private Answer<ManifestBytes> fetched(ManifestReference reference, Answer<ManifestBytes> answer) {
        if (answer.verdict() == Verdict.MISS && !alwaysAsking) {
            cache.listener().fetched(repository, reference, answer.content());
        }
        return answer;
    }

    /**
     * What a reference names, as {@link #manifest} would serve it; for a tag, its bytes are not fetched for that if no rule makes it necessary.
     *
     * @return empty if the upstream answered that there is no such manifest
     */
    Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        if (reference instanceof Tag tag) {
            CacheSettings settings = settings(tag);
            refuseDenied(settings, "tag " + tag + " of ");
            if (Cooldown.of(tag, settings).isEmpty()) {
                return upstream.resolve(tag);
            }
        }
        try {
            return Optional.of(manifest(reference).content().descriptor());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    // Fetches a manifest, keeps it and links it and all it names to this repository. What is fetched for a tag goes by
    // the
    // settings of the tag.
    private ManifestBytes fetchKept(Optional<Tag> tag, ManifestReference reference) throws IOException {
        if (reference instanceof Digest digest) {
            Optional<ManifestBytes> kept = keptHere(digest);
            if (kept.isPresent()) {
                return kept.get();
            }
        }
        ManifestBytes manifest =
                tag.isPresent() ? upstream.fetchManifestFor(tag.get(), reference) : upstream.fetchManifest(reference);
        // Before it is kept: what cannot be understood is refused each time, not only the first.
        List<Link> links = ManifestLinks.of(manifest);
        cache.keep(manifest, repository);
        index.addLinks(repository, links);
        return manifest;
    }

    /**
     * Whether the repository has a blob, and its size where known. Never starts a fetch.
     *
     * @throws NotFoundException if it has not, or if the digest is that of a manifest
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
        CacheSettings settings = admitted();
        refuseManifest(digest);
        OptionalLong kept = cache.repair().blobSize(digest);
        Optional<Link> link = index.link(repository, digest);
        refuseTooLarge(settings, digest, kept);
        if (kept.isPresent()) {
            Verdict verdict = link.isPresent() ? Verdict.HIT : prove(digest, false, settings);
            return Answer.of(kept, verdict, Duration.ZERO);
        }
        OptionalLong size = askSize(digest, settings);
        refuseTooLarge(settings, digest, size);
        if (link.isEmpty()
                && size.orElse(0) <= OciLimits.MAX_MANIFEST_BYTES
                && BlobOrManifest.isManifest(upstream, digest)) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        return Answer.of(size, Verdict.MISS, Duration.ZERO);
    }

    private OptionalLong askSize(Digest digest, CacheSettings settings) throws IOException {
        // That the blob was denied counts here too, and not the other way: some deny by HEAD what they send.
        answering.refuseRemembered(new Question.ForBlob(repository, digest, readers.credential()), settings);
        Question question = new Question.ForBlobSize(repository, digest, readers.credential());
        answering.refuseRemembered(question, settings);
        try {
            return upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
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

    /**
     * Opens a blob: from the store, or following the one fetch that brings it there. Returns when the upstream has begun to answer, so that what is
     * wrong from the start is thrown here.
     *
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer
     */
    public Answer<BlobContent> openBlob(Digest digest) throws IOException {
        CacheSettings settings = admitted();
        refuseManifest(digest);
        refuseUnverifiable(digest);
        cache.running().asked(digest);
        Answer<BlobContent> answer = opened(digest, settings);
        BlobContent content = cache.running().reading(digest, answer.content());
        return content == answer.content() ? answer : answer.map(same -> content);
    }

    private Answer<BlobContent> opened(Digest digest, CacheSettings settings) throws IOException {
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.link(repository, digest);
            Optional<BlobFile> kept = cache.repair().openBlob(digest);
            if (kept.isPresent()) {
                return serveKept(digest, link.isPresent(), kept.get(), settings);
            }
            BlobFetches.Joined joined = join(digest, link, settings);
            try {
                return follow(digest, joined, settings);
            } catch (IOException e) {
                if (mustGiveUp(digest, joined, e, attempt, settings)) {
                    throw isOwn(joined) ? e : ofOthers(digest, e);
                }
            }
        }
    }

    /**
     * Brings a blob into the store without a client, or waits for the fetch that does. What is there already is not read and does not count as used.
     *
     * @return whether it is in the store now; false if the local disk failed or has no room for it
     * @throws NotFoundException if the repository does not have it, or if the digest is that of a manifest
     * @throws BlockedException if a rule of the cache forbids it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no answer, or not the blob
     */
    public boolean keepBlob(Digest digest) throws IOException {
        CacheSettings settings = admitted();
        refuseManifest(digest);
        refuseUnverifiable(digest);
        for (int attempt = 1; ; attempt++) {
            Optional<Link> link = index.link(repository, digest);
            if (cache.store().blobSize(digest).isPresent()) {
                if (link.isEmpty()) {
                    prove(digest, false, settings);
                }
                return true;
            }
            BlobFetches.Joined joined = join(digest, link, settings);
            try {
                return joined.fetch()
                        .progress()
                        .awaitEnd(cache.settings().patience())
                        .complete();
            } catch (IOException e) {
                if (mustGiveUp(digest, joined, e, attempt, settings)) {
                    throw isOwn(joined) ? e : ofOthers(digest, e);
                }
            }
        }
    }

    private BlobFetches.Joined join(Digest digest, Optional<Link> link, CacheSettings settings) throws IOException {
        OptionalLong declared = link.map(Link::sizeBytes).orElse(OptionalLong.empty());
        refuseTooLarge(settings, digest, declared);
        answering.refuseRemembered(new Question.ForBlob(repository, digest, readers.credential()), settings);
        BlobFetches.Joined joined = cache.fetches()
                .join(
                        digest,
                        repository,
                        readers.credential(),
                        upstream,
                        !alwaysAsking,
                        declared,
                        link.isPresent(),
                        BlobLimit.of(repository, settings));
        if (link.isEmpty() && !isOwn(joined)) {
            prove(digest, false, settings);
        }
        return joined;
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

    // What others are denied, or their rules forbid, is no answer to this one, nor for it to know.
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

    private Answer<BlobContent> follow(Digest digest, BlobFetches.Joined joined, CacheSettings settings)
            throws IOException {
        joined.fetch().progress().awaitStart(cache.settings().patience());
        FetchReader reader = new FetchReader(digest, joined.fetch(), upstream, cache.settings(), cache.counters());
        Verdict verdict = joined.underWay() ? Verdict.JOINED : Verdict.MISS;
        Optional<BlobLimit> limit = BlobLimit.of(repository, settings);
        if (limit.isEmpty()) {
            return Answer.of(reader, verdict, Duration.ZERO);
        }
        OptionalLong size = reader.totalBytes();
        try {
            limit.get().check(digest, size);
        } catch (BlockedException e) {
            reader.close();
            throw e;
        }
        BlobContent content = size.isPresent() ? reader : new LimitedContent(reader, digest, limit.get());
        return Answer.of(content, verdict, Duration.ZERO);
    }

    private Answer<BlobContent> serveKept(Digest digest, boolean linked, BlobFile file, CacheSettings settings)
            throws IOException {
        Verdict verdict = Verdict.HIT;
        try {
            refuseTooLarge(settings, digest, OptionalLong.of(file.sizeBytes()));
            if (!linked) {
                verdict = prove(digest, false, settings);
            }
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
        index.touched(digest, repository);
        return Answer.of(new KeptBlob(file), verdict, Duration.ZERO);
    }

    private void refuseManifest(Digest digest) throws NotFoundException {
        Optional<Link> link = index.link(repository, digest);
        if (link.isPresent() && link.get().manifest()) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        if (link.isEmpty() && cache.store().containsManifest(digest)) {
            // Of another repository, perhaps, of which nothing is said here.
            throw noBlob(digest);
        }
    }

    private NotFoundException noBlob(Digest digest) {
        return new NotFoundException(NotFoundException.Kind.BLOB, "blob " + digest + " is not in " + repository);
    }

    // Kept for another repository: the upstream's word that this one has it too makes the link.
    private Verdict prove(Digest digest, boolean manifest, CacheSettings settings) throws IOException {
        Question question = new Question.ForProof(repository, digest, manifest, readers);
        answering.shareRemembering(question, settings, () -> {
            OptionalLong size = manifest
                    ? upstream.resolve(digest)
                            .map(found -> OptionalLong.of(found.sizeBytes()))
                            .orElseThrow(() -> noManifest(digest))
                    : upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
            Optional<ManifestBytes> kept = manifest ? cache.keptManifest(digest) : Optional.empty();
            if (kept.isPresent()) {
                index.addLinks(repository, ManifestLinks.of(kept.get()));
            } else if (!manifest) {
                index.addLinks(repository, List.of(new Link(digest, provedSize(digest, size), false)));
            }
            return Answer.of(digest, Verdict.REVALIDATED, Duration.ZERO);
        });
        return Verdict.REVALIDATED;
    }

    // What is stored was verified; what is said of the length, by HEAD at that, need not be true.
    private OptionalLong provedSize(Digest digest, OptionalLong stated) throws IOException {
        OptionalLong stored = cache.store().blobSize(digest);
        return stored.isPresent() || stated.orElse(0) > 0 ? first(stored, stated) : OptionalLong.empty();
    }

    private static OptionalLong first(OptionalLong one, OptionalLong other) {
        return one.isPresent() ? one : other;
    }

    private NotFoundException noManifest(Digest digest) {
        return new NotFoundException(
                NotFoundException.Kind.MANIFEST, "manifest " + digest + " is not in " + repository);
    }

    /**
     * Has the upstream say, past all that is kept, that it has a manifest for this reader.
     *
     * @throws NotFoundException if it has not
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if it refuses, or gives no answer
     */
    public void proveManifest(ManifestReference reference) throws IOException {
        switch (reference) {
            case Digest _ -> admitted();
            case Tag tag -> refuseDenied(settings(tag), "tag " + tag + " of ");
        }
        if (upstream.resolve(reference).isEmpty()) {
            throw new NotFoundException(
                    NotFoundException.Kind.MANIFEST, "manifest " + reference + " is not in " + repository);
        }
    }

    /** As {@link #proveManifest}, for a blob. */
    public void proveBlob(Digest digest) throws IOException {
        admitted();
        OptionalLong stated = upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
        OptionalLong known = index.link(repository, digest).map(Link::sizeBytes).orElse(OptionalLong.empty());
        if (stated.isPresent() && known.isPresent() && stated.getAsLong() != known.getAsLong()) {
            throw new InvalidContentException("blob " + digest + " of " + repository + " is said to have "
                    + stated.getAsLong() + " bytes, expected " + known.getAsLong());
        }
    }

    /** As {@link #proveManifest}, for the list of tags, of which one page is asked for. */
    public void proveTags() throws IOException {
        admitted();
        upstream.listTags(Optional.empty());
    }

    /**
     * All tags, in order.
     *
     * @throws BlockedException if a rule refuses them
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<List<Tag>> tags() throws IOException {
        CacheSettings settings = admitted();
        return answering.answer(
                new Question.ForTags(repository, readers),
                settings,
                upstream::outage,
                window(Window.ofTags(settings)),
                lists::keptTags,
                lists::askTags,
                forgetting(lists::forgetTags));
    }

    /**
     * Everything that refers to a digest.
     *
     * @throws BlockedException if a rule refuses it
     * @throws dev.entrepot.oci.RegistryException if the upstream gave no list and none is kept that may still be served
     */
    public Answer<Referrers> referrers(Digest subject) throws IOException {
        Answer<Referrers> answer = referrersOf(subject, admitted());
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

    private Answer<Referrers> referrersOf(Digest subject, CacheSettings settings) throws IOException {
        return answering.answer(
                new Question.ForReferrers(repository, subject, readers),
                settings,
                upstream::outage,
                window(Window.ofReferrers(settings)),
                () -> lists.keptReferrers(subject),
                () -> lists.askReferrers(subject),
                forgetting(() -> lists.forgetReferrers(subject)));
    }
}
