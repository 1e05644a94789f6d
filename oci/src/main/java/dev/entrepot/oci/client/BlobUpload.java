package dev.entrepot.oci.client;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.UploadLog;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One upload: where it is, and how often it has failed since it last moved. In one PUT, and after a break from where
 * the registry says it is, or anew; with a log in parts, each of them noted. Gives up after four failures in a row
 * without progress. For one use and one thread.
 *
 * <p>The source may let wait long for its first bytes, and a session does not wait for ever: they are there before it
 * is opened, also where it is opened for one that was lost. As long as no session was opened yet, and after one that
 * was not to be had, it is opened before the source is, so that a registry that is away or refuses uploads costs the
 * source nothing; and while the registry lets wait for a session, or asks early in an upload to be left alone for more
 * than seconds, the source is not held open.
 *
 * <p>A small blob is in memory before anything is asked, and sent in the request that opens a session where the
 * registry takes that, or has not shown yet whether it does ({@link SinglePosts}).
 *
 * <p>A registry that refuses a part is sent the whole blob instead; one that refuses what an earlier process left is
 * sent a new session.
 */
final class BlobUpload {
    private static final int MAX_FAILURES = 4;
    private static final int MAX_PARTS = 256;
    private static final long LEAST_PROGRESS_BYTES = 64 * 1024;
    // As long as any pause that no registry has asked for (Calls.pauseAfter, of three failures). An open source may
    // hold a connection to an upstream, and its slot there, which who else waits for it can spare for seconds and not
    // for a minute. To open it again is to read the blob again from its start, and a registry may ask for pauses at
    // part after part, so that is done only where not much has been read.
    private static final Duration LONGEST_PAUSE_WITH_SOURCE = Duration.ofSeconds(6);
    private static final long MOST_BYTES_AGAIN = 64L * 1024 * 1024;

    private final Calls calls;
    private final RepositoryRequests requests;
    private final UploadSession session;
    private final BlobReads reads;
    private final SinglePosts singlePosts;
    private final Descriptor blob;
    private final UploadParts parts;
    private final AtomicBoolean opens;
    private Optional<UploadLog> log;
    private Optional<UploadSession.Progress> at = Optional.empty();
    private boolean recalled;
    private long partBytes;
    private long furthest;
    private int failures;

    /** Reads what is to be sent. */
    @FunctionalInterface
    private interface Reading {
        void read() throws IOException;
    }

    /**
     * An upload that has not begun here.
     *
     * @param singlePosts whether the registry takes small blobs in one request; kept up to date
     * @param opens whether the registry opened a session when it was last asked to; kept up to date
     */
    BlobUpload(
            Calls calls,
            RepositoryRequests requests,
            UploadSession session,
            BlobReads reads,
            SinglePosts singlePosts,
            Descriptor blob,
            UploadParts parts,
            Optional<UploadLog> log,
            long leastPartBytes,
            AtomicBoolean opens) {
        this.calls = calls;
        this.requests = requests;
        this.session = session;
        this.reads = reads;
        this.singlePosts = singlePosts;
        this.blob = blob;
        this.parts = parts;
        this.log = log;
        this.opens = opens;
        this.partBytes = Math.max(leastPartBytes, (blob.sizeBytes() + MAX_PARTS - 1) / MAX_PARTS);
    }

    /** Returns when the blob is committed. */
    void run() throws IOException {
        at = recall();
        recalled = at.isPresent();
        if (log.isEmpty() && isSentAtOnce()) {
            return;
        }
        while (true) {
            if (at.isEmpty()) {
                if (opens.get()) {
                    fromSource(() -> parts.await(0));
                }
                at = Optional.of(start());
            }
            try {
                if (advance(at.get()) || at.isEmpty() && isThere()) {
                    log.ifPresent(there -> there.forget(blob.digest()));
                    return;
                }
            } catch (OutageException e) {
                if (at.isEmpty()) {
                    throw e; // given up between two sessions
                }
                URI location = at.get().location();
                failed(e);
                at = whereItIs(location);
                if (at.isEmpty() && isThere()) {
                    // Only the answer was lost.
                    log.ifPresent(there -> there.forget(blob.digest()));
                    return;
                }
            } catch (RefusedException e) {
                abandon();
                if (!hasAnotherWay()) {
                    throw e;
                }
            } catch (IOException e) {
                if (log.isEmpty() || !Thread.currentThread().isInterrupted()) {
                    abandon();
                }
                throw e;
            }
        }
    }

