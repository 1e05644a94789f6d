package dev.entrepot.cache;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.security.MessageDigest;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a blob that is not in the store from the upstream through an {@link Ingest} into it, once. Takes up what
 * an earlier fetch has left, copies the rest, verifies, and publishes; tells {@link FetchProgress} how far it is. Ends
 * with the blob complete; or degraded, where the disk fails it, or it is larger than who has started it may have and
 * others follow; or with the exception that all readers get: a wrong digest deletes what was written, an outage keeps
 * it for the next fetch. For the thread of the fetch.
 *
 * <p>Whoever has had no headers yet is not degraded before it is known that this is a blob at all.
 *
 * <p>It is long because every step can end in each of these ways.
 */
final class BlobFill {
    // Of the fetch: what becomes of a blob is in the log under one name.
    private static final Logger LOG = LoggerFactory.getLogger(BlobFetch.class);
    private static final int BUFFER_BYTES = 128 * 1024;

    private final WantedBlob blob;
    private final RepositorySource upstream;
    private final HurriedSource source;
    private final ContentStore store;
    private final BlobFetch.Keeper keeper;
    private final FetchFollowers followers;
    private final FetchProgress progress;
    private final FetchSettings settings;
    private final CacheStatistics statistics;
    private final FetchStart start;
    /** What became of it where the disk failed it before it was known whether this is a blob at all. */
    private FetchProgress.@Nullable Degraded undecided;

    /**
     * Describes a fill; {@link #run} does it.
     *
     * @param upstream asked whether it has this as a manifest
     * @param source the same, as urgent as the blob has become
     */
    BlobFill(
            WantedBlob blob,
            RepositorySource upstream,
            HurriedSource source,
            ContentStore store,
            BlobFetch.Keeper keeper,
            FetchFollowers followers,
            FetchProgress progress,
            FetchSettings settings,
            CacheStatistics statistics) {
        this.blob = blob;
        this.upstream = upstream;
        this.source = source;
        this.store = store;
        this.keeper = keeper;
        this.followers = followers;
        this.progress = progress;
        this.settings = settings;
        this.statistics = statistics;
        this.start = new FetchStart(blob, source, progress);
    }

    /** Brings the blob into the store, or to readers who go on without it; throws what all of them are to get. */
    void run() throws IOException {
        Ingest ingest = open();
        if (ingest == null) {
            decide(nothing(source.statBlob(blob.digest()).orElseThrow(blob::notThere)));
            return;
        }
        try (ingest) {
            fill(ingest);
        }
        if (undecided != null) {
            decide(undecided);
        }
    }

    private @Nullable Ingest open() {
        try {
            return store.ingest(blob.digest());
        } catch (IOException e) {
            notKept(e);
            return null;
        }
    }

    private void notKept(IOException why) {
        store.refusals().refused(ContentKind.BLOB, why);
        LOG.warn(
                "{} is passed through without being kept: {}; free space on the disk of the data folder or lower"
                        + " capacity, and see that the folder can be written",
                blob,
                why.toString());
    }

    // There are no bytes to look at, so that the upstream is asked; not before its body is closed, because requests are
    // limited, and who holds one must not wait for another.
    private void decide(FetchProgress.Degraded state) throws IOException {
        boolean maybeManifest = !blob.named() && state.totalBytes().orElse(0) <= OciLimits.MAX_MANIFEST_BYTES;
        if (maybeManifest && BlobOrManifest.isManifest(upstream, blob.digest())) {
            throw BlobOrManifest.notABlob(blob.digest(), blob.repository());
        }
        degrade(state);
    }

    private FetchProgress.Degraded nothing(OptionalLong total) {
        return new FetchProgress.Degraded(0, blob.digest().algorithm().newMessageDigest(), total);
    }

    private void degrade(FetchProgress.Degraded state) {
        statistics.degraded.increment();
        progress.degrade(state);
    }

