package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that the repositories of one cache share: the store, the index, the manifests in memory, and the work
 * under way. Thread-safe; closing the store and the index is up to whoever opened them.
 */
public final class PullThroughCache {
    private static final Logger LOG = LoggerFactory.getLogger(PullThroughCache.class);
    private static final String INDEX_FULL =
            "so much waits to be written to the index that nothing more is stored; see whether the disk is slow or full";

    /** How long one client waits for a manifest, a tag or a list that is being fetched. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final ContentStore store;
    private final CacheIndex index;
    private final Clock clock;
    private final FetchSettings settings;
    private final CacheRules rules;
    private final CacheStatistics statistics = new CacheStatistics();
    private final Cache<Digest, ManifestBytes> manifests;
    private final BlobFetches fetches;
    private final ReferrersFace referrersFace;
    private final ParsedLists parsedLists = new ParsedLists();
    private final Answering answering;
    private final RuleCounters ruleCounters = new RuleCounters();
    private final RunningGraphs running;
    private final StoreRepair repair;
    private final Evictor evictor;
    private volatile FetchListener listener = FetchListener.NONE;

    /**
     * Puts a cache together.
     *
     * @param manifestMemoryBytes how many bytes of manifests are kept in memory
     * @param executor runs fetches and upstream questions, each on a thread of its own
     * @param rules how each repository is cached
     */
    public PullThroughCache(
            ContentStore store,
            CacheIndex index,
            Evictor evictor,
            Clock clock,
            long manifestMemoryBytes,
            FetchSettings settings,
            Executor executor,
            CacheRules rules) {
        this.store = store;
        this.index = index;
        this.evictor = evictor;
        this.clock = clock;
        this.settings = settings;
        this.rules = rules;
        this.manifests = Caffeine.newBuilder()
                .maximumWeight(manifestMemoryBytes)
                .weigher((Digest digest, ManifestBytes manifest) -> manifest.sizeBytes() + 512)
                .executor(executor)
                .build();
        this.fetches = new BlobFetches(store, new StoreKeeper(evictor, index), settings, statistics, executor);
        this.answering =
                new Answering(new SharedCalls<>(executor, PATIENCE), new NegativeAnswers(clock), ruleCounters, clock);
        this.referrersFace = new ReferrersFace(() -> TimeUnit.MILLISECONDS.toNanos(clock.millis()));
        this.repair = new StoreRepair(store, index);
        this.running = new RunningGraphs(clock, fetches::isRunning);
        evictor.protect(running);
        evictor.pins().heed(rules, clock);
    }

    /**
     * One repository, read through this cache from {@code upstream}. Cheap, but worth keeping for as long as requests
     * come.
     */
    public PullThrough repository(RepositorySource upstream) {
        return new PullThrough(upstream, rules, Readers.CLIENTS, this, index, clock);
    }

    /**
     * As {@link #repository}, for a reader that lets clients go first: what it asks may wait for its turn, for which no
     * client waits, and which does not pass for an upstream's silence.
     *
     * @param upstream asked in the background
     */
    public PullThrough behindClients(RepositorySource upstream) {
        return new PullThrough(upstream, rules, Readers.BEHIND, this, index, clock);
    }

    /**
     * As {@link #repository}, for a client for whom the upstream is asked with a credential of its own. What the
     * upstream denies to it is denied to nobody else; what is kept it gets as everybody does, so that whoever calls
     * this has the upstream's word that it may ({@link PullThrough#proveManifest}).
     *
     * @param credential stands for the credential: equal for the same one, and shows nothing of it
     */
    public PullThrough repositoryFor(Object credential, RepositorySource upstream) {
        return new PullThrough(upstream, rules, Readers.showing(credential), this, index, clock);
    }

    /**
     * As {@link #repository}, for a reader that takes whatever is kept, however old, and has no upstream: what is not
     * kept is an outage that names it. What rules deny or hold back they do for this reader too.
     */
    public PullThrough whateverIsKept(Repository repository) {
        return new PullThrough(new Unasked(repository), new WhateverIsKept(rules), Readers.CLIENTS, this, index, clock);
    }

    /**
     * As {@link #repository}, for a reader that must know what is so now, as replication does: what changes is asked of
     * the upstream each time, and nothing stale and no remembered failure is served. What rules deny, hold back or keep
     * offline they do for this reader too.
     */
    public PullThrough alwaysAsking(RepositorySource upstream) {
        return new PullThrough(upstream, rules, Readers.CURRENT, this, index, clock);
    }

    /** Has one other hear of the manifests that are fetched for clients from now on. */
    public void listen(FetchListener newListener) {
        listener = newListener;
    }

    FetchListener listener() {
        return listener;
    }

    /** How each repository is cached. */
    public CacheRules rules() {
        return rules;
    }

    /** What rules have made of requests. */
    public RuleCounters ruleCounters() {
        return ruleCounters;
    }

    /** Repositories of which something is kept, in order, after {@code after}; at most {@code limit}. */
    public List<Repository> cachedRepositories(Optional<Repository> after, int limit) throws IOException {
        return index.links().repositories(after, limit);
    }

    /** What has been done so far. */
    public CacheStatistics.Snapshot statistics() {
        return statistics.snapshot();
    }

    /** Whether a manifest, or else a blob, is on the disk. Nothing is read, and no upstream is asked. */
    public boolean keeps(Digest digest, boolean manifest) {
        return store.isFile(manifest ? ContentKind.MANIFEST : ContentKind.BLOB, digest);
    }

    /** How many fetches are under way. */
    public int fetchesUnderWay() {
        return fetches.count();
    }

