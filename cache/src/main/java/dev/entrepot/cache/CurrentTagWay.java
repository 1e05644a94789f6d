package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.cache.ImaginedAsking.Checking;
import dev.entrepot.cache.Judgement.Step;
import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import java.util.Optional;
import java.util.function.Function;

/**
 * The way of a request for a tag that no minimum age is for: what the tag names is served. For one explanation and one
 * thread.
 *
 * @param asking what comes of asking the upstream
 * @param tags what the tags of the repository name
 * @param manifests those that are kept, for whatever repository
 * @param untagged what rules say of what has no tag
 * @param settings what rules say of the tag
 * @param step what comes first
 */
record CurrentTagWay(
        ImaginedAsking asking,
        TagCache tags,
        Function<Digest, Optional<ManifestBytes>> manifests,
        CacheSettings untagged,
        Tag tag,
        CacheSettings settings,
        Step step)
        implements ImaginedWay.OfTag {
    @Override
    public Checking checking() {
        Optional<Digest> held = held();
        return asking.checking(question(), settings, held.isPresent() ? held.get() : tag);
    }

    private Question question() {
        return new Question.ForManifest(asking.repository(), tag, Readers.CLIENTS);
    }

    // What a tag that is not kept names by a word that still counts, so that it is fetched by that digest without
    // asking for the tag.
    private Optional<Digest> held() {
        if (tags.kept(tag).isPresent()) {
            return Optional.empty();
        }
        return tags.named(tag)
                .filter(known ->
                        judgement().step(Window.ofTag(settings), Optional.of(known.confirmedAt())) == Step.SERVE)
                .map(known -> known.content().digest());
    }

    private Judgement judgement() {
        return asking.answering().judge(settings);
    }

    @Override
    public Outcome with(ImaginedUpstream upstream) {
        Optional<Kept<ManifestBytes>> kept = tags.kept(tag);
        if (step != Step.ASK) {
            return new Outcome.Served(
                    Verdict.HIT, kept.map(found -> found.content().digest()));
        }
        Question question = question();
        Optional<Digest> held = held();
        Optional<RegistryException> failure = held.isPresent()
                ? asking.pull(question, settings, "tag " + tag, upstream)
                : asking.ask(question, settings, "tag " + tag, upstream);
        if (failure.isEmpty()) {
            return confirmed(kept.isPresent());
        }
        Optional<Outcome> elsewhere = held.flatMap(digest -> asking.elsewhere(question, digest, settings));
        if (elsewhere.isPresent()) {
            return elsewhere.get();
        }
        return kept.flatMap(found -> judgement().inPlaceOf(failure.get(), found))
                .<Outcome>map(answer -> new Outcome.Served(
                        answer.verdict(), Optional.of(answer.content().digest())))
                .orElseGet(() -> new Outcome.Failed(failure.get(), head(upstream)));
    }

    // What a HEAD gets where a GET fails: as TagPulls#describeInPlaceOf. Where a HEAD costs no pull it is a question of
    // its own, and the failures of that are remembered by themselves.
    private Optional<Outcome.Served> head(ImaginedUpstream upstream) {
        boolean bytes = !asking.source().countsPulls() || TagPulls.needsBytes(tag, settings, untagged);
        Question question = bytes ? question() : new Question.ForDescriptor(asking.repository(), tag, Readers.CLIENTS);
        return asking.ask(question, settings, "tag " + tag, upstream)
                .filter(failure -> failure instanceof OutageException || failure instanceof InvalidContentException)
                .flatMap(failure ->
                        tags.described(tag).flatMap(name -> judgement().inPlaceOf(failure, name)))
                .map(answer -> new Outcome.Served(
                        answer.verdict(), Optional.of(answer.content().digest())));
    }

    // What the upstream names is what it named when it was asked last. Where pulls are counted, a tag that is not known
    // any more is asked for by HEAD first.
    private Outcome confirmed(boolean kept) {
        Optional<Digest> named = tags.named(tag)
                .map(known -> known.content().digest())
                .or(() -> tags.history(tag)
                        .last()
                        .filter(last -> asking.source().countsPulls())
                        .map(TagHistory.Former::digest));
        if (kept || named.flatMap(manifests).isPresent()) {
            return new Outcome.Served(Verdict.REVALIDATED, named);
        }
        return asking.source()
                .spent()
                .<Outcome>map(Outcome.Failed::new)
                .orElseGet(() -> new Outcome.Served(Verdict.MISS, named));
    }
}
