package dev.entrepot.oci.client;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.client.SinglePosts.Shown;
import java.io.IOException;
import java.util.Optional;

/**
 * One try to send a blob in the request that would open a session (distribution-spec end-4b). Whatever else than
 * success comes of it, the other way is open and has the last word: only an outage is passed on, to be waited out.
 */
final class SinglePost {
    private final UploadSession session;
    private final BlobReads reads;
    private final Descriptor blob;

    SinglePost(UploadSession session, BlobReads reads, Descriptor blob) {
        this.session = session;
        this.reads = reads;
        this.blob = blob;
    }

    /**
     * What came of it.
     *
     * @param committed whether the blob is there
     * @param shown what it says of the registry
     * @param opened the session that the registry opened instead
     * @param outage why there was no answer
     */
    record Result(
            boolean committed, Shown shown, Optional<UploadSession.Started> opened, Optional<OutageException> outage) {
        private static final Result NOT_TAKEN = new Result(false, Shown.NOT_TAKEN, Optional.empty(), Optional.empty());

        private static Result committed(Shown shown) {
            return new Result(true, shown, Optional.empty(), Optional.empty());
        }
    }

    /**
     * Sends the blob.
     *
     * @param body all of it
     * @param asking whether success is not believed unless the blob is found
     * @throws IOException if interrupted
     */
    Result send(RequestBody body, boolean asking) throws IOException {
        try {
            return switch (session.startWith(blob, body)) {
                // Each blob would travel twice.
                case UploadSession.Single.Redirected redirected when isThere() -> Result.committed(Shown.NOT_TAKEN);
                case UploadSession.Single.Redirected redirected -> Result.NOT_TAKEN;
                case UploadSession.Single.Committed committed when !asking -> Result.committed(Shown.TAKEN);
                case UploadSession.Single.Committed committed -> looked();
                case UploadSession.Single.Unclear unclear -> looked();
                case UploadSession.Single.Opened opened
                when opened.empty() ->
                    new Result(false, Shown.NOT_TAKEN, Optional.of(opened.session()), Optional.empty());
                case UploadSession.Single.Opened opened -> {
                    // What is sent there now would come after what it has.
                    session.cancel(opened.session().location(), blob.digest());
                    yield Result.NOT_TAKEN;
                }
            };
        } catch (OutageException e) {
            // What fails so each time is not to be tried with each blob. That a registry wants to be left alone, or
            // that nobody waits any more, is about no way of sending.
            boolean other =
                    e.reason() == Reason.RATE_LIMITED || Thread.currentThread().isInterrupted();
            Shown shown = other ? Shown.NOTHING : Shown.NOT_TAKEN;
            return new Result(false, shown, Optional.empty(), Optional.of(e));
        } catch (RegistryException e) {
            // If it is not this way that is refused, the other way is refused as well, with the same words.
            return Result.NOT_TAKEN;
        }
    }

    private Result looked() throws IOException {
        return isThere() ? Result.committed(Shown.TAKEN) : Result.NOT_TAKEN;
    }

    private boolean isThere() throws IOException {
        return reads.contains(blob.digest());
    }
}