    /**
     * Sends the blob in one request if that may work. If it does not, there may be a session that was opened in its
     * place.
     *
     * @return whether the blob is committed
     */
    private boolean isSentAtOnce() throws IOException {
        SinglePosts.Way way = singlePosts.way(requests.repository(), blob.digest(), blob.sizeBytes());
        if (way == SinglePosts.Way.SESSION) {
            return false;
        }
        SinglePost.Result result = sendAtOnce(way);
        result.opened().ifPresent(this::begun);
        if (result.outage().isPresent()) {
            opens.set(false);
            failed(result.outage().get());
        }
        return result.committed();
    }

    private SinglePost.Result sendAtOnce(SinglePosts.Way way) throws IOException {
        SinglePosts.Shown shown = SinglePosts.Shown.NOTHING;
        try {
            fromSource(parts::keep);
            SinglePost.Result result = new SinglePost(session, reads, blob)
                    .send(parts.part(0, blob.sizeBytes()), way == SinglePosts.Way.ASKING);
            shown = result.shown();
            return result;
        } finally {
            singlePosts.ended(requests.repository(), blob.digest(), way, shown);
        }
    }

    /** The session that the log knows of, if the registry still has it. */
    private Optional<UploadSession.Progress> recall() throws IOException {
        Optional<UploadLog.Upload> noted = log.isPresent() ? log.get().recall(blob.digest()) : Optional.empty();
        Optional<UploadSession.Progress> found = Optional.empty();
        if (noted.isPresent() && isUsable(noted.get().location())) {
            found = ask(noted.get().location()).filter(progress -> progress.offset() <= blob.sizeBytes());
        }
        found.ifPresentOrElse(
                this::moved, () -> noted.ifPresent(old -> log.get().forget(blob.digest())));
        return found;
    }