    private void fill(Ingest ingest) throws IOException {
        try {
            progress.readFrom(ingest::openReader);
            start.beforeHashing(ingest);
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
                    source,
                    blob.digest(),
                    taken,
                    OptionalLong.empty(),
                    blob.declaredBytes(),
                    () -> mayEnd(ingest),
                    settings)) {
                if (blob.limit().isPresent()) {
                    blob.limit().get().check(blob.digest(), body.totalBytes());
                }
                start.answered(body.totalBytes());
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

    // Of a body that states no size, a break looks as its end does.
    private boolean mayEnd(Ingest ingest) {
        OptionalLong declared = blob.declaredBytes();
        return declared.isEmpty() || ingest.writtenBytes() >= declared.getAsLong() || ingest.isWhole();
    }

    // An earlier process was killed between the last byte and the rename, or the disk refused that. It may have fetched
    // for another repository: what a manifest of this one names is not its own for that.
    private void finishWhole(Ingest ingest, long bytes) throws IOException {
        if (!keeper.isProven(blob.repository(), blob.digest())) {
            blob.requireAt(source, bytes);
        }
        end(ingest, OptionalLong.of(bytes));
    }

    // What was written cannot be read. Who was given some of it already cannot go on, because nobody knows its hash.
    private void giveUpFile(Ingest ingest, IOException cause) throws IOException {
        ingest.abort();
        if (start.isDone()) {
            throw cause;
        }
        LOG.warn("{}: what had come of it cannot be read: {}", blob, cause.toString());
        undecided = nothing(OptionalLong.empty());
    }

    private void copy(ResumingBody body, Ingest ingest) throws IOException {
        OptionalLong total = body.totalBytes();
        FillRoom room = new FillRoom(blob, ingest, keeper, store.refusals());
        if (!room.begin(total)) {
            degrade(ingest, total);
            return;
        }
        byte[] buffer = new byte[BUFFER_BYTES];
        int count;
        while ((count = body.read(buffer)) >= 0) {
            if (total.isPresent() && ingest.writtenBytes() + count > total.getAsLong()) {
                throw new InvalidContentException(blob + " is longer than the " + total.getAsLong() + " bytes stated");
            }
            statistics.bytesFetched.add(count);
            if (isTooLarge(ingest.writtenBytes() + count) || !room.hasFor(count) || !write(ingest, buffer, count)) {
                degrade(ingest, total);
                return;
            }
            progress.written(ingest.writtenBytes());
            start.written(ingest, buffer, count);
        }
        end(ingest, total);
    }

    // Others who follow may have no such limit, and have had a part of it: they go on by themselves, and whoever has
    // the limit is refused by what reads for him.
    private boolean isTooLarge(long bytes) throws BlockedException {
        if (blob.limit().isEmpty()) {
            return false;
        }
        BlobLimit most = blob.limit().get();
        if (!followers.hasOthers()) {
            most.reached(blob.digest(), bytes);
        }
        return bytes > most.maxBytes();
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

    private void degrade(Ingest ingest, OptionalLong total) {
        FetchProgress.Degraded state = new FetchProgress.Degraded(ingest.writtenBytes(), ingest.hashState(), total);
        if (start.isDone()) {
            degrade(state);
        } else {
            undecided = state;
        }
        ingest.abort();
    }

    private void end(Ingest ingest, OptionalLong total) throws IOException {
        try {
            start.refuseManifest(ingest);
        } catch (RegistryException e) {
            throw e;
        } catch (IOException e) {
            giveUpFile(ingest, e);
            return;
        }
        commit(ingest, total);
    }

    private void commit(Ingest ingest, OptionalLong total) throws IOException {
        long bytes = ingest.writtenBytes();
        MessageDigest hashState = ingest.hashState();
        verify(ingest, total);
        // Before anybody can find it in the store: who has read it and asks again is not to have the upstream asked.
        followers.sent(bytes);
        // The digest is right: clients get their last bytes now and do not wait for the disk.
        progress.verified();
        try (FileChanges.Change _ = store.changes().begin()) {
            ingest.commit(total);
            keeper.kept(blob.repository(), blob.digest(), bytes);
        } catch (RegistryException e) {
            throw e;
        } catch (IOException e) {
            store.refusals().refused(ContentKind.BLOB, e);
            LOG.warn(
                    "{} arrived but cannot be kept: {}; free space, and see that the data folder can be written",
                    blob,
                    e.toString());
            degrade(new FetchProgress.Degraded(bytes, hashState, OptionalLong.of(bytes)));
            return;
        }
        store.refusals().stored(ContentKind.BLOB);
        progress.complete(bytes);
    }

    private void verify(Ingest ingest, OptionalLong total) throws InvalidContentException {
        OptionalLong declared = blob.declaredBytes();
        try {
            ingest.verify(total);
        } catch (InvalidContentException e) {
            throw declared.isEmpty() || declared.getAsLong() == ingest.writtenBytes()
                    ? e
                    : new InvalidContentException(
                            e.getMessage() + "; a manifest says " + declared.getAsLong() + " bytes", e);
        }
    }
}
