package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/**
 * Uploads blobs: in one PUT, and after a break from where the registry says it is, or anew. Gives up after four failures in a row without
 * progress.
 */
final class BlobUploads {
    private static final int MAX_FAILURES = 4;
    private static final long LEAST_PROGRESS_BYTES = 64 * 1024;

    private final Calls calls;
    private final RepositoryRequests requests;
    private final UploadSession session;
    private final BlobReads reads;

    BlobUploads(Calls calls, RepositoryRequests requests, BlobReads reads) {
        this.calls = calls;
        this.requests = requests;
        this.session = new UploadSession(calls, requests);
        this.reads = reads;
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#pushBlob}. */
    void push(Descriptor blob, BlobSource content) throws IOException {
        if (!blob.digest().algorithm().isVerifiable()) {
            throw new InvalidContentException("blob " + blob.digest() + " cannot be verified: the algorithm "
                    + blob.digest().algorithm() + " is not supported");
        }
        new Upload(blob, content).run();
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#mountBlob}. */
    boolean mount(Digest digest, RepositoryName from) throws IOException {
        UploadSession.Mount mount =
                session.mount(digest, new Repository(requests.repository().registry(), from));
        mount.session().ifPresent(location -> session.cancel(location, digest));
        return mount.done();
    }

    /** One upload: where it is, and how often it has failed since it last moved. */
    private final class Upload {
        private final Descriptor blob;
        private final BlobSource content;
        private Optional<UploadSession.Progress> at = Optional.empty();
        private long furthest;
        private int failures;

        Upload(Descriptor blob, BlobSource content) {
            this.blob = blob;
            this.content = content;
        }

        void run() throws IOException {
            while (true) {
                if (at.isEmpty()) {
                    at = Optional.of(new UploadSession.Progress(start(), 0));
                }
                UploadSession.Progress from = at.get();
                try {
                    if (advance(from)) {
                        return;
                    }
                } catch (OutageException e) {
                    failed(e);
                    at = whereItIs(from.location());
                } catch (IOException e) {
                    session.cancel(from.location(), blob.digest());
                    throw e;
                }
                if (at.isEmpty() && isThere()) {
                    // Only the answer was lost.
                    return;
                }
            }
        }

        private URI start() throws IOException {
            while (true) {
                try {
                    return session.start(blob.digest());
                } catch (OutageException e) {
                    failed(e);
                }
            }
        }

        /** Sends all that is missing; true if the blob is committed. */
        private boolean advance(UploadSession.Progress from) throws IOException {
            UploadSession.Outcome outcome = from.offset() == 0 ? sendWhole(from) : sendRest(from);
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
                case UploadSession.Outcome.OutOfStep outOfStep -> {
                    failed(noSuccess("is at another offset"));
                    at = whereItIs(from.location());
                    yield false;
                }
                case UploadSession.Outcome.Unsupported unsupported -> {
                    at = Optional.empty();
                    failed(noSuccess("does not take parts"));
                    yield false;
                }
                case UploadSession.Outcome.Taken taken -> throw new IllegalStateException("only parts are taken");
            };
        }

        private boolean isThere() throws IOException {
            try {
                return reads.contains(blob.digest());
            } catch (OutageException e) {
                // The next attempt tells whether the registry is there at all.
                return false;
            }
        }

        private UploadSession.Outcome sendWhole(UploadSession.Progress from) throws IOException {
            return session.commit(from.location(), blob, body(0));
        }

        private UploadSession.Outcome sendRest(UploadSession.Progress from) throws IOException {
            URI location = from.location();
            if (from.offset() < blob.sizeBytes()) {
                UploadSession.Outcome part = session.append(location, blob, from.offset(), body(from.offset()));
                if (!(part instanceof UploadSession.Outcome.Taken taken)) {
                    return part;
                }
                location = taken.location();
            }
            return session.commit(location, blob, RequestBody.empty());
        }

        private RequestBody body(long offset) {
            return UploadSession.body(blob, () -> UploadStream.open(blob, content, offset), offset);
        }

        private Optional<UploadSession.Progress> whereItIs(URI location) {
            Optional<UploadSession.Progress> progress;
            try {
                progress = session.progress(location, blob.digest());
            } catch (IOException e) {
                // Starting anew tells whether the registry is there at all.
                return Optional.empty();
            }
            progress = progress.filter(p -> p.offset() <= blob.sizeBytes());
            long offset = progress.map(UploadSession.Progress::offset).orElse(0L);
            if (offset >= furthest + LEAST_PROGRESS_BYTES) {
                furthest = offset;
                failures = 0;
            }
            return progress;
        }

        private OutageException noSuccess(String why) {
            return new OutageException(
                    Reason.SERVER_ERROR,
                    "uploading blob " + requests.repository() + "@" + blob.digest() + ": the registry " + why);
        }

        /** Counts a failure and lets time pass, or gives up. */
        private void failed(OutageException outage) throws OutageException {
            failures++;
            if (failures >= MAX_FAILURES) {
                throw outage;
            }
            calls.pauseAfter(outage, requests.priority(), failures);
        }
    }
}
