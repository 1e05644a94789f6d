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
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Explains a repository: goes the way of a request, with an imagined upstream at its end. All that is decided on the way is decided by what also serves:
 * {@link Judgement}, {@link Cooldown}, {@link PullThrough#denial}, {@link GuardedSource#refusal} and the failures that are remembered.
 */
final class Explaining {
    private final Repository repository;
    private final CacheIndex index;
    private final Function<Digest, Optional<ManifestBytes>> manifests;
    private final Answering answering;
    private final TagCache tags;
    private final KeptGraphs graphs;

    Explaining(Repository repository, CacheIndex index, PullThroughCache cache, TagCache tags) {
        this.repository = repository;
        this.index = index;
        this.manifests = cache::keptManifest;
        this.answering = cache.answering();
        this.tags = tags;
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

    /** What a request finds on its way, given an upstream. */
    private interface Way {
        Outcome with(Imagined upstream);
    }

    /** Explains a digest. */
    Explanation digest(Digest digest, CacheSettings settings) {
        Optional<ManifestBytes> kept = manifests.apply(digest);
        boolean linked = index.link(repository, digest).isPresent();
        boolean hit = kept.isPresent() && linked;
        Object question = kept.isPresent()
                ? new Question.ForProof(repository, digest, true, false)
                : new Question.ForManifest(repository, digest, false);
        Way way = upstream -> hit
                ? new Outcome.Served(Verdict.HIT, Optional.of(digest))
                : ask(question, settings, digest, upstream)
                        .<Outcome>map(Outcome.Failed::new)
                        .orElseGet(() -> new Outcome.Served(
                                kept.isPresent() ? Verdict.REVALIDATED : Verdict.MISS, Optional.of(digest)));
        return explanation(
                digest,
                settings,
                kept.filter(manifest -> linked)
                        .map(manifest -> graphs.of(manifest, Optional.empty(), answering.judge(settings))),
                TagHistory.NONE,
                Optional.empty(),
                hit ? Asks.NOT : Asks.BEFORE,
                PullThrough.denial(repository, settings, ""),
                way);
    }

    /**
     * Explains a tag.
     *
     * @param exempt whether a digest is known to be exempt from the minimum age
     */
    Explanation tag(Tag tag, CacheSettings settings, Predicate<Digest> exempt) {
        Judgement judgement = answering.judge(settings);
        Optional<TagRecord> record = tags.named(tag).map(Kept::content);
        Optional<Instant> confirmed = settings.minAge().isPresent()
                ? tags.named(tag).map(Kept::confirmedAt)
                : tags.kept(tag).map(Kept::confirmedAt);
        Step step = judgement.step(Window.ofTag(settings), confirmed);
        Way way = settings.minAge().isPresent()
                ? upstream -> mature(tag, settings, settings.minAge().get(), step, exempt, upstream)
                : upstream -> current(tag, settings, step, upstream);
        return explanation(
                tag,
                settings,
                record.map(found -> graphs.of(found, judgement)),
                tags.history(tag),
                confirmed.flatMap(at -> judgement.nextCheck(Window.ofTag(settings), at)),
                switch (step) {
                    case SERVE -> Asks.NOT;
                    case SERVE_AND_CHECK -> Asks.BEHIND;
                    case ASK -> Asks.BEFORE;
                },
                PullThrough.denial(repository, settings, "tag " + tag + " of "),
                way);
    }

    private Explanation explanation(
            ManifestReference reference,
            CacheSettings settings,
            Optional<Explanation.KeptGraph> kept,
            TagHistory history,
            Optional<Instant> nextCheck,
            Asks asks,
            Optional<BlockedException> denial,
            Way way) {
        Way allowed = denial.isPresent() ? upstream -> new Outcome.Failed(denial.get()) : way;
        Map<StaleCause, Outcome> down = new EnumMap<>(StaleCause.class);
        for (StaleCause cause : StaleCause.values()) {
            down.put(cause, allowed.with(new Imagined(Optional.of(cause))));
        }
        Map<Digest, Instant> former = new LinkedHashMap<>();
        history.former().forEach(entry -> former.put(entry.digest(), entry.firstSeenAt()));
        return new Explanation(
                repository,
                reference,
                settings,
                kept,
                former,
                nextCheck,
                denial.isPresent() ? Asks.NOT : asks,
                allowed.with(Imagined.UP),
                down);
    }

    // How asking the upstream fails, if it does.
    private Optional<RegistryException> ask(Object question, CacheSettings settings, Object what, Imagined upstream) {
        return answering
                .remembered(question, settings)
                .or(() -> GuardedSource.refusal(repository, settings, what))
                .or(() -> upstream.failure(what));
    }

    private Outcome current(Tag tag, CacheSettings settings, Step step, Imagined upstream) {
        Optional<Kept<ManifestBytes>> kept = tags.kept(tag);
        if (step != Step.ASK) {
            return new Outcome.Served(
                    Verdict.HIT, kept.map(found -> found.content().digest()));
        }
        Object question = new Question.ForManifest(repository, tag, false);
        Optional<RegistryException> failure = ask(question, settings, "tag " + tag, upstream);
        if (failure.isEmpty()) {
            return new Outcome.Served(
                    kept.isPresent() ? Verdict.REVALIDATED : Verdict.MISS,
                    tags.named(tag).map(named -> named.content().digest()));
        }
        return kept.flatMap(found -> answering.judge(settings).inPlaceOf(failure.get(), found))
                .<Outcome>map(answer -> new Outcome.Served(
                        answer.verdict(), Optional.of(answer.content().digest())))
                .orElseGet(() -> new Outcome.Failed(failure.get()));
    }

    private Outcome mature(
            Tag tag, CacheSettings settings, MinAge minAge, Step step, Predicate<Digest> exempt, Imagined upstream) {
        Optional<Kept<TagRecord>> named = tags.named(tag);
        Verdict verdict = named.isPresent() ? Verdict.REVALIDATED : Verdict.MISS;
        if (step != Step.ASK) {
            verdict = Verdict.HIT;
        } else {
            Object question = new Question.ForName(repository, tag, false);
            Optional<RegistryException> failure = ask(question, settings, "tag " + tag, upstream);
            if (failure.isPresent()) {
                if (named.flatMap(found -> answering.judge(settings).inPlaceOf(failure.get(), found))
                        .isEmpty()) {
                    return new Outcome.Failed(failure.get());
                }
                verdict = Verdict.STALE;
            }
        }
        Instant now = answering.judge(settings).now();
        // Of a tag that was never asked for, all that is known is that what it names is first seen now.
        TagRecord record =
                named.map(Kept::content).orElseGet(() -> new TagRecord(Digest.sha256(new byte[0]), now, now));
        Cooldown.Choice choice = Cooldown.choose(record, tags.history(tag), minAge, exempt, now);
        if (choice.current()) {
            return named(record.digest(), verdict, settings, upstream);
        }
        for (Digest former : choice.former()) {
            Outcome older = named(former, verdict, settings, upstream);
            switch (older) {
                case Outcome.Served served -> {
                    return new Outcome.Served(
                            served.verdict() == Verdict.STALE ? Verdict.STALE : Verdict.COOLED, Optional.of(former));
                }
                case Outcome.Failed(RegistryException failure) -> {
                    if (!(failure instanceof NotFoundException)) {
                        return older;
                    }
                }
            }
        }
        return new Outcome.Failed(Cooldown.refusal(repository, tag, record, choice, settings, now));
    }

    // As a request gets the bytes of a digest that the tag names.
    private Outcome named(Digest digest, Verdict named, CacheSettings settings, Imagined upstream) {
        boolean atHand = manifests.apply(digest).isPresent()
                && index.link(repository, digest).isPresent();
        if (!atHand) {
            Object question = new Question.ForManifest(repository, digest, false);
            Optional<RegistryException> failure = ask(question, settings, digest, upstream);
            if (failure.isPresent()) {
                return new Outcome.Failed(failure.get());
            }
        }
        return new Outcome.Served(PullThrough.verdict(named, atHand), Optional.of(digest));
    }

    /** Whether a digest is exempt, so far as that is known without asking. */
    static Predicate<Digest> knownExempt(ListCache lists, MinAge minAge) {
        return digest -> minAge.asksReferrers()
                && lists.keptReferrers(digest)
                        .filter(kept -> PullThrough.isSigned(kept.content(), minAge))
                        .isPresent();
    }
}
