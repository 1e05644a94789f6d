package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What the tags of one repository name and have named.
 *
 * <p>A tag that is kept is checked by HEAD, which costs no pull where pulls are counted; there a tag that was never
 * asked for is, too. What a HEAD names and is kept, for whatever tag or repository, is not fetched. Else it is fetched
 * by the digest that the HEAD named, so that another move in between cannot tear the answer. Where no more pulls are
 * left than are reserved, it is not fetched as long as the former one may stand in for it.
 */
final class TagCache {
    /** Where manifests come from. */
    interface Manifests {
        /** The manifest of a digest, if it is kept for this repository or another. */
        Optional<ManifestBytes> kept(Digest digest);

        /**
         * As above, of a digest that a tag of this repository names by the word of its upstream, so that the repository
         * has it from now on.
         */
        Optional<ManifestBytes> named(Digest digest) throws IOException;

        /** Fetches and keeps a manifest for a tag: by the tag, or by a digest that it names. */
        ManifestBytes fetch(Tag tag, ManifestReference reference) throws IOException;
    }

    private final Repository repository;
    private final RepositorySource upstream;
    private final TagRecords tags;
    private final Clock clock;
    private final Manifests manifests;

    /** The tags of a repository. */
    TagCache(RepositorySource upstream, TagRecords tags, Clock clock, Manifests manifests) {
        this.repository = upstream.repository();
        this.upstream = upstream;
        this.tags = tags;
        this.clock = clock;
        this.manifests = manifests;
    }

    /** What a tag names, so far as is known. */
    Optional<Kept<TagRecord>> named(Tag tag) {
        return tags.get(repository, tag).map(record -> new Kept<>(record, record.checkedAt()));
    }

    /** The manifest that a tag names, if both are kept. */
    Optional<Kept<ManifestBytes>> kept(Tag tag) {
        return tags.get(repository, tag)
                .flatMap(record ->
                        manifests.kept(record.digest()).map(manifest -> new Kept<>(manifest, record.checkedAt())));
    }

    /** What the upstream said of the manifest that a tag names, so far as is known, whether that is kept or not. */
    Optional<Kept<Descriptor>> described(Tag tag) {
        return named(tag)
                .flatMap(known ->
                        known.content().descriptor().map(descriptor -> new Kept<>(descriptor, known.confirmedAt())));
    }

    /**
     * Whether something else is kept for a tag than what the upstream has just said that it names, and the pull may be
     * spent that brings this in.
     */
    boolean mayFollow(Tag tag, Digest named) {
        return kept(tag)
                        .filter(former -> !former.content().digest().equals(named))
                        .isPresent()
                && withoutPulls().isEmpty();
    }

    private Optional<OutageException> withoutPulls() {
        return upstream.reserved().or(upstream::spent);
    }

    /** What a tag named before. */
    TagHistory history(Tag tag) {
        return tags.history(repository, tag);
    }