    ContentStore store() {
        return store;
    }

    BlobFetches fetches() {
        return fetches;
    }

    StoreRepair repair() {
        return repair;
    }

    RunningGraphs running() {
        return running;
    }

    FetchSettings settings() {
        return settings;
    }

    ReferrersFace referrersFace() {
        return referrersFace;
    }

    ParsedLists parsedLists() {
        return parsedLists;
    }

    CacheStatistics counters() {
        return statistics;
    }

    Answering answering() {
        return answering;
    }

    /** Evicts content by hand: also from memory, so that it is asked for again. As {@link Evictor#evict}. */
    public OptionalLong evict(Digest digest) {
        OptionalLong evicted = evictor.evict(digest);
        if (evicted.isPresent()) {
            manifests.invalidate(digest);
        }
        return evicted;
    }

    /** The manifest, if it is kept. Bytes that no longer match their digest are put aside and not found. */
    public Optional<ManifestBytes> keptManifest(Digest digest) {
        ManifestBytes inMemory = manifests.getIfPresent(digest);
        if (inMemory != null) {
            return Optional.of(inMemory);
        }
        try {
            Optional<byte[]> bytes = repair.manifest(digest);
            if (bytes.isEmpty()) {
                return Optional.empty();
            }
            MediaType type = index.contents().manifestType(digest).orElse(MediaType.OCTET_STREAM);
            ManifestBytes manifest = ManifestTypes.withType(ManifestBytes.verified(type, digest, bytes.get()));
            manifests.put(digest, manifest);
            return Optional.of(manifest);
        } catch (InvalidContentException e) {
            LOG.error("a kept manifest is damaged and is fetched anew: {}", e.getMessage());
            discard(digest);
            return Optional.empty();
        } catch (IOException e) {
            LOG.warn("manifest {} cannot be read from the store and is fetched anew: {}", digest, e.toString());
            return Optional.empty();
        }
    }

    private void discard(Digest digest) {
        try {
            repair.discardManifest(digest);
        } catch (IOException e) {
            LOG.warn("manifest {} cannot be removed: {}", digest, e.toString());
        }
    }

    /**
     * Keeps a manifest that was fetched for a repository. A disk that refuses it, or takes so little that the index
     * {@linkplain CacheIndex#isFull() is full}, is no reason to fail a pull: it is then kept in memory only.
     *
     * @return whether it is on the disk
     */
    boolean keep(ManifestBytes manifest, Repository owner) {
        manifests.put(manifest.digest(), manifest);
        if (index.isFull()) {
            store.refusals().refused(ContentKind.MANIFEST, INDEX_FULL);
            LOG.warn("manifest {} is served from memory: {}", manifest.digest(), INDEX_FULL);
            return false;
        }
        try (FileChanges.Change _ = store.changes().beginStoring(manifest.digest())) {
            store.putManifest(manifest.digest(), manifest.array());
            store.refusals().stored(ContentKind.MANIFEST);
            index.contents()
                    .stored(
                            manifest.digest(),
                            ContentKind.MANIFEST,
                            manifest.sizeBytes(),
                            Optional.of(manifest.mediaType()),
                            Optional.of(owner));
            evictor.trim();
            return true;
        } catch (IOException e) {
            store.refusals().refused(ContentKind.MANIFEST, e);
            LOG.warn(
                    "manifest {} cannot be kept on disk and is served from memory: {}; free space, and see that the data folder"
                            + " can be written",
                    manifest.digest(),
                    e.toString());
            return false;
        }
    }

    /**
     * Which limit would leave no room for a blob of so many bytes, whatever was evicted, and what to do about it; empty
     * if there is room or it could be made. Evicts nothing.
     */
    Optional<String> lackOfRoom(Digest digest, long totalBytes) {
        return index.isFull() ? Optional.of(INDEX_FULL) : evictor.lackOfAllRoom(digest, totalBytes);
    }

    /**
     * Brings back content that was lost on the disk: from memory, or from the upstream.
     *
     * @param repository one that has it, as {@link #alwaysAsking} gives it
     * @throws IOException if it cannot be had now
     */
    public void restore(PullThrough repository, ContentKind kind, Digest digest) throws IOException {
        ManifestBytes inMemory = manifests.getIfPresent(digest);
        if (kind == ContentKind.BLOB) {
            if (!repository.keepBlob(digest)) {
                throw new IOException("the disk has no room for it, or refuses it");
            }
        } else if (inMemory != null) {
            keep(inMemory, repository.repository());
        } else {
            repository.manifest(digest);
        }
    }

    /** What a fetch asks of the evictor and tells the index. */
    private record StoreKeeper(Evictor evictor, CacheIndex index) implements BlobFetch.Keeper {
        @Override
        public boolean reserve(Ingest ingest, long totalBytes) {
            return !index.isFull() && evictor.reserve(ingest, totalBytes);
        }

        @Override
        public String lack(Ingest ingest, long totalBytes) {
            return index.isFull() ? INDEX_FULL : evictor.lack(ingest, totalBytes);
        }

        @Override
        public boolean isProven(Repository repository, Digest digest) {
            return index.links().isProven(repository, digest);
        }

        @Override
        public void sent(Repository repository, Digest digest, long bytes) {
            index.links().add(repository, List.of(new Link(digest, OptionalLong.of(bytes), false)));
        }

        @Override
        public void kept(Repository repository, Digest digest, long bytes) {
            index.contents().stored(digest, ContentKind.BLOB, bytes, Optional.empty(), Optional.of(repository));
            sent(repository, digest, bytes);
            evictor.trim();
        }
    }
}
