package dev.entrepot.oci;

import java.io.IOException;

/**
 * A repository to which the upload of a large blob can be continued by another process, where the registry keeps the
 * session.
 */
public interface ResumableTarget extends RepositoryTarget {
    /**
     * As {@link #pushBlob(Descriptor, BlobSource)}, but a blob that is worth it is sent in parts, each noted in
     * {@code log} when the target has taken it, and goes on where {@code log} says that an earlier process was, if the
     * target still knows that session. Blobs that are not worth it never touch the log.
     *
     * @throws RegistryException if the target refused or gave no answer, or the source failed; after an outage the log
     *     knows the way on
     */
    void pushBlob(Descriptor blob, BlobSource content, UploadLog log) throws IOException;
}
