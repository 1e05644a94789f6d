package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Has the upstream of one repository say that the repository has something: to link what is kept for another one, or
 * past all that is kept. Thread-safe.
 */
final class UpstreamProofs {
    private final Repository repository;
    private final Readers readers;
    private final Admission admission;
    private final GuardedSource upstream;
    private final PullThroughCache cache;
    private final LinkRecords links;
    private final Answering answering;

    UpstreamProofs(PullBasis basis) {
        this.repository = basis.repository();
        this.readers = basis.readers();
        this.admission = basis.admission();
        this.upstream = basis.upstream();
        this.cache = basis.cache();
        this.links = basis.index().links();
        this.answering = basis.cache().answering();
    }

    /**
     * Proves and links what is kept for another repository: the upstream's word that this one has it too makes the
     * link. Of a blob, one that states another size has said nothing of it.
     *
     * @return {@link Verdict#REVALIDATED}
     * @throws NotFoundException if it has not
     */
    Verdict prove(Digest digest, boolean manifest, CacheSettings settings) throws IOException {
        return prove(digest, manifest, settings, OptionalLong.empty());
    }

    /**
     * As above.
     *
     * @param coming the size of a blob that is not kept yet, as far as it is known
     */
    Verdict prove(Digest digest, boolean manifest, CacheSettings settings, OptionalLong coming) throws IOException {
        Question question = new Question.ForProof(repository, digest, manifest, readers);
        answering.shareRemembering(question, settings, () -> {
            OptionalLong size;
            if (manifest) {
                askForManifest(digest);
                size = OptionalLong.empty();
            } else {
                size = upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
                refuseOther(digest, size, first(cache.store().blobSize(digest), coming));
            }
            Optional<ManifestBytes> kept = manifest ? cache.keptManifest(digest) : Optional.empty();
            if (kept.isPresent()) {
                links.add(repository, ManifestLinks.of(kept.get()));
            } else if (!manifest) {
                links.add(repository, List.of(new Link(digest, provedSize(digest, size), false)));
            }
            return Answer.of(digest, Verdict.REVALIDATED, Duration.ZERO);
        });
        return Verdict.REVALIDATED;
    }

    private void refuseOther(Digest digest, OptionalLong stated, OptionalLong known) throws IOException {
        if (StatedSize.isOther(upstream, digest, stated, known)) {
            throw noBlob(digest);
        }
    }

    // What is stored was verified; what is said of the length, by HEAD at that, need not be true.
    private OptionalLong provedSize(Digest digest, OptionalLong stated) throws IOException {
        OptionalLong stored = cache.store().blobSize(digest);
        return stored.isPresent() || stated.orElse(0) > 0 ? first(stored, stated) : OptionalLong.empty();
    }

    private static OptionalLong first(OptionalLong one, OptionalLong other) {
        return one.isPresent() ? one : other;
    }

    /** That the repository has no such blob. */
    NotFoundException noBlob(Digest digest) {
        return new NotFoundException(NotFoundException.Kind.BLOB, "blob " + digest + " is not in " + repository);
    }

    private NotFoundException noManifest(ManifestReference reference) {
        return new NotFoundException(
                NotFoundException.Kind.MANIFEST, "manifest " + reference + " is not in " + repository);
    }

    /** As {@link PullThrough#proveManifest}. */
    void proveManifest(ManifestReference reference) throws IOException {
        switch (reference) {
            case Digest _ -> admission.admitted();
            case Tag tag -> admission.admitted(tag);
        }
        askForManifest(reference);
    }

    // Some registries deny by HEAD what they send; where a GET costs a pull, they are believed.
    private void askForManifest(ManifestReference reference) throws IOException {
        if (upstream.resolve(reference).isPresent()) {
            return;
        }
        if (upstream.countsPulls()) {
            throw noManifest(reference);
        }
        upstream.fetchManifest(reference);
    }

    /** As {@link PullThrough#proveBlob}. */
    void proveBlob(Digest digest) throws IOException {
        admission.admitted();
        OptionalLong stated = upstream.statBlob(digest).orElseThrow(() -> noBlob(digest));
        OptionalLong stored = cache.store().blobSize(digest);
        OptionalLong known = stored.isPresent()
                ? stored
                : links.get(repository, digest).map(Link::sizeBytes).orElse(OptionalLong.empty());
        boolean agree = stated.isEmpty() || known.isEmpty() || stated.equals(known);
        // A manifest may state a wrong size; what answers HEAD need not be the blob either.
        if (!agree
                && (stored.isPresent()
                        || !StatedSize.bySending(upstream, digest).equals(stated))) {
            throw new InvalidContentException("blob " + digest + " of " + repository + " is said to have "
                    + stated.getAsLong() + " bytes, expected " + known.getAsLong());
        }
    }

    /** As {@link PullThrough#proveTags}. */
    void proveTags() throws IOException {
        admission.admitted();
        upstream.listTags(Optional.empty());
    }
}
