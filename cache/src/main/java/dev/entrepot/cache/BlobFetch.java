package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One blob on its way from an upstream into the store. It belongs to no client: it runs on its own thread from the
 * first request to the end, and any number of {@link FetchReader}s follow it through {@link FetchProgress}.
 *
 * <p>What can happen to it: the blob becomes <em>complete</em> (size and digest right, file in place); it
 * <em>fails</em>, with one exception for every reader (a wrong digest deletes what was written, an outage keeps it for
 * the next fetch); or the disk fails it, or it is larger than its repository may have and others follow it, and it ends
 * <em>degraded</em>, in which case the readers go on by themselves from the offset and hash state that it had reached.
 *
 * <p>One that is begun in the background keeps to the {@link Pace} of who begins it, as long as neither a client
 * follows it nor anybody in the background who has no limit.
 *
 * <p>It is long because every step can end in each of these ways.
 */
final class BlobFetch implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(BlobFetch.class);
    private static final int BUFFER_BYTES = 128 * 1024;
    /** In what steps, at most, room is set aside for a blob whose size the upstream does not state. */
    private static final long UNKNOWN_STEP_BYTES = 64L << 20;
    /** From what length on clients are not left waiting while a partial is hashed. */
    private static final long LONG_TO_HASH_BYTES = 64L << 20;

    private final Digest digest;
    private final Repository repository;
    private final Optional<Object> credential;
    private final RepositorySource upstream;
    private final HurriedSource source;
    private final OptionalLong declaredBytes;
    private final boolean named;
    private final Optional<BlobLimit> limit;
    private final ContentStore store;
    private final Keeper keeper;
    private final FetchSettings settings;
    private final FetchProgress progress;
    private final CacheStatistics statistics;
    /** At what pace it is fetched; empty if whoever began it has none. */
    private final Optional<LiftablePace> pace;

    private boolean started;
    /** Whether the upstream and a manifest state different sizes. */
    private boolean doubtful;

    private volatile boolean shared;
    /** The repositories of the same upstream that it is followed for. */
    private final Set<Repository> followers = ConcurrentHashMap.newKeySet();
    /** The length of what was sent, once its digest is known to be right. */
    private volatile OptionalLong sentBytes = OptionalLong.empty();
    /** What became of a fetch that the disk failed before it was known whether this is a blob at all. */
    private FetchProgress.@Nullable Degraded undecided;

    /** What the fetch asks of the rest of the cache. */
    interface Keeper {
        /**
         * Makes room for a blob to grow to this length, and sets it aside until the ingest is closed; false if there is
         * none.
         */
        boolean reserve(Ingest ingest, long totalBytes);

        /** Which limit leaves no room for a blob to grow to this length, with figures, and what to do about it. */
        String lack(Ingest ingest, long totalBytes);

        /** Takes note that the upstream of a repository has sent all of a blob, and that its digest is right. */
        void sent(Repository repository, Digest digest, long bytes);

        /** Takes note of a blob that is now in the store, and of the repository that it came from. */
        void kept(Repository repository, Digest digest, long bytes);

        /** Whether a repository is proven to have a blob that is in the store. */
        boolean isProven(Repository repository, Digest digest);
    }

    /**
     * Describes a fetch; {@link #run} does it.
     *
     * @param credential as {@link Readers#credential()}
     * @param urgent whether a client waits for it, and not only the background
     * @param declaredBytes the size that a manifest states: a hint, which another manifest may contradict; the
     *     upstream's own word and the digest decide
     * @param named whether a manifest of the repository names this digest as a blob; if none does, it may turn out to
     *     be a manifest, and those are never served as blobs
     * @param limit how large it may be by the rules of the repository that starts the fetch
     */
    BlobFetch(
            Digest digest,
            Repository repository,
            Optional<Object> credential,
            RepositorySource upstream,
            boolean urgent,
            OptionalLong declaredBytes,
            boolean named,
            Optional<BlobLimit> limit,
            ContentStore store,
            Keeper keeper,
            FetchSettings settings,
            CacheStatistics statistics) {
        this.digest = digest;
        this.repository = repository;
        this.credential = credential;
        this.upstream = upstream;
        this.progress = new FetchProgress("blob " + digest + " of " + repository, settings.holdBackBytes());
        this.source = new HurriedSource(upstream, urgent, progress);
        this.pace = Pace.current()
                .map(begunAt -> new LiftablePace(begunAt.heardBy(Pace.Refusals.UNHEARD), source::isInterrupting));
        this.declaredBytes = declaredBytes;
        this.named = named;
        this.limit = limit;
        this.store = store;
        this.keeper = keeper;
        this.settings = settings;
        this.statistics = statistics;
    }

    /**
     * Whether this repository's upstream is read, with this credential: then how it fails is the answer to who asks so.
     */
    boolean isFor(Repository other, Optional<Object> otherCredential) {
        return repository.equals(other) && credential.equals(otherCredential);
    }

    /** Whether it reads the upstream of this repository, for it or for another one there. */
    boolean isFromUpstreamOf(Repository other) {
        return repository.registry().equals(other.registry());
    }

    /** Notes that a repository follows it, whose rules may be others. */
    void joinedBy(Repository other) {
        shared |= !repository.equals(other);
    }

    /**
     * Notes that it is followed for another repository of the same upstream, one of whose manifests names the blob:
     * once it was sent, that repository is proven to have it, too.
     */
    void followedFor(Repository other) {
        followers.add(other);
        OptionalLong bytes = sentBytes;
        if (bytes.isPresent()) {
            keeper.sent(other, digest, bytes.getAsLong());
        }
    }

    /** Says that a client waits for it now, and with whose urgency the same repository is to be asked. */
    void hurry(RepositorySource forClient) {
        source.hurry(forClient);
    }

    /**
     * A client follows it: until that leaves, it is held back for nobody.
     *
     * @return to be run once, when the client leaves
     */
    Runnable followedByClient() {
        if (pace.isEmpty()) {
            return () -> {};
        }
        LiftablePace lifted = pace.get();
        lifted.lift();
        AtomicBoolean left = new AtomicBoolean();
        return () -> {
            if (left.compareAndSet(false, true)) {
                lifted.restore();
            }
        };
    }

    /**
     * Somebody in the background follows it, at the pace of this thread: what that has no limit for is held back for
     * nobody until he leaves.
     *
     * @return to be run once, when he leaves
     */
    Runnable followedInBackground() {
        if (pace.isEmpty()) {
            return () -> {};
        }
        LiftablePace lifted = pace.get();
        boolean heldElsewhere = lifted.holdsBytes() && !lifted.isHolding();
        Runnable left = lifted.liftFor(Pace.current());
        if (heldElsewhere && !lifted.holdsBytes()) {
            // It may wait for one of the few slots of what is read at a pace.
            source.askAnew();
        }
        return left;
    }

    /** The size that a manifest states. */
    OptionalLong declaredBytes() {
        return declaredBytes;
    }

    /** How far it is; what readers wait on. */
    FetchProgress progress() {
        return progress;
    }

    @Override
    public void run() {
        try {
            if (pace.isPresent()) {
                pace.get().pace().<BlobFetch, IOException>call(() -> {
                    fetch();
                    return this;
                });
            } else {
                fetch();
            }
        } catch (InvalidContentException e) {
            upstream.refuted(digest);
            fail(e);
        } catch (RegistryException e) {
            fail(e);
        } catch (IOException e) {
            LOG.warn("blob {} of {} could not be fetched: {}", digest, repository, e.toString());
            fail(e);
        } catch (RuntimeException | Error e) {
            LOG.error("blob {} of {} could not be fetched", digest, repository, e);
            fail(new IOException("internal error while fetching blob " + digest + ": " + e, e));
            if (e instanceof Error error) {
                throw error;
            }
        }
    }

    // Counted before anybody hears of it.
    private void fail(IOException cause) {
        if (isFailure(cause)) {
            statistics.fillsFailed.increment();
        }
        progress.fail(cause);
    }

    // A rule that refuses a blob, and an upstream that does not have what somebody has only guessed, fail at nothing;
    // nor does the end of the process.
    private boolean isFailure(IOException cause) {
        if (!(cause instanceof RegistryException remote)) {
            return !(cause instanceof InterruptedIOException);
        }
        return switch (remote) {
            case BlockedException _ -> false;
            case NotFoundException _ -> named;
            case UnauthorizedException _, RefusedException _, OutageException _, InvalidContentException _ -> true;
        };
    }

    private void fetch() throws IOException {
        OptionalLong kept = store.blobSize(digest);
        if (kept.isPresent()) {
            // It came a moment ago, perhaps for another repository: then this one's upstream must say that it has it
            // too.
            if (!keeper.isProven(repository, digest)) {
                requireSame(kept.getAsLong());
            }
            keeper.kept(repository, digest, kept.getAsLong());
            sent(kept.getAsLong());
            progress.complete(kept.getAsLong());
            return;
        }
        Ingest ingest = openIngest();
        if (ingest == null) {
            decide(new FetchProgress.Degraded(0, digest.algorithm().newMessageDigest(), sizeUpstream()));
            return;
        }
        try (ingest) {
            fill(ingest);
        }
        if (undecided != null) {
            decide(undecided);
        }
    }

    // There are no bytes to look at, so that the upstream is asked; not before its body is closed, because requests are
    // limited, and who holds one must not wait for another.
    private void decide(FetchProgress.Degraded state) throws IOException {
        boolean maybeManifest = !named && state.totalBytes().orElse(0) <= OciLimits.MAX_MANIFEST_BYTES;
        if (maybeManifest && BlobOrManifest.isManifest(upstream, digest)) {
            throw BlobOrManifest.notABlob(digest, repository);
        }
        degrade(state);
    }

    private OptionalLong sizeUpstream() throws IOException {
        return source.statBlob(digest).orElseThrow(this::notThere);
    }

    private void requireSame(long keptBytes) throws IOException {
        if (StatedSize.isOther(source, digest, sizeUpstream(), OptionalLong.of(keptBytes))) {
            throw notThere();
        }
    }

    private NotFoundException notThere() {
        return new NotFoundException(NotFoundException.Kind.BLOB, "blob " + digest + " is not in " + repository);
    }

    private @Nullable Ingest openIngest() {
        try {
            return store.ingest(digest);
        } catch (IOException e) {
            notKept(e);
            return null;
        }
    }

    private void notKept(IOException why) {
        store.refusals().refused(ContentKind.BLOB, why);
        LOG.warn(
                "blob {} of {} is passed through without being kept: {}; free space on the disk of the data folder or lower"
                        + " capacity, and see that the folder can be written",
                digest,
                repository,
                why.toString());
    }

    private void fill(Ingest ingest) throws IOException {
        try {
            progress.readFrom(ingest::openReader);
            startBeforeHashing(ingest);
            long taken;
            try {
                taken = ingest.takeUp(progress::written);
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                giveUpFile(ingest, e);
                return;
            }
            if (taken > 0 && ingest.isWhole()) {
                finishWhole(ingest, taken);
                return;
            }
            try (ResumingBody body = new ResumingBody(
                    source, digest, taken, OptionalLong.empty(), declaredBytes, () -> mayEnd(ingest), settings)) {
                if (limit.isPresent()) {
                    limit.get().check(digest, body.totalBytes());
                }
                body.totalBytes().ifPresent(progress::expect);
                doubtful = contradictsHint(body.totalBytes());
                startIf(named && !doubtful || body.totalBytes().orElse(0) > OciLimits.MAX_MANIFEST_BYTES);
                copy(body, ingest);
            }
        } catch (InvalidContentException | NotFoundException | BlockedException e) {
            ingest.abort();
            throw e;
        } catch (RefusedException e) {
            // What was there may be longer than the blob: the next fetch begins anew.
            boolean resumed = ingest.writtenBytes() > 0;
            ingest.abort();
            throw resumed
                    ? new OutageException(OutageException.Reason.SERVER_ERROR, String.valueOf(e.getMessage()), e)
                    : e;
        } catch (RegistryException e) {
            ingest.suspend();
            throw e;
        }
    }

    // Clients get headers before much that is there is hashed again, if the upstream agrees with the manifest on the
    // size.
    private void startBeforeHashing(Ingest ingest) throws IOException {
        if (!named || declaredBytes.isEmpty() || ingest.leftBytes() < LONG_TO_HASH_BYTES) {
            return;
        }
        try {
            if (source.statBlob(digest).filter(declaredBytes::equals).isPresent()) {
                progress.expect(declaredBytes.getAsLong());
                startIf(true);
            }
        } catch (RegistryException e) {
            // What it answers to the request for the blob itself is what counts.
        }
    }

    // One of the two is wrong; where it is the upstream, a small blob is refused before anything of it is said.
    private boolean contradictsHint(OptionalLong stated) {
        return stated.isPresent() && declaredBytes.isPresent() && !stated.equals(declaredBytes);
    }

    // Of a body that states no size, a break looks as its end does.
    private boolean mayEnd(Ingest ingest) {
        return declaredBytes.isEmpty() || ingest.writtenBytes() >= declaredBytes.getAsLong() || ingest.isWhole();
    }

    // An earlier process was killed between the last byte and the rename.
    private void finishWhole(Ingest ingest, long bytes) throws IOException {
        if (!named) {
            sizeUpstream();
        }
        end(ingest, OptionalLong.of(bytes));
    }

    // What was written cannot be read. Who was given some of it already cannot go on, because nobody knows its hash.
    private void giveUpFile(Ingest ingest, IOException cause) throws IOException {
        ingest.abort();
        if (started) {
            throw cause;
        }
        LOG.warn("blob {} of {}: what had come of it cannot be read: {}", digest, repository, cause.toString());
        undecided = new FetchProgress.Degraded(0, digest.algorithm().newMessageDigest(), OptionalLong.empty());
    }

    private void copy(ResumingBody body, Ingest ingest) throws IOException {
        OptionalLong total = body.totalBytes();
        long reserved = total.orElse(unstated(ingest.writtenBytes()));
        if (!reserve(ingest, reserved)) {
            degrade(ingest, total);
            return;
        }
        byte[] buffer = new byte[BUFFER_BYTES];
        int count;
        while ((count = body.read(buffer)) >= 0) {
            if (total.isPresent() && ingest.writtenBytes() + count > total.getAsLong()) {
                throw new InvalidContentException("blob " + digest + " of " + repository + " is longer than the "
                        + total.getAsLong() + " bytes stated");
            }
            statistics.bytesFetched.add(count);
            if (limit.isPresent() && isTooLarge(limit.get(), ingest.writtenBytes() + count)) {
                degrade(ingest, total);
                return;
            }
            boolean room = true;
            if (ingest.writtenBytes() + count > reserved) {
                reserved += UNKNOWN_STEP_BYTES;
                room = reserve(ingest, reserved);
            }
            if (!room || !write(ingest, buffer, count)) {
                degrade(ingest, total);
                return;
            }
            progress.written(ingest.writtenBytes());
            startIf(ingest.writtenBytes() > OciLimits.MAX_MANIFEST_BYTES
                    || !doubtful && isNoObject(ingest, buffer, count));
        }
        end(ingest, total);
    }

    // To what length room is set aside at first where the upstream states none. What a manifest says may be far too
    // much, and is no reason to push out more than a step for it.
    private long unstated(long writtenBytes) {
        long left = Math.max(declaredBytes.orElse(Long.MAX_VALUE) - writtenBytes, 0);
        return writtenBytes + Math.min(left, UNKNOWN_STEP_BYTES);
    }

    // Others who follow may have no such limit, and have had a part of it: they go on by themselves, and whoever has
    // the limit is refused by what reads for him.
    private boolean isTooLarge(BlobLimit most, long bytes) throws BlockedException {
        if (!shared) {
            most.reached(digest, bytes);
        }
        return bytes > most.maxBytes();
    }

    private void end(Ingest ingest, OptionalLong total) throws IOException {
        if (!started && !named) {
            try {
                refuseManifest(ingest);
            } catch (RegistryException e) {
                throw e;
            } catch (IOException e) {
                giveUpFile(ingest, e);
                return;
            }
        }
        commit(ingest, total);
    }

    // Manifests are JSON objects. Layers begin otherwise, and nobody has to wait for the rest of them.
    private static boolean isNoObject(Ingest ingest, byte[] first, int count) {
        return ingest.writtenBytes() == count && !ManifestTypes.mayBeginObject(first, count);
    }

    // A client gets headers as soon as the upstream has answered, except for what no manifest names as a blob and is
    // small enough to be a manifest itself: some upstreams hand those out as blobs, and a client that believes them
    // keeps them as such for good.
    private void startIf(boolean surelyBlob) {
        if (surelyBlob && !started) {
            started = true;
            progress.start();
        }
    }

    private void refuseManifest(Ingest ingest) throws IOException {
        byte[] bytes = new byte[(int) Math.min(ingest.writtenBytes(), OciLimits.MAX_MANIFEST_BYTES)];
        try (RandomAccessFile file = ingest.openReader()) {
            file.readFully(bytes);
        }
        if (ManifestTypes.looksLikeManifest(bytes)) {
            ingest.abort();
            throw BlobOrManifest.notABlob(digest, repository);
        }
    }

    private boolean reserve(Ingest ingest, long bytes) {
        boolean room = keeper.reserve(ingest, bytes);
        if (!room) {
            String lack = keeper.lack(ingest, bytes);
            store.refusals().refused(ContentKind.BLOB, lack);
            LOG.warn(
                    "blob {} of {} is passed through without being kept: no room for {} bytes in the cache: {}",
                    digest,
                    repository,
                    bytes,
                    lack);
        }
        return room;
    }

    private boolean write(Ingest ingest, byte[] buffer, int count) {
        try {
            ingest.write(buffer, 0, count);
            return true;
        } catch (IOException e) {
            notKept(e);
            return false;
        }
    }

    private void commit(Ingest ingest, OptionalLong total) throws IOException {
        long bytes = ingest.writtenBytes();
        MessageDigest hashState = ingest.hashState();
        verify(ingest, total);
        // Before anybody can find it in the store: who has read it and asks again is not to have the upstream asked.
        sent(bytes);
        // The digest is right: clients get their last bytes now and do not wait for the disk.
        progress.verified();
        try {
            ingest.commit(total);
        } catch (RegistryException e) {
            throw e;
        } catch (IOException e) {
            store.refusals().refused(ContentKind.BLOB, e);
            LOG.warn(
                    "blob {} of {} arrived but cannot be kept: {}; free space, and see that the data folder can be written",
                    digest,
                    repository,
                    e.toString());
            degrade(new FetchProgress.Degraded(bytes, hashState, OptionalLong.of(bytes)));
            return;
        }
        store.refusals().stored(ContentKind.BLOB);
        keeper.kept(repository, digest, bytes);
        progress.complete(bytes);
    }

    // Who begins to follow it now tells the keeper himself.
    private void sent(long bytes) {
        sentBytes = OptionalLong.of(bytes);
        keeper.sent(repository, digest, bytes);
        followers.forEach(follower -> keeper.sent(follower, digest, bytes));
    }

    private void verify(Ingest ingest, OptionalLong total) throws InvalidContentException {
        long bytes = ingest.writtenBytes();
        try {
            ingest.verify(total);
        } catch (InvalidContentException e) {
            throw declaredBytes.isEmpty() || declaredBytes.getAsLong() == bytes
                    ? e
                    : new InvalidContentException(
                            e.getMessage() + "; a manifest says " + declaredBytes.getAsLong() + " bytes", e);
        }
    }

    private void degrade(Ingest ingest, OptionalLong total) {
        FetchProgress.Degraded state = new FetchProgress.Degraded(ingest.writtenBytes(), ingest.hashState(), total);
        if (started) {
            degrade(state);
        } else {
            undecided = state;
        }
        ingest.abort();
    }

    private void degrade(FetchProgress.Degraded state) {
        statistics.degraded.increment();
        progress.degrade(state);
    }

    /** Opens a handle on the file that is being written, or that has been written by now. */
    Optional<RandomAccessFile> openPartial() throws IOException {
        return progress.openReader();
    }

    /** Opens the finished blob. */
    Optional<BlobFile> openComplete() throws IOException {
        return store.openBlob(digest);
    }
}
