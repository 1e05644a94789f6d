package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Asks;
import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.cache.Judgement.Step;
import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Explains a repository: goes the way of a request, with an imagined upstream at its end. All that is decided on the
 * way is decided by what also serves: {@link Judgement}, {@link Cooldown}, {@link Admission#denial},
 * {@link GuardedSource#refusal} and the failures that are remembered.
 *
 * <p>It is long because tags, digests and blobs each go their own way through the same decisions.
 */
final class Explaining {
    private static final Logger LOG = LoggerFactory.getLogger(Explaining.class);

    private final Repository repository;
    private final CacheIndex index;
    private final Function<Digest, Optional<ManifestBytes>> manifests;
    private final Answering answering;
    private final ContentStore store;
    private final TagCache tags;
    private final ListCache lists;
    private final CacheSettings untagged;
    private final RepositorySource source;
    private final Explanation.Mirrors mirrors;
    private final Function<Digest, Optional<ManifestBytes>> keptHere;
    private final KeptGraphs graphs;

    /**
     * Explains a repository.
     *
     * @param untagged what rules say of what has no tag
     * @param source the upstream, which is asked nothing but how questions would be refused now, as far as is known
     * @param mirrors which mirrors would be asked first
     * @param keptHere the manifests that are kept for this repository
     */
    Explaining(
            Repository repository,
            CacheIndex index,
            PullThroughCache cache,
            TagCache tags,
            ListCache lists,
            CacheSettings untagged,
            RepositorySource source,
            Explanation.Mirrors mirrors,
            Function<Digest, Optional<ManifestBytes>> keptHere) {
        this.repository = repository;
        this.index = index;
        this.manifests = cache::keptManifest;
        this.answering = cache.answering();
        this.store = cache.store();
        this.tags = tags;
        this.lists = lists;
        this.untagged = untagged;
        this.source = source;
        this.mirrors = mirrors;
        this.keptHere = keptHere;
        this.graphs = new KeptGraphs(cache);
    }

    /** An upstream that fails in one way, or answers as it did when it was asked last. */
    private record Imagined(Optional<StaleCause> down) {
        static final Imagined UP = new Imagined(Optional.empty());

        Optional<RegistryException> failure(Object what) {
            return down.map(cause -> switch (cause) {
                case RATE_LIMITED -> outage(OutageException.Reason.RATE_LIMITED, what);
                case SERVER_ERROR -> outage(OutageException.Reason.SERVER_ERROR, what);
                case TIMEOUT -> outage(OutageException.Reason.TIMEOUT, what);
                case UNREACHABLE -> outage(OutageException.Reason.UNREACHABLE, what);
                case DELETED -> new NotFoundException(NotFoundException.Kind.MANIFEST, what + " would not be found");
            });
        }

        private static RegistryException outage(OutageException.Reason reason, Object what) {
            return new OutageException(reason, "there would be no answer about " + what);
        }
    }

    /**
     * Whether the upstream is asked.
     *
     * @param asks whether a request now asks it
     * @param next from when on one does; empty for never, or where the next request does
     */
    private record Checking(Asks asks, Optional<Instant> next) {
        static final Checking NEVER = new Checking(Asks.NOT, Optional.empty());
    }

    /** What a request finds on its way, given an upstream. */
    private interface Way {
        Outcome with(Imagined upstream);
    }

    /** Explains a digest: of a blob, if it is known to be one, else of a manifest. */
    Explanation digest(Digest digest) {
        CacheSettings settings = untagged;
        Optional<ManifestBytes> kept = manifests.apply(digest);
        Optional<Link> link = index.links().get(repository, digest);
        boolean linked = link.isPresent();
        OptionalLong stored = storedBlob(digest);
        if (linked ? !link.get().manifest() : kept.isEmpty() && stored.isPresent()) {
            return blob(digest, link, stored);
        }
        boolean hit = kept.isPresent() && index.links().isProven(repository, digest);
        Question question = kept.isPresent()
                ? new Question.ForProof(repository, digest, true, Readers.CLIENTS)
                : new Question.ForManifest(repository, digest, Readers.CLIENTS);
        Way way = upstream -> hit
                ? new Outcome.Served(Verdict.HIT, Optional.of(digest))
                : (kept.isPresent()
                                ? ask(question, settings, digest, upstream)
                                : pull(question, settings, digest, upstream))
                        .<Outcome>map(Outcome.Failed::new)
                        .orElseGet(() -> new Outcome.Served(
                                kept.isPresent() ? Verdict.REVALIDATED : Verdict.MISS, Optional.of(digest)));
        return explanation(
                digest,
                false,
                settings,
                kept.filter(manifest -> hit)
                        .map(manifest -> graphs.of(manifest, Optional.empty(), answering.judge(settings))),
                TagHistory.NONE,
                hit ? Checking.NEVER : checking(question, settings, digest),
                Admission.denial(repository, settings, ""),
                way);
    }

    private OptionalLong storedBlob(Digest digest) {
        try {
            return store.blobSize(digest);
        } catch (IOException e) {
            LOG.debug("blob {} cannot be looked at: {}", digest, e.toString());
            return OptionalLong.empty();
        }
    }

    private Explanation blob(Digest digest, Optional<Link> link, OptionalLong stored) {
        boolean hit = stored.isPresent() && index.links().isProven(repository, digest);
        OptionalLong size =
                stored.isPresent() ? stored : link.map(Link::sizeBytes).orElse(OptionalLong.empty());
        Optional<BlobLimit> limit = BlobLimit.of(repository, untagged);
        Question question = stored.isPresent()
                ? new Question.ForProof(repository, digest, false, Readers.CLIENTS)
                : new Question.ForBlob(repository, digest, Optional.empty());
        Way way = upstream -> {
            Optional<RegistryException> failure =
                    hit ? Optional.empty() : ask(question, untagged, "blob " + digest, upstream);
            if (failure.isPresent()) {
                return new Outcome.Failed(failure.get());
            }
            if (size.isEmpty() && limit.isPresent()) {
                return new Outcome.Unknown("how large the blob is, and max-size is "
                        + limit.get().maxBytes() + " by " + limit.get().rule());
            }
            return new Outcome.Served(
                    hit ? Verdict.HIT : stored.isPresent() ? Verdict.REVALIDATED : Verdict.MISS, Optional.of(digest));
        };
        return explanation(
                digest,
                true,
                untagged,
                hit ? Optional.of(KeptGraphs.ofBlob(digest, stored.getAsLong())) : Optional.empty(),
                TagHistory.NONE,
                hit ? Checking.NEVER : checking(question, untagged, digest),
                Admission.denial(repository, untagged, "")
                        .or(() -> limit.flatMap(found -> found.refusal(digest, size))),
                way);
    }

    /** Explains a tag. */
    Explanation tag(Tag tag, CacheSettings settings) {
        Judgement judgement = answering.judge(settings);
        Optional<TagRecord> record = tags.named(tag).map(Kept::content);
        Optional<MinAge> minAge = Cooldown.of(tag, settings);
        Optional<Instant> confirmed = minAge.isPresent()
                ? tags.named(tag).map(Kept::confirmedAt)
                : tags.kept(tag).map(Kept::confirmedAt);
        Step step = judgement.step(Window.ofTag(settings), confirmed);
        Way way = minAge.isPresent()
                ? upstream -> mature(tag, settings, minAge.get(), step, upstream)
                : upstream -> current(tag, settings, step, upstream);
        return explanation(
                tag,
                false,
                settings,
                record.map(found -> graphs.of(found, judgement)),
                tags.history(tag),
                checking(tag, settings, step, confirmed, minAge.isPresent()),
                Admission.denial(repository, settings, "tag " + tag + " of "),
                way);
    }

    private Checking checking(
            Tag tag, CacheSettings settings, Step step, Optional<Instant> confirmed, boolean nameFirst) {
        Optional<Instant> due =
                confirmed.flatMap(at -> answering.judge(settings).nextCheck(Window.ofTag(settings), at));
        if (step == Step.SERVE) {
            return new Checking(Asks.NOT, due);
        }
        Question question = nameFirst
                ? new Question.ForName(repository, tag, Readers.CLIENTS)
                : new Question.ForManifest(repository, tag, Readers.CLIENTS);
        boolean nameHeld = !nameFirst && confirmed.isEmpty();
        Optional<Digest> fetched = nameHeld ? held(tag, settings).map(TagRecord::digest) : Optional.empty();
        Checking checking = checking(question, settings, fetched.isPresent() ? fetched.get() : tag);
        return checking.asks() == Asks.NOT
                ? checking
                : new Checking(step == Step.SERVE_AND_CHECK ? Asks.BEHIND : Asks.BEFORE, due);
    }

    // Of something that is not served before anybody is asked.
    private Checking checking(Question question, CacheSettings settings, ManifestReference asked) {
        if (GuardedSource.refusal(repository, settings, asked).isPresent()) {
            return Checking.NEVER;
        }
        return Stream.of(answering.rememberedUntil(question, settings), leftAloneUntil(question, asked))
                .flatMap(Optional::stream)
                .max(Comparator.naturalOrder())
                .map(until -> new Checking(Asks.NOT, Optional.of(until)))
                .orElseGet(() -> new Checking(Asks.BEFORE, Optional.empty()));
    }

    // Until when no request is sent to an upstream that was out, nor to a mirror of it. Where no pull is left one may
    // be sent all the same, to see whether that is still so.
    private Optional<Instant> leftAloneUntil(Question question, ManifestReference asked) {
        return outage(question)
                .filter(known -> known.reason() == OutageException.Reason.NOT_ASKED || known.isHeld())
                .filter(known -> mirrors.askedFor(asked, aboutBlob(question)).isEmpty())
                .flatMap(OutageException::retryAfter)
                .map(answering.judge(untagged).now()::plus);
    }

    private Explanation explanation(
            ManifestReference reference,
            boolean blob,
            CacheSettings settings,
            Optional<Explanation.KeptGraph> kept,
            TagHistory history,
            Checking wished,
            Optional<BlockedException> denial,
            Way way) {
        Checking checking = denial.isPresent() ? Checking.NEVER : wished;
        Way allowed = denial.isPresent()
                ? imagined -> new Outcome.Failed(denial.get())
                : overMirrors(reference, blob, settings, checking.asks(), way);
        Map<StaleCause, Outcome> down = new EnumMap<>(StaleCause.class);
        for (StaleCause cause : StaleCause.values()) {
            down.put(cause, allowed.with(new Imagined(Optional.of(cause))));
        }
        Map<Digest, Instant> former = new LinkedHashMap<>();
        history.former().forEach(entry -> former.put(entry.digest(), entry.firstSeenAt()));
        return new Explanation(
                repository,
                reference,
                blob,
                settings,
                kept,
                former,
                checking.next(),
                index.pins().get(repository, reference),
                checking.asks(),
                allowed.with(Imagined.UP),
                down);
    }

    // Where the upstream's own answer is not the only one that counts, it is not said what comes of its failure.
    private Way overMirrors(ManifestReference reference, boolean blob, CacheSettings settings, Asks asks, Way way) {
        List<String> first = asks == Asks.BEFORE ? mirrors.askedFor(reference, blob) : List.of();
        boolean offline = GuardedSource.refusal(repository, settings, reference).isPresent();
        if (first.isEmpty() || offline) {
            return way;
        }
        return imagined -> {
            Outcome own = way.with(imagined);
            boolean upstreamFails = own instanceof Outcome.Failed
                    || own instanceof Outcome.Served served && served.verdict() == Verdict.STALE;
            return upstreamFails ? atMirrors(first) : own;
        };
    }

    private static Outcome atMirrors(List<String> first) {
        return new Outcome.Unknown("whether it is at " + String.join(" or ", first));
    }

    // The mirrors that may have the bytes of a digest that the upstream does not give. Who is answered with a failure
    // that is remembered asks them neither.
    private List<String> elsewhere(Question question, Digest digest, CacheSettings settings) {
        return GuardedSource.refusal(repository, settings, digest).isPresent()
                        || answering.remembered(question, settings).isPresent()
                ? List.of()
                : mirrors.askedFor(digest, false);
    }

    // How asking the upstream fails, if it does.
    private Optional<RegistryException> ask(Question question, CacheSettings settings, Object what, Imagined imagined) {
        return answering
                .remembered(question, settings)
                .or(() -> GuardedSource.refusal(repository, settings, what))
                .or(() -> outage(question))
                .or(() -> imagined.failure(what));
    }

    private Optional<OutageException> outage(Question question) {
        boolean blob = aboutBlob(question);
        return (blob ? source.blobOutage() : source.outage()).or(() -> source.held(blob));
    }

    // As above, where it costs a pull: with none left, nobody is asked.
    private Optional<RegistryException> pull(
            Question question, CacheSettings settings, Object what, Imagined imagined) {
        return ask(question, settings, what, Imagined.UP).or(source::spent).or(() -> imagined.failure(what));
    }

    // Blobs have a circuit breaker of their own.
    private static boolean aboutBlob(Question question) {
        return question instanceof Question.ForBlob || question instanceof Question.ForProof proof && !proof.manifest();
    }

    private Outcome current(Tag tag, CacheSettings settings, Step step, Imagined upstream) {
        Optional<Kept<ManifestBytes>> kept = tags.kept(tag);
        if (step != Step.ASK) {
            return new Outcome.Served(
                    Verdict.HIT, kept.map(found -> found.content().digest()));
        }
        Question question = new Question.ForManifest(repository, tag, Readers.CLIENTS);
        Optional<Digest> held =
                kept.isPresent() ? Optional.empty() : held(tag, settings).map(TagRecord::digest);
        Optional<RegistryException> failure = held.isPresent()
                ? pull(question, settings, "tag " + tag, upstream)
                : ask(question, settings, "tag " + tag, upstream);
        if (failure.isEmpty()) {
            return confirmed(tag, kept.isPresent());
        }
        List<String> elsewhere =
                held.map(digest -> elsewhere(question, digest, settings)).orElse(List.of());
        if (!elsewhere.isEmpty()) {
            return atMirrors(elsewhere);
        }
        return kept.flatMap(found -> answering.judge(settings).inPlaceOf(failure.get(), found))
                .<Outcome>map(answer -> new Outcome.Served(
                        answer.verdict(), Optional.of(answer.content().digest())))
                .orElseGet(() -> new Outcome.Failed(failure.get()));
    }

    // What a tag names by a word that still counts, so that it is fetched by that digest without asking for the tag.
    private Optional<TagRecord> held(Tag tag, CacheSettings settings) {
        return tags.named(tag)
                .filter(known ->
                        answering.judge(settings).step(Window.ofTag(settings), Optional.of(known.confirmedAt()))
                                == Step.SERVE)
                .map(Kept::content);
    }

    // What the upstream names is what it named when it was asked last. Where pulls are counted, a tag that is not known
    // any more is asked for by HEAD first.
    private Outcome confirmed(Tag tag, boolean kept) {
        Optional<Digest> named = tags.named(tag)
                .map(known -> known.content().digest())
                .or(() -> tags.history(tag)
                        .last()
                        .filter(last -> source.countsPulls())
                        .map(TagHistory.Former::digest));
        if (kept || named.flatMap(manifests).isPresent()) {
            return new Outcome.Served(Verdict.REVALIDATED, named);
        }
        return source.spent()
                .<Outcome>map(Outcome.Failed::new)
                .orElseGet(() -> new Outcome.Served(Verdict.MISS, named));
    }

    private Outcome mature(Tag tag, CacheSettings settings, MinAge minAge, Step step, Imagined upstream) {
        Optional<Kept<TagRecord>> named = tags.named(tag);
        Verdict verdict = named.isPresent() ? Verdict.REVALIDATED : Verdict.MISS;
        if (step != Step.ASK) {
            verdict = Verdict.HIT;
        } else {
            Question question = new Question.ForName(repository, tag, Readers.CLIENTS);
            Optional<RegistryException> failure = ask(question, settings, "tag " + tag, upstream);
            if (failure.isPresent()) {
                if (named.flatMap(found -> answering.judge(settings).inPlaceOf(failure.get(), found))
                        .isEmpty()) {
                    return new Outcome.Failed(failure.get());
                }
                verdict = Verdict.STALE;
            }
        }
        Moment moment = answering.judge(settings).moment();
        Instant now = moment.now();
        if (named.isEmpty()) {
            return neverAsked(tag, settings, minAge);
        }
        TagRecord record = named.get().content();
        Exemptions exempt = new Exemptions(minAge, upstream);
        Cooldown.Choice choice = Cooldown.choose(record, tags.history(tag), minAge, exempt, moment);
        boolean confirmedNow = step == Step.ASK && verdict != Verdict.STALE;
        TagRecord found = confirmedNow ? new TagRecord(record.digest(), now, record.firstSeenAt()) : record;
        Chosen chosen = new Chosen(choice, found, exempt, verdict);
        if (choice.current().isPresent()) {
            return named(choice.current().get(), chosen, settings, upstream);
        }
        for (Cooldown.Turn former : choice.former(digest -> true)) {
            if (exempt.unknown) {
                break;
            }
            Outcome older = named(former, chosen, settings, upstream);
            switch (older) {
                case Outcome.Served served -> {
                    return new Outcome.Served(
                            served.verdict() == Verdict.STALE ? Verdict.STALE : Verdict.COOLED, served.digest());
                }
                case Outcome.Unknown unknown -> {
                    return unknown;
                }
                case Outcome.Failed(RegistryException failure) -> {
                    if (!(failure instanceof NotFoundException)) {
                        return older;
                    }
                }
            }
        }
        return exempt.unknown
                ? unknownExemption(settings)
                : new Outcome.Failed(Cooldown.refusal(repository, tag, record, choice, settings, now));
    }

    private Outcome unknownExemption(CacheSettings settings) {
        return new Outcome.Unknown("whether it is signed, and so exempt from " + settings.rule(Setting.MIN_AGE)
                + ": its referrers are not kept");
    }

    private Outcome neverAsked(Tag tag, CacheSettings settings, MinAge minAge) {
        boolean certain = !minAge.asksReferrers()
                && minAge.exceptDigests().isEmpty()
                && tags.history(tag).former().isEmpty();
        return certain
                ? new Outcome.Failed(Cooldown.refusal(repository, tag, minAge, settings))
                : new Outcome.Unknown("what the tag names, and so whether " + settings.rule(Setting.MIN_AGE)
                        + " lets it through: the upstream was never asked, or did not have it");
    }

    /**
     * What is known of a tag under a minimum age: what may be served, what the tag names, and where that is known from.
     */
    private record Chosen(Cooldown.Choice choice, TagRecord named, Exemptions exempt, Verdict verdict) {}

    // As a request gets the bytes of a digest that the tag names. The reserve of a quota matters here alone, and before
    // anybody is asked: of other tags it is not known before they are asked for whether they have moved.
    private Outcome named(Cooldown.Turn turn, Chosen chosen, CacheSettings settings, Imagined upstream) {
        if (manifests.apply(turn.digest()).isPresent()) {
            return new Outcome.Served(TagPulls.verdict(chosen.verdict(), true), Optional.of(turn.digest()));
        }
        Optional<Kept<ManifestBytes>> standIn = TagPulls.standIn(chosen.choice(), turn, chosen.named(), keptHere);
        Question question = new Question.ForManifest(repository, turn.digest(), Readers.CLIENTS);
        Optional<Answer<ManifestBytes>> saved =
                source.reserved().flatMap(reserved -> older(reserved, standIn, settings));
        Optional<RegistryException> failure =
                saved.isPresent() ? Optional.empty() : pull(question, settings, turn.digest(), upstream);
        List<String> elsewhere = failure.isPresent() ? elsewhere(question, turn.digest(), settings) : List.of();
        if (!elsewhere.isEmpty()) {
            return atMirrors(elsewhere);
        }
        Optional<Answer<ManifestBytes>> older =
                saved.or(() -> failure.flatMap(known -> older(known, standIn, settings)));
        if (older.isPresent()) {
            return chosen.exempt().unknown
                    ? unknownExemption(settings)
                    : new Outcome.Served(
                            Verdict.STALE, Optional.of(older.get().content().digest()));
        }
        return failure.isPresent()
                ? new Outcome.Failed(failure.get())
                : new Outcome.Served(TagPulls.verdict(chosen.verdict(), false), Optional.of(turn.digest()));
    }

    private Optional<Answer<ManifestBytes>> older(
            RegistryException trouble, Optional<Kept<ManifestBytes>> standIn, CacheSettings settings) {
        return standIn.flatMap(found -> answering.judge(settings).inPlaceOf(trouble, found));
    }

    /** Whether digests are exempt from a minimum age because of what refers to them, as a request finds it out. */
    private final class Exemptions implements Predicate<Digest> {
        private final MinAge minAge;
        private final Imagined upstream;
        /** Whether it depends on referrers that nobody has asked for yet. */
        private boolean unknown;

        Exemptions(MinAge minAge, Imagined upstream) {
            this.minAge = minAge;
            this.upstream = upstream;
        }

        @Override
        public boolean test(Digest digest) {
            return minAge.asksReferrers()
                    && referrers(digest)
                            .filter(found -> TagPulls.isSigned(found, minAge))
                            .isPresent();
        }

        private Optional<Referrers> referrers(Digest digest) {
            Optional<Kept<Referrers>> kept = lists.keptReferrers(digest);
            Judgement judgement = answering.judge(untagged);
            if (judgement.step(Window.ofReferrers(untagged), kept.map(Kept::confirmedAt)) != Step.ASK) {
                return kept.map(Kept::content);
            }
            Question question = new Question.ForReferrers(repository, digest, Readers.CLIENTS);
            Optional<RegistryException> failure = ask(question, untagged, "the referrers of " + digest, upstream);
            if (failure.isEmpty()) {
                unknown |= kept.isEmpty();
                return kept.map(Kept::content);
            }
            // An upstream that has nothing of it has an empty list, which is no failure.
            boolean none = failure.get() instanceof NotFoundException
                    && answering.remembered(question, untagged).isEmpty();
            return none
                    ? Optional.empty()
                    : kept.flatMap(found -> judgement.inPlaceOf(failure.get(), found))
                            .map(Answer::content);
        }
    }
}
