package dev.entrepot.cache;

import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The manifests of one repository by tag: what the tag names, which digest may be served for it, and what stands in for
 * that when it cannot be had. Thread-safe.
 */
final class TagPulls {
    private static final Logger LOG = LoggerFactory.getLogger(TagPulls.class);

    private final Repository repository;
    private final Readers readers;
    private final Admission admission;
    private final GuardedSource upstream;
    private final StoredContents contents;
    private final Answering answering;
    private final RuleCounters counters;
    private final TagCache tags;
    private final ManifestPulls manifests;
    private final ListPulls lists;

    TagPulls(PullBasis basis, TagCache tags, ManifestPulls manifests, ListPulls lists) {
        this.repository = basis.repository();
        this.readers = basis.readers();
        this.admission = basis.admission();
        this.upstream = basis.upstream();
        this.contents = basis.index().contents();
        this.answering = basis.cache().answering();
        this.counters = basis.cache().ruleCounters();
        this.tags = tags;
        this.manifests = manifests;
        this.lists = lists;
    }

    /** As {@link PullThrough#manifest}, of a tag. */
    Answer<ManifestBytes> manifest(Tag tag) throws IOException {
        CacheSettings settings = admission.admitted(tag);
        Optional<MinAge> minAge = Cooldown.of(tag, settings);
        if (minAge.isPresent()) {
            return mature(tag, settings, minAge.get());
        }
        Answer<ManifestBytes> answer = answering.answer(
                new Question.ForManifest(repository, tag, readers),
                settings,
                upstream::outage,
                admission.window(Window.ofTag(settings)),
                () -> tags.kept(tag),
                () -> manifests.fetched(
                        tag,
                        tags.ask(tag, record -> holds(record, settings), outage -> standsIn(tag, settings, outage))),
                admission.forgetting(() -> tags.forget(tag)));
        refute(answer, new Question.ForDescriptor(repository, tag, readers));
        contents.touched(answer.content().digest(), repository);
        return answer;
    }

    /** As {@link PullThrough#describe}, of a tag, where pulls are counted. */
    Answer<Descriptor> describe(Tag tag) throws IOException {
        CacheSettings settings = admission.admitted(tag);
        if (needsBytes(tag, settings, admission.settings())) {
            return manifest(tag).map(ManifestBytes::descriptor);
        }
        Answer<Descriptor> answer = answering.answerOr(
                new Question.ForDescriptor(repository, tag, readers),
                settings,
                upstream::outage,
                admission.window(Window.ofTag(settings)),
                () -> tags.kept(tag).map(kept -> kept.map(ManifestBytes::descriptor)),
                () -> tags.describe(tag, outage -> standsIn(tag, settings, outage)),
                admission.forgetting(() -> tags.forget(tag)),
                byName(tag, settings));
        if (tags.mayFollow(tag, answer.content().digest())) {
            return followed(tag, answer);
        }
        refute(answer, new Question.ForManifest(repository, tag, readers));
        Digest digest = answer.content().digest();
        if (manifests.keptHere(digest).isPresent()) {
            contents.touched(digest, repository);
        }
        return answer;
    }

    // A move that is told and not kept would be forgotten: in the next outage the tag would name what it has left. The
    // pull is that of the GETs of the tag, and its failures are remembered with theirs.
    private Answer<Descriptor> followed(Tag tag, Answer<Descriptor> named) throws IOException {
        try {
            return manifest(tag).map(ManifestBytes::descriptor);
        } catch (OutageException | InvalidContentException e) {
            LOG.debug("{} of {} is described and not fetched: {}", tag, repository, e.getMessage());
            return named;
        }
    }

    /**
     * What a HEAD of a tag is answered with in place of an outage, or of what makes no sense, where the manifest is not
     * kept but what it is was said. Under a minimum age that is nothing: what may be served there is more than a name.
     *
     * @param failure no denial: what the upstream says is gone is not served by its name
     */
    Optional<Answer<Descriptor>> describeInPlaceOf(RegistryException failure, Tag tag) {
        CacheSettings settings = admission.settings(tag);
        return byName(tag, settings).flatMap(name -> answering.inPlaceOf(failure, settings, name));
    }

    private Optional<Kept<Descriptor>> byName(Tag tag, CacheSettings settings) {
        return Cooldown.of(tag, settings).isPresent() ? Optional.empty() : tags.described(tag);
    }

