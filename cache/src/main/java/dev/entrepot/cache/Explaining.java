package dev.entrepot.cache;

import dev.entrepot.cache.Explanation.Asks;
import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.cache.ImaginedAsking.Checking;
import dev.entrepot.cache.Judgement.Step;
import dev.entrepot.cache.Judgement.Window;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Explains a repository: goes the way of a request, with an imagined upstream at its end. All that is decided on the
 * way is decided by what also serves: {@link Judgement}, {@link Cooldown}, {@link Admission#denial},
 * {@link GuardedSource#refusal} and the failures that are remembered. Here are the ways of digests, and what is said
 * with each outcome; a tag goes a {@link CurrentTagWay} or a {@link MatureTagWay}. For one explanation and one thread.
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
    private final ImaginedAsking asking;
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
        this.asking = new ImaginedAsking(repository, answering, source, mirrors);
        this.keptHere = keptHere;
        this.graphs = new KeptGraphs(cache);
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
        ImaginedWay way = upstream -> hit
                ? new Outcome.Served(Verdict.HIT, Optional.of(digest))
                : (kept.isPresent()
                                ? asking.ask(question, settings, digest, upstream)
                                : asking.pull(question, settings, digest, upstream))
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
                hit ? Checking.NEVER : asking.checking(question, settings, digest),
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
        ImaginedWay way = upstream -> {
            Optional<RegistryException> failure =
                    hit ? Optional.empty() : asking.ask(question, untagged, "blob " + digest, upstream);
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
                hit ? Checking.NEVER : asking.checking(question, untagged, digest),
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
        ImaginedWay.OfTag way = minAge.isPresent()
                ? new MatureTagWay(
                        asking, tags, lists, manifests, keptHere, untagged, tag, settings, minAge.get(), step)
                : new CurrentTagWay(asking, tags, manifests, untagged, tag, settings, step);
        return explanation(
                tag,
                false,
                settings,
                record.map(found -> graphs.of(found, judgement)),
                tags.history(tag),
                checking(settings, step, confirmed, way),
                Admission.denial(repository, settings, "tag " + tag + " of "),
                way);
    }

    private Checking checking(CacheSettings settings, Step step, Optional<Instant> confirmed, ImaginedWay.OfTag way) {
        Optional<Instant> due =
                confirmed.flatMap(at -> answering.judge(settings).nextCheck(Window.ofTag(settings), at));
        if (step == Step.SERVE) {
            return new Checking(Asks.NOT, due);
        }
        Checking checking = way.checking();
        return checking.asks() == Asks.NOT
                ? checking
                : new Checking(step == Step.SERVE_AND_CHECK ? Asks.BEHIND : Asks.BEFORE, due);
    }

    private Explanation explanation(
            ManifestReference reference,
            boolean blob,
            CacheSettings settings,
            Optional<Explanation.KeptGraph> kept,
            TagHistory history,
            Checking wished,
            Optional<BlockedException> denial,
            ImaginedWay way) {
        Checking checking = denial.isPresent() ? Checking.NEVER : wished;
        ImaginedWay allowed = denial.isPresent()
                ? imagined -> new Outcome.Failed(denial.get())
                : asking.overMirrors(reference, blob, settings, checking.asks(), way);
        Map<StaleCause, Outcome> down = new EnumMap<>(StaleCause.class);
        for (StaleCause cause : StaleCause.values()) {
            down.put(cause, allowed.with(new ImaginedUpstream(Optional.of(cause))));
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
                allowed.with(ImaginedUpstream.UP),
                down);
    }
}
