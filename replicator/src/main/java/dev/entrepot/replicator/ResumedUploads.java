package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.UploadLog;
import java.io.IOException;
import java.util.Optional;

/**
 * A log of uploads that tells whether the upload of one blob went on with what an earlier process had sent. For one
 * blob and one thread.
 */
final class ResumedUploads implements UploadLog {
    private final UploadLog log;
    private boolean resumed;
    private boolean begun;

    ResumedUploads(UploadLog log) {
        this.log = log;
    }

    /** Whether some of the blob may be what an earlier process sent. */
    boolean isResumed() {
        return resumed;
    }

    @Override
    public Optional<Upload> recall(Digest blob) throws IOException {
        Optional<Upload> known = log.recall(blob);
        resumed = known.isPresent() && !begun;
        return known;
    }

    // A session that begins, begins at its start; one that is gone on with is noted where it is. What is recalled after
    // one began here is that one.
    @Override
    public void note(Digest blob, Upload upload) {
        begun |= upload.offset() == 0;
        resumed = resumed && !begun;
        log.note(blob, upload);
    }

    @Override
    public void forget(Digest blob) {
        log.forget(blob);
    }
}