    // What the upstream has just said by GET is so by HEAD, and the other way round.
    private void refute(Answer<?> answer, Question other) {
        if (answer.verdict() == Verdict.MISS || answer.verdict() == Verdict.REVALIDATED) {
            answering.refuted(other);
        }
    }

    /**
     * Whether a HEAD of a tag has the manifest fetched even where pulls are counted. Where what a tag has come to name
     * is brought in behind clients or with all its graph, or what it named stands in for it, a HEAD begins that as a
     * GET does; and what may be had by tag alone is not asked for by digest later.
     *
     * @param untagged what rules say of what has no tag
     */
    static boolean needsBytes(Tag tag, CacheSettings settings, CacheSettings untagged) {
        return Cooldown.of(tag, settings).isPresent()
                || settings.prefetch().isPresent()
                || settings.pin().isPresent()
                || settings.behindFor().compareTo(settings.freshFor()) > 0
                || untagged.offline();
    }

    private boolean holds(TagRecord record, CacheSettings settings) {
        // Of what is offline the tag is not to be asked for by its digest either.
        return !readers.alwaysAsking()
                && !settings.offline()
                && answering.judge(settings).step(Window.ofTag(settings), Optional.of(record.checkedAt()))
                        == Judgement.Step.SERVE;
    }

    private boolean standsIn(Tag tag, CacheSettings settings, OutageException outage) {
        return !readers.alwaysAsking()
                && tags.kept(tag)
                        .flatMap(kept -> answering.judge(settings).inPlaceOf(outage, kept))
                        .isPresent();
    }

    // First what the tag names, then which digest may be served for it, and only then its bytes: what is too young is
    // not even fetched. What cannot be had then has something older stand in, as what is kept does elsewhere.
    private Answer<ManifestBytes> mature(Tag tag, CacheSettings settings, MinAge minAge) throws IOException {
        Answer<TagRecord> named = answering.answer(
                new Question.ForName(repository, tag, readers),
                settings,
                upstream::outage,
                admission.window(Window.ofTag(settings)),
                () -> tags.named(tag),
                () -> tags.askName(tag),
                admission.forgetting(() -> tags.forget(tag)));
        TagRecord record = named.content();
        Moment moment = answering.judge(settings).moment();
        Cooldown.Choice choice =
                Cooldown.choose(record, tags.history(tag), minAge, digest -> isExempt(digest, minAge), moment);
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
        throw Cooldown.refusal(repository, tag, record, choice, settings, moment.now());
    }

    private boolean isExempt(Digest digest, MinAge minAge) {
        try {
            return minAge.asksReferrers()
                    && isSigned(lists.referrersOf(digest, admission.settings()).content(), minAge);
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
        Optional<ManifestBytes> kept = manifests.named(digest);
        Answer<ManifestBytes> answer = kept.isPresent()
                ? new Answer<>(kept.get(), verdict(named.verdict(), true), named.age(), named.outage())
                : fetchedFor(tag, turn, choice, named, settings);
        contents.touched(answer.content().digest(), repository);
        return answer;
    }

    private Answer<ManifestBytes> fetchedFor(
            Tag tag, Cooldown.Turn turn, Cooldown.Choice choice, Answer<TagRecord> named, CacheSettings settings)
            throws IOException {
        Digest digest = turn.digest();
        Optional<Kept<ManifestBytes>> standIn =
                readers.alwaysAsking() ? Optional.empty() : standIn(choice, turn, named.content(), manifests::keptHere);
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
                () -> manifests.fetched(tag, Answer.of(manifests.fetch(tag, digest), Verdict.MISS, Duration.ZERO)));
        return answer.verdict() == Verdict.STALE
                ? answer
                : new Answer<>(answer.content(), verdict(named.verdict(), false), named.age(), named.outage());
    }

    /**
     * What is served under a tag in place of what should be and cannot be had; confirmed when it still was what should
     * be served.
     */
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

    /** Where a manifest comes from, given where its name comes from and whether its bytes are at hand. */
    static Verdict verdict(Verdict named, boolean atHand) {
        if (named == Verdict.STALE) {
            return Verdict.STALE;
        }
        return !atHand ? Verdict.MISS : named == Verdict.MISS || named == Verdict.JOINED ? Verdict.REVALIDATED : named;
    }
}