    /** What a tag names by the word of the upstream, which is not noted; empty if it denies the tag. */
    Optional<Descriptor> resolve(Tag tag) throws IOException {
        try {
            return Optional.of(resolve(tag, tags.get(repository, tag)));
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    /**
     * Asks the upstream what a tag names, for who wants no more than that, and fetches nothing. That is noted unless
     * something else is kept for the tag: which may be needed in place of what is not fetched, until
     * {@linkplain #mayFollow it is}.
     *
     * @param standsIn as for {@link #ask}
     * @throws OutageException as {@link #ask}: so that a HEAD names what a GET gives
     */
    Answer<Descriptor> describe(Tag tag, Predicate<OutageException> standsIn) throws IOException {
        Optional<TagRecord> record = tags.get(repository, tag);
        Descriptor named = resolve(tag, record);
        Optional<ManifestBytes> kept = manifests.named(named.digest());
        boolean same = record.filter(r -> r.digest().equals(named.digest())).isPresent();
        if (kept.isEmpty() && record.isPresent() && !same) {
            leave(withoutPulls(), standsIn);
        }
        if (kept.isPresent()
                || record.flatMap(former -> manifests.kept(former.digest())).isEmpty()) {
            remember(tag, record, kept.map(ManifestBytes::descriptor).orElse(named));
        }
        Verdict verdict = same && kept.isPresent() ? Verdict.REVALIDATED : Verdict.MISS;
        return Answer.of(kept.map(ManifestBytes::descriptor).orElse(named), verdict, Duration.ZERO);
    }

    /** Asks the upstream what a tag names, and fetches nothing. */
    Answer<TagRecord> askName(Tag tag) throws IOException {
        Optional<TagRecord> before = tags.get(repository, tag);
        Descriptor named = resolve(tag, before);
        TagRecord record = remember(tag, before, named);
        boolean same = before.isPresent() && before.get().digest().equals(named.digest());
        return Answer.of(record, same ? Verdict.REVALIDATED : Verdict.MISS, Duration.ZERO);
    }

    /**
     * Asks the upstream for the manifest of a tag, or whether it still is the one that is kept.
     *
     * @param holds whether what the tag was found to name still counts, so that a manifest that has been lost or never
     *     came is fetched by that digest, as long as the upstream has it
     * @param standsIn whether what is kept may be served for such an outage
     * @throws OutageException of which {@code standsIn} is true, if the tag has moved and the pull that it would cost
     *     is reserved
     */
    Answer<ManifestBytes> ask(Tag tag, Predicate<TagRecord> holds, Predicate<OutageException> standsIn)
            throws IOException {
        Optional<TagRecord> record = tags.get(repository, tag);
        if (record.isPresent() && holds.test(record.get())) {
            try {
                return Answer.of(manifests.fetch(tag, record.get().digest()), Verdict.MISS, Duration.ZERO);
            } catch (NotFoundException e) {
                return revalidate(tag, record.get(), standsIn);
            }
        }
        if (record.isPresent()) {
            return revalidate(tag, record.get(), standsIn);
        }
        return upstream.countsPulls() ? resolveFirst(tag) : fetch(tag, record);
    }

    // What it names is noted before it is fetched: if there is no pull left for that, the next request need not ask
    // again.
    private Answer<ManifestBytes> resolveFirst(Tag tag) throws IOException {
        TagRecord record = remember(tag, Optional.empty(), resolve(tag, Optional.empty()));
        Optional<ManifestBytes> kept = manifests.named(record.digest());
        return kept.isPresent()
                ? Answer.of(kept.get(), Verdict.REVALIDATED, Duration.ZERO)
                : fetchNamed(tag, record, record.digest());
    }

    private Answer<ManifestBytes> revalidate(Tag tag, TagRecord record, Predicate<OutageException> standsIn)
            throws IOException {
        Digest named = resolve(tag, Optional.of(record)).digest();
        Optional<ManifestBytes> kept = manifests.named(named);
        boolean same = named.equals(record.digest());
        if (kept.isEmpty()) {
            if (!same) {
                leave(upstream.reserved(), standsIn);
            }
            return fetchNamed(tag, record, named);
        }
        remember(tag, Optional.of(record), kept.get().descriptor());
        return Answer.of(kept.get(), same ? Verdict.REVALIDATED : Verdict.MISS, Duration.ZERO);
    }

    // Some registries deny by HEAD what they send: a tag that is known is gone when a GET says so too, where that costs
    // no pull.
    private Descriptor resolve(Tag tag, Optional<TagRecord> known) throws IOException {
        Optional<Descriptor> named = upstream.resolve(tag);
        if (named.isPresent()) {
            return named.get();
        }
        if (known.isEmpty() || upstream.countsPulls()) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, "tag " + tag + " is not in " + repository);
        }
        return manifests.fetch(tag, tag).descriptor();
    }

    private static void leave(Optional<OutageException> quota, Predicate<OutageException> standsIn)
            throws OutageException {
        Optional<OutageException> stop = quota.filter(standsIn);
        if (stop.isPresent()) {
            throw stop.get();
        }
    }

    // Between the HEAD and the GET the tag may move again and its former manifest go: then the tag is asked for, once.
    private Answer<ManifestBytes> fetchNamed(Tag tag, TagRecord record, Digest named) throws IOException {
        try {
            ManifestBytes manifest = manifests.fetch(tag, named);
            remember(tag, Optional.of(record), manifest.descriptor());
            return Answer.of(manifest, Verdict.MISS, Duration.ZERO);
        } catch (NotFoundException e) {
            return fetch(tag, Optional.of(record));
        }
    }

    private Answer<ManifestBytes> fetch(Tag tag, Optional<TagRecord> before) throws IOException {
        ManifestBytes manifest = manifests.fetch(tag, tag);
        remember(tag, before, manifest.descriptor());
        return Answer.of(manifest, Verdict.MISS, Duration.ZERO);
    }

    private TagRecord remember(Tag tag, Optional<TagRecord> before, Descriptor descriptor) {
        return tags.found(repository, tag, before, descriptor, clock.instant());
    }

    /** Forgets what a tag names, but not when that was first seen. */
    void forget(Tag tag) {
        tags.leave(repository, tag);
    }
}
