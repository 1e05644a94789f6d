package dev.entrepot.oci;

import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/**
 * Remembers where the uploads of blobs to one repository are, so that another process can go on with them. What it says
 * is asked for again before it is used. Locations may hold a registry's signature: they go to nobody but that registry,
 * and into no message. Implementations are safe for all threads.
 */
public interface UploadLog {
    /**
     * An upload that has begun.
     *
     * @param location where it goes on, absolute
     * @param offset number of bytes that the registry had then
     */
    record Upload(URI location, long offset) {
        /** Validates the offset. */
        public Upload {
            if (offset < 0) {
                throw new IllegalArgumentException("an upload is not at " + offset);
            }
        }
    }

    /**
     * The upload of a blob that has begun and not ended, as far as is known.
     *
     * @throws IOException if the memory cannot be read
     */
    Optional<Upload> recall(Digest blob) throws IOException;

    /** Notes how far an upload is. Does not wait for the disk. */
    void note(Digest blob, Upload upload);

    /** Forgets an upload: it has ended, or cannot go on. Does not wait for the disk. */
    void forget(Digest blob);
}
