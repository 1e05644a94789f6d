package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The manifests of one repository by digest: what is kept, proved or fetched. Those that its tags name come from here
 * too. Thread-safe.
 */
final class ManifestPulls implements TagCache.Manifests, KnownManifests {
    private static final Logger LOG = LoggerFactory.getLogger(ManifestPulls.class);

    private final Repository repository;
    private final Readers readers;
    private final Admission admission;
    private final UpstreamProofs proofs;
    private final GuardedSource upstream;
    private final PullThroughCache cache;
    private final CacheIndex index;
    private final Answering answering;

    ManifestPulls(PullBasis basis, UpstreamProofs proofs) {
        this.repository = basis.repository();
        this.readers = basis.readers();
        this.admission = basis.admission();
        this.proofs = proofs;
        this.upstream = basis.upstream();
        this.cache = basis.cache();
        this.index = basis.index();
        this.answering = basis.cache().answering();
    }

    /** As {@link PullThrough#manifest}, of a digest. */
    Answer<ManifestBytes> manifest(Digest digest) throws IOException {
        CacheSettings settings = admission.admitted();
        Optional<ManifestBytes> kept = cache.keptManifest(digest);
        if (kept.isPresent() && index.links().isProvenForGood(repository, digest)) {
            index.contents().touched(digest, repository);
            return Answer.of(kept.get(), Verdict.HIT, Duration.ZERO);
        }
        if (kept.isPresent()) {
            Verdict proved = proofs.prove(digest, true, settings);
            return Answer.of(kept.get(), proved, Duration.ZERO);
        }
        return answering.shareRemembering(
                new Question.ForManifest(repository, digest, readers),
                settings,
                () -> fetched(digest, Answer.of(fetchKept(Optional.empty(), digest), Verdict.MISS, Duration.ZERO)));
    }

    /** As {@link PullThrough#describe}, of a digest, where pulls are counted. */
    Answer<Descriptor> describe(Digest digest) throws IOException {
        CacheSettings settings = admission.admitted();
        if (cache.keptManifest(digest).isPresent()) {
            return manifest(digest).map(ManifestBytes::descriptor);
        }
        return answering.shareRemembering(
                new Question.ForDescriptor(repository, digest, readers),
                settings,
                () -> Answer.of(
                        upstream.resolve(digest)
                                .orElseThrow(() -> new NotFoundException(
                                        NotFoundException.Kind.MANIFEST,
                                        "manifest " + digest + " is not in " + repository)),
                        Verdict.MISS,
                        Duration.ZERO));
    }

    /** The manifest of a digest, if it is kept and this repository is proven to have it. */
    Optional<ManifestBytes> keptHere(Digest digest) {
        return index.links().isProvenForGood(repository, digest) ? cache.keptManifest(digest) : Optional.empty();
    }

    @Override
    public Optional<ManifestBytes> kept(Digest digest) {
        return cache.keptManifest(digest);
    }

    // That a tag of the repository names it, by its upstream's word, is proof that the repository has it.
    @Override
    public Optional<ManifestBytes> named(Digest named) throws InvalidContentException {
        Optional<ManifestBytes> kept = cache.keptManifest(named);
        if (kept.isPresent()
                && index.links().get(repository, named).filter(Link::proven).isEmpty()) {
            index.links().add(repository, ManifestLinks.of(kept.get()));
        }
        return kept;
    }

    @Override
    public Optional<ManifestBytes> listed(Digest digest) {
        return keptHere(digest);
    }

    @Override
    public void fetched(ManifestBytes manifest) {
        try {
            keep(manifest);
        } catch (InvalidContentException e) {
            LOG.debug("{} of {} is not kept: {}", manifest.digest(), repository, e.getMessage());
        }
    }

    @Override
    public ManifestBytes fetch(Tag tag, ManifestReference reference) throws IOException {
        return fetchKept(Optional.of(tag), reference);
    }

    // Fetches a manifest, keeps it and links it and all it names to this repository. What is fetched for a tag goes by
    // the settings of the tag.
    private ManifestBytes fetchKept(Optional<Tag> tag, ManifestReference reference) throws IOException {
        if (reference instanceof Digest digest) {
            Optional<ManifestBytes> kept = keptHere(digest);
            if (kept.isPresent()) {
                return kept.get();
            }
        }
        ManifestBytes manifest =
                tag.isPresent() ? upstream.fetchManifestFor(tag.get(), reference) : upstream.fetchManifest(reference);
        keep(manifest);
        return manifest;
    }

    private void keep(ManifestBytes manifest) throws InvalidContentException {
        // Before it is kept: what cannot be understood is refused each time, not only the first.
        List<Link> links = ManifestLinks.of(manifest);
        // Before it can be found: who asks again is not to have the upstream asked.
        index.links().add(repository, links);
        cache.keep(manifest, repository);
    }

    /** The same answer, after the listener of the cache was told of it if it was fetched for a client. */
    Answer<ManifestBytes> fetched(ManifestReference reference, Answer<ManifestBytes> answer) {
        // Where it is fetched, not where it is answered: what is fetched behind a client's back counts too.
        if (answer.verdict() == Verdict.MISS && !readers.alwaysAsking()) {
            cache.listener().fetched(repository, reference, answer.content());
        }
        return answer;
    }
}
