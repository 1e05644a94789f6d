package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
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
import java.util.Optional;
import java.util.OptionalLong;
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
 * What is done for a blob that is not in the store is {@link BlobFill}; that it fails, and whether that counts, is
 * here.
 *
 * <p>One that is begun in the background keeps to the {@link Pace} of who begins it, as long as neither a client
 * follows it nor anybody in the background who has no limit ({@link FetchFollowers}).
 *
 * <p>One thread runs it; all else is for all threads.
 */
final class BlobFetch implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(BlobFetch.class);

    private final WantedBlob blob;
    private final Optional<Object> credential;
    private final RepositorySource upstream;
    private final HurriedSource source;
    private final ContentStore store;
    private final Keeper keeper;
    private final FetchProgress progress;
    private final FetchFollowers followers;
    private final BlobFill fill;
    private final CacheStatistics statistics;
    /** At what pace it is fetched; empty if whoever began it has none. */
    private final Optional<LiftablePace> pace;

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

        /** Whether a repository is proven to have a blob that has come. */
        boolean isProven(Repository repository, Digest digest);
    }

    /**
     * Describes a fetch; {@link #run} does it.
     *
     * @param credential as {@link Readers#credential()}
     * @param urgent whether a client waits for it, and not only the background
     */
    BlobFetch(
            WantedBlob blob,
            Optional<Object> credential,
            RepositorySource upstream,
            boolean urgent,
            ContentStore store,
            Keeper keeper,
            FetchSettings settings,
            CacheStatistics statistics) {
        this.blob = blob;
        this.credential = credential;
        this.upstream = upstream;
        this.progress = new FetchProgress(blob.toString(), settings.holdBackBytes());
        this.source = new HurriedSource(upstream, urgent, progress);
        this.pace = Pace.current()
                .map(begunAt -> new LiftablePace(begunAt.heardBy(Pace.Refusals.UNHEARD), source::isInterrupting));
        this.followers = new FetchFollowers(blob, keeper, source, pace);
        this.fill = new BlobFill(blob, upstream, source, store, keeper, followers, progress, settings, statistics);
        this.store = store;
        this.keeper = keeper;
        this.statistics = statistics;
    }

    /**
     * Whether this repository's upstream is read, with this credential: then how it fails is the answer to who asks so.
     */
    boolean isFor(Repository other, Optional<Object> otherCredential) {
        return blob.repository().equals(other) && credential.equals(otherCredential);
    }

    /** Whether it reads the upstream of this repository, for it or for another one there. */
    boolean isFromUpstreamOf(Repository other) {
        return blob.repository().registry().equals(other.registry());
    }

    /** Says that a client waits for it now, and with whose urgency the same repository is to be asked. */
    void hurry(RepositorySource forClient) {
        source.hurry(forClient);
    }

    /** The size that a manifest states. */
    OptionalLong declaredBytes() {
        return blob.declaredBytes();
    }

    /** How far it is; what readers wait on. */
    FetchProgress progress() {
        return progress;
    }

    /** Who follows it; told by those who begin to. */
    FetchFollowers followers() {
        return followers;
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
            upstream.refuted(blob.digest());
            fail(e);
        } catch (RegistryException e) {
            fail(e);
        } catch (IOException e) {
            LOG.warn("{} could not be fetched: {}", blob, e.toString());
            fail(e);
        } catch (RuntimeException | Error e) {
            LOG.error("{} could not be fetched", blob, e);
            fail(new IOException("internal error while fetching blob " + blob.digest() + ": " + e, e));
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
            case NotFoundException _ -> blob.named();
            case UnauthorizedException _, RefusedException _, OutageException _, InvalidContentException _ -> true;
        };
    }

    private void fetch() throws IOException {
        // It is being fetched from here on, so that nobody begins to evict it.
        store.changes().awaitRemoval(blob.digest());
        OptionalLong kept = store.blobSize(blob.digest());
        if (kept.isPresent()) {
            takeKept(kept.getAsLong());
        } else {
            fill.run();
        }
    }

    // It came a moment ago, perhaps for another repository: then this one's upstream must say that it has it too.
    private void takeKept(long bytes) throws IOException {
        if (!keeper.isProven(blob.repository(), blob.digest())) {
            blob.requireAt(source, bytes);
        }
        keeper.kept(blob.repository(), blob.digest(), bytes);
        followers.sent(bytes);
        progress.complete(bytes);
    }

    /** Opens a handle on the file that is being written, or that has been written by now. */
    Optional<RandomAccessFile> openPartial() throws IOException {
        return progress.openReader();
    }

    /** Opens the finished blob. */
    Optional<BlobFile> openComplete() throws IOException {
        return store.openBlob(blob.digest());
    }
}
