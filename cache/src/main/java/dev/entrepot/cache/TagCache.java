package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;

/**
 * What the tags of one repository name, and for how long that is believed.
 *
 * <p>A tag that is kept is checked by HEAD, which costs no pull where pulls are counted. If it has moved, the new manifest is fetched by the digest that
 * the HEAD named, so that another move in between cannot tear the answer. An answer of the upstream (not found, unauthorized) is passed on; only
 * when there is no usable answer is what is kept served, for as long as the policy allows.
 */
final class TagCache {
    /** Fetches and keeps a manifest. */
    interface Fetcher {
        ManifestBytes fetch(ManifestReference reference) throws IOException;
    }

    private final Repository repository;
    private final RepositorySource upstream;
    private final CachePolicy policy;
    private final CacheIndex index;
    private final Clock clock;
    private final Freshness freshness;
    private final Fetcher fetcher;

    TagCache(
            Repository repository,
            RepositorySource upstream,
            CachePolicy policy,
            CacheIndex index,
            Clock clock,
            Fetcher fetcher) {
        this.repository = repository;
        this.upstream = upstream;
        this.policy = policy;
        this.index = index;
        this.clock = clock;
        this.freshness = new Freshness(clock);
        this.fetcher = fetcher;
    }

    /** The manifest of a tag that was checked lately, without asking the upstream. */
    Optional<Answer<ManifestBytes>> fresh(Tag tag, Function<Digest, Optional<ManifestBytes>> kept) {
        return index.tag(repository, tag)
                .filter(record -> freshness.isWithin(record.checkedAt(), policy.freshFor()))
                .flatMap(record -> kept.apply(record.digest())
                        .map(manifest -> Answer.of(manifest, Verdict.HIT, freshness.age(record.checkedAt()))));
    }

    /** The manifest of a tag, after asking the upstream. */
    Answer<ManifestBytes> check(Tag tag, Function<Digest, Optional<ManifestBytes>> kept) throws IOException {
        Optional<TagRecord> record = index.tag(repository, tag);
        try {
            return record.isEmpty() ? fetch(tag, Optional.empty()) : revalidate(tag, record.get(), kept);
        } catch (NotFoundException | UnauthorizedException e) {
            // An answer: what is denied now must not come back in the next outage.
            index.removeTag(repository, tag);
            throw e;
        } catch (OutageException | InvalidContentException e) {
            return stale(record, kept, e).orElseThrow(() -> e);
        }
    }

    private Answer<ManifestBytes> revalidate(Tag tag, TagRecord record, Function<Digest, Optional<ManifestBytes>> kept)
            throws IOException {
        Digest named = upstream.resolve(tag)
                .map(Descriptor::digest)
                .orElseThrow(() -> new NotFoundException(
                        NotFoundException.Kind.MANIFEST, "tag " + tag + " is not in " + repository));
        if (!named.equals(record.digest())) {
            return fetchMoved(tag, record, named);
        }
        Optional<ManifestBytes> manifest = kept.apply(named);
        ManifestBytes bytes = manifest.isPresent() ? manifest.get() : fetcher.fetch(named);
        index.putTag(repository, tag, new TagRecord(named, clock.instant(), record.firstSeenAt()));
        return Answer.of(bytes, manifest.isPresent() ? Verdict.REVALIDATED : Verdict.MISS, Duration.ZERO);
    }

    // Between the HEAD and the GET the tag may move again and its former manifest go: then the tag itself is asked for,
    // once.
    private Answer<ManifestBytes> fetchMoved(Tag tag, TagRecord record, Digest named) throws IOException {
        try {
            return remember(tag, fetcher.fetch(named), clock.instant());
        } catch (NotFoundException e) {
            return fetch(tag, Optional.of(record));
        }
    }

    private Answer<ManifestBytes> fetch(Tag tag, Optional<TagRecord> before) throws IOException {
        ManifestBytes manifest = fetcher.fetch(tag);
        Instant firstSeen = before.filter(record -> record.digest().equals(manifest.digest()))
                .map(TagRecord::firstSeenAt)
                .orElseGet(clock::instant);
        return remember(tag, manifest, firstSeen);
    }

    private Answer<ManifestBytes> remember(Tag tag, ManifestBytes manifest, Instant firstSeenAt) {
        index.putTag(repository, tag, new TagRecord(manifest.digest(), clock.instant(), firstSeenAt));
        return Answer.of(manifest, Verdict.MISS, Duration.ZERO);
    }

    private Optional<Answer<ManifestBytes>> stale(
            Optional<TagRecord> record, Function<Digest, Optional<ManifestBytes>> kept, RegistryException outage) {
        return record.flatMap(known -> kept.apply(known.digest())
                .flatMap(manifest -> freshness.stale(manifest, known.checkedAt(), policy.staleFor(), outage)));
    }
}