    // Read back from a file, it passes the rules for new locations again; those of address and credentials hold for all
    // requests.
    private boolean isUsable(URI location) {
        try {
            return Origin.of(location).isSecure() || !Origin.of(requests.base()).isSecure();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    // An outage is no reason to send gigabytes again: it counts like any other failure.
    private Optional<UploadSession.Progress> ask(URI location) throws IOException {
        while (true) {
            try {
                return session.progress(location, blob.digest());
            } catch (OutageException e) {
                failed(e);
            }
        }
    }

    private void fromSource(Reading reading) throws IOException {
        while (true) {
            try {
                reading.read();
                return;
            } catch (OutageException e) {
                failed(e);
            }
        }
    }

    private UploadSession.Progress start() throws IOException {
        while (true) {
            try {
                return begun(session.start(blob.digest()));
            } catch (OutageException e) {
                opens.set(false);
                // A registry may ask for a minute, and more than once.
                parts.close();
                failed(e);
            } catch (IOException e) {
                opens.set(false);
                throw e;
            }
        }
    }

    private UploadSession.Progress begun(UploadSession.Started started) {
        opens.set(true);
        partBytes = Math.max(partBytes, started.leastPartBytes());
        UploadSession.Progress progress = new UploadSession.Progress(started.location(), 0);
        at = Optional.of(progress);
        note(progress);
        return progress;
    }

    private void note(UploadSession.Progress progress) {
        log.ifPresent(there -> there.note(blob.digest(), new UploadLog.Upload(progress.location(), progress.offset())));
    }

    private void abandon() {
        at.ifPresent(progress -> session.cancel(progress.location(), blob.digest()));
        at = Optional.empty();
        log.ifPresent(there -> there.forget(blob.digest()));
    }

    private void withoutParts() {
        abandon();
        log = Optional.empty();
    }

    /** Whether something else than what was refused can be tried: a new session, then the blob in one request. */
    private boolean hasAnotherWay() {
        boolean another = recalled || log.isPresent();
        if (!recalled) {
            log = Optional.empty();
        }
        recalled = false;
        furthest = 0;
        return another;
    }

    /** Takes one step from there; true if the blob is committed. */
    private boolean advance(UploadSession.Progress from) throws IOException {
        UploadSession.Outcome outcome = step(from);
        return switch (outcome) {
            case UploadSession.Outcome.Committed committed -> true;
            case UploadSession.Outcome.Unclear unclear -> {
                at = Optional.empty();
                if (isThere()) {
                    yield true;
                }
                failed(noSuccess("said that all is well, without committing it"));
                yield false;
            }
            case UploadSession.Outcome.Lost lost -> {
                at = Optional.empty();
                failed(noSuccess("does not know the session"));
                yield false;
            }
            case UploadSession.Outcome.OutOfStep outOfStep
            when from.offset() == 0 && log.isPresent() -> {
                withoutParts();
                yield false;
            }
            case UploadSession.Outcome.OutOfStep outOfStep -> {
                failed(noSuccess("is at another offset"));
                at = whereItIs(from.location());
                yield false;
            }
            case UploadSession.Outcome.Unsupported unsupported -> {
                withoutParts();
                failed(noSuccess("does not take parts"));
                yield false;
            }
            case UploadSession.Outcome.Taken taken -> {
                long sent = end(from.offset());
                long reached = taken.reached().orElse(sent);
                if (reached <= from.offset() && sent > from.offset()) {
                    failed(noSuccess("took nothing of a part"));
                    at = whereItIs(taken.location());
                    yield false;
                }
                UploadSession.Progress progress = new UploadSession.Progress(taken.location(), Math.min(reached, sent));
                at = Optional.of(progress);
                boolean next = reached < sent && reached < furthest + LEAST_PROGRESS_BYTES;
                moved(progress);
                if (next) {
                    // A byte of each part, say, would go on for as long as the blob has bytes.
                    failed(noSuccess("took next to nothing of a part"));
                }
                yield false;
            }
        };
    }

    private UploadSession.Outcome step(UploadSession.Progress from) throws IOException {
        long offset = from.offset();
        if (offset == 0 && log.isEmpty()) {
            return session.commit(from.location(), blob, parts.part(0, blob.sizeBytes()));
        }
        if (offset < blob.sizeBytes()) {
            long end = end(offset);
            return session.append(from.location(), blob, offset, end, parts.part(offset, end - offset));
        }
        return session.commit(from.location(), blob, RequestBody.empty());
    }

    private long end(long offset) {
        return log.isPresent() ? Math.min(offset + partBytes, blob.sizeBytes()) : blob.sizeBytes();
    }

    private boolean isThere() throws IOException {
        try {
            return reads.contains(blob.digest());
        } catch (OutageException e) {
            // The next attempt tells whether the registry is there at all.
            return false;
        }
    }

    private Optional<UploadSession.Progress> whereItIs(URI location) {
        try {
            Optional<UploadSession.Progress> progress =
                    session.progress(location, blob.digest()).filter(p -> p.offset() <= blob.sizeBytes());
            progress.ifPresent(this::moved);
            return progress;
        } catch (IOException e) {
            // Starting anew tells whether the registry is there at all.
            return Optional.empty();
        }
    }

    private void moved(UploadSession.Progress progress) {
        note(progress);
        if (progress.offset() >= furthest + LEAST_PROGRESS_BYTES) {
            furthest = progress.offset();
            failures = 0;
        }
    }

    private OutageException noSuccess(String why) {
        return new OutageException(
                Reason.SERVER_ERROR,
                "uploading blob " + requests.repository() + "@" + blob.digest() + ": the registry " + why);
    }

    /** Counts a failure and lets time pass, without the source if that is much, or gives up. */
    private void failed(OutageException outage) throws IOException {
        failures++;
        if (failures >= MAX_FAILURES) {
            throw outage;
        }
        Duration pause = calls.pauseAfter(outage, requests.priority(), failures);
        boolean isLong = outage.retryAfter()
                .filter(asked -> asked.compareTo(LONGEST_PAUSE_WITH_SOURCE) > 0)
                .isPresent();
        if (isLong && parts.positionBytes() <= MOST_BYTES_AGAIN) {
            parts.close();
        }
        calls.sleep(outage, pause);
    }
}
