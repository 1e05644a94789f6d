package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UploadLog;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** Brings blobs to one repository, by upload or by mount. */
final class BlobUploads {
    private final Calls calls;
    private final RepositoryRequests requests;
    private final UploadSession session;
    private final BlobReads reads;
    private final CapabilityMemory memory;
    private final SinglePosts singlePosts;
    private final long partBytes;
    private final AtomicBoolean opens = new AtomicBoolean();

    /**
     * To the repository of these requests.
     *
     * @param singlePosts whether the registry takes small blobs in one request; shared by all its repositories
     * @param partBytes the least size of a part; blobs up to this size are not worth an entry in a log
     */
    BlobUploads(
            Calls calls,
            RepositoryRequests requests,
            BlobReads reads,
            CapabilityMemory memory,
            SinglePosts singlePosts,
            long partBytes) {
        this.calls = calls;
        this.requests = requests;
        this.session = new UploadSession(calls, requests);
        this.reads = reads;
        this.memory = memory;
        this.singlePosts = singlePosts;
        this.partBytes = partBytes;
    }

    /**
     * As {@link dev.entrepot.oci.RepositoryTarget#pushBlob}, and with a log as
     * {@link dev.entrepot.oci.ResumableTarget#pushBlob}.
     */
    void push(Descriptor blob, BlobSource content, Optional<UploadLog> log) throws IOException {
        if (!blob.digest().algorithm().isVerifiable()) {
            throw new InvalidContentException("blob " + blob.digest() + " cannot be verified: the algorithm "
                    + blob.digest().algorithm() + " is not supported");
        }
        Optional<UploadLog> worthIt = log.filter(there -> blob.sizeBytes() > partBytes);
        try (UploadParts parts = new UploadParts(blob, content)) {
            new BlobUpload(calls, requests, session, reads, singlePosts, blob, parts, worthIt, partBytes, opens).run();
        }
    }

    /** As {@link dev.entrepot.oci.RepositoryTarget#mountBlob}. */
    boolean mount(Digest digest, RepositoryName from) throws IOException {
        if (memory.isKnownAbsent(requests.repository(), Capability.MOUNTS)) {
            return false;
        }
        UploadSession.Mount mount =
                session.mount(digest, new Repository(requests.repository().registry(), from));
        if (mount.done() || mount.unsupported()) {
            memory.saw(requests.repository(), Capability.MOUNTS, mount.done());
        }
        mount.session().ifPresent(location -> session.cancel(location, digest));
        return mount.done();
    }
}
