package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.cache.ImaginedAsking.Checking;
import dev.entrepot.cache.Judgement.Step;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;

/**
 * The way of a request for a tag under a minimum age: first what the tag names, then which digest {@link Cooldown} lets
 * through for it, and only then its bytes, as {@link TagPulls} serves it. For one explanation and one thread.
 *
 * @param asking what comes of asking the upstream
 * @param tags what the tags of the repository name
 * @param lists the lists of the repository
 * @param manifests those that are kept, for whatever repository
 * @param keptHere those that are kept for this repository
 * @param untagged what rules say of what has no tag
 * @param settings what rules say of the tag
 * @param step what comes first
 */
record MatureTagWay(
        ImaginedAsking asking,
        TagCache tags,
        ListCache lists,
        Function<Digest, Optional<ManifestBytes>> manifests,
        Function<Digest, Optional<ManifestBytes>> keptHere,
        CacheSettings untagged,
        Tag tag,
        CacheSettings settings,
        MinAge minAge,
        Step step)
        implements ImaginedWay.OfTag {
    @Override
    public Checking checking() {
        return asking.checking(question(), settings, tag);
    }

    private Question question() {
        return new Question.ForName(asking.repository(), tag, Readers.CLIENTS);
    }

    @Override
    public Outcome with(ImaginedUpstream upstream) {
        Optional<Kept<TagRecord>> named = tags.named(tag);
        Verdict verdict = named.isPresent() ? Verdict.REVALIDATED : Verdict.MISS;
        if (step != Step.ASK) {
            verdict = Verdict.HIT;
        } else {
            Optional<RegistryException> failure = asking.ask(question(), settings, "tag " + tag, upstream);
            if (failure.isPresent()) {
                if (named.flatMap(found -> judgement().inPlaceOf(failure.get(), found))
                        .isEmpty()) {
                    return new Outcome.Failed(failure.get());
                }
                verdict = Verdict.STALE;
            }
        }
        return named.isPresent() ? chosen(named.get().content(), verdict, upstream) : neverAsked();
    }

    private Judgement judgement() {
        return asking.answering().judge(settings);
    }

    private Outcome neverAsked() {
        boolean certain = !minAge.asksReferrers()
                && minAge.exceptDigests().isEmpty()
                && tags.history(tag).former().isEmpty();
        return certain
                ? new Outcome.Failed(Cooldown.refusal(asking.repository(), tag, minAge, settings))
                : new Outcome.Unknown("what the tag names, and so whether " + settings.rule(Setting.MIN_AGE)
                        + " lets it through: the upstream was never asked, or did not have it");
    }

    /**
     * What is known of a tag under a minimum age: what may be served, what the tag names, and where that is known from.
     */
    private record Chosen(Cooldown.Choice choice, TagRecord named, ImaginedExemptions exempt, Verdict verdict) {}

    private Outcome chosen(TagRecord record, Verdict verdict, ImaginedUpstream upstream) {
        Moment moment = judgement().moment();
        Instant now = moment.now();
        ImaginedExemptions exempt = new ImaginedExemptions(asking, lists, untagged, minAge, upstream);
        Cooldown.Choice choice = Cooldown.choose(record, tags.history(tag), minAge, exempt, moment);
        boolean confirmedNow = step == Step.ASK && verdict != Verdict.STALE;
        TagRecord found =
                confirmedNow ? new TagRecord(record.digest(), now, record.firstSeenAt(), record.descriptor()) : record;
        Chosen chosen = new Chosen(choice, found, exempt, verdict);
        if (choice.current().isPresent()) {
            return named(choice.current().get(), chosen, upstream);
        }
        for (Cooldown.Turn former : choice.former(digest -> true)) {
            if (exempt.isUnknown()) {
                break;
            }
            Outcome older = named(former, chosen, upstream);
            switch (older) {
                case Outcome.Served served -> {
                    return new Outcome.Served(
                            served.verdict() == Verdict.STALE ? Verdict.STALE : Verdict.COOLED, served.digest());
                }
                case Outcome.Unknown unknown -> {
                    return unknown;
                }
                case Outcome.Failed failed -> {
                    if (!(failed.failure() instanceof NotFoundException)) {
                        return older;
                    }
                }
            }
        }
        return exempt.isUnknown()
                ? unknownExemption()
                : new Outcome.Failed(Cooldown.refusal(asking.repository(), tag, record, choice, settings, now));
    }

    private Outcome unknownExemption() {
        return new Outcome.Unknown("whether it is signed, and so exempt from " + settings.rule(Setting.MIN_AGE)
                + ": its referrers are not kept");
    }

    // As a request gets the bytes of a digest that the tag names. The reserve of a quota matters here alone, and before
    // anybody is asked: of other tags it is not known before they are asked for whether they have moved.
    private Outcome named(Cooldown.Turn turn, Chosen chosen, ImaginedUpstream upstream) {
        if (manifests.apply(turn.digest()).isPresent()) {
            return new Outcome.Served(TagPulls.verdict(chosen.verdict(), true), Optional.of(turn.digest()));
        }
        Optional<Kept<ManifestBytes>> standIn = TagPulls.standIn(chosen.choice(), turn, chosen.named(), keptHere);
        Question question = new Question.ForManifest(asking.repository(), turn.digest(), Readers.CLIENTS);
        Optional<Answer<ManifestBytes>> saved =
                asking.source().reserved().flatMap(reserved -> older(reserved, standIn));
        Optional<RegistryException> failure =
                saved.isPresent() ? Optional.empty() : asking.pull(question, settings, turn.digest(), upstream);
        Optional<Outcome> elsewhere =
                failure.isPresent() ? asking.elsewhere(question, turn.digest(), settings) : Optional.empty();
        if (elsewhere.isPresent()) {
            return elsewhere.get();
        }
        Optional<Answer<ManifestBytes>> older = saved.or(() -> failure.flatMap(known -> older(known, standIn)));
        if (older.isPresent()) {
            return chosen.exempt().isUnknown()
                    ? unknownExemption()
                    : new Outcome.Served(
                            Verdict.STALE, Optional.of(older.get().content().digest()));
        }
        return failure.isPresent()
                ? new Outcome.Failed(failure.get())
                : new Outcome.Served(TagPulls.verdict(chosen.verdict(), false), Optional.of(turn.digest()));
    }

    private Optional<Answer<ManifestBytes>> older(RegistryException trouble, Optional<Kept<ManifestBytes>> standIn) {
        return standIn.flatMap(found -> judgement().inPlaceOf(trouble, found));
    }
}
