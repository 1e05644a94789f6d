package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.ImagePlan.Step;
import dev.entrepot.replicator.TallyCounter.Kind;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Brings the blobs of one image to one target. Each blob is brought to a repository once per run. Safe for all threads.
 */
final class BlobBringer {
    // Smaller ones are sent sooner than asked for.
    private static final long WORTH_ASKING_BYTES = 1L << 20;

    private final TargetSession session;
    private final TargetRepository repository;
    private final RepositorySource source;
    private final TallyCounter tally;
    private final Set<Digest> resumed = ConcurrentHashMap.newKeySet();

    BlobBringer(TargetSession session, TargetRepository repository, RepositorySource source, TallyCounter tally) {
        this.session = session;
        this.repository = repository;
        this.source = source;
        this.tally = tally;
    }

    /**
     * Returns when the target has the blob, verified by HEAD and size.
     *
     * @throws CopyException if it could not be brought
     */
    void bring(ImagePlan.Node blob) throws IOException {
        if (blob.step() == Step.PRESENT) {
            tally.one(Kind.BLOB_PRESENT);
            if (session.verifiesDeep()) {
                repository
                        .broughtBlobs()
                        .get(
                                blob.descriptor().digest(),
                                digest -> repository.wasWhole(blob.descriptor()) || readBack(blob.descriptor()));
            }
            return;
        }
        repository.broughtBlobs().get(blob.descriptor().digest(), digest -> bringOnce(blob));
    }

    private boolean bringOnce(ImagePlan.Node node) throws IOException {
        Descriptor blob = node.descriptor();
        boolean mounted = node.from().isPresent() && mount(blob, node.from().get(), node.awaited());
        if (!mounted && node.from().isPresent() && isThereAnyway(blob)) {
            tally.one(Kind.BLOB_MOUNTED);
        } else {
            if (!mounted) {
                push(blob);
                tally.one(Kind.BLOB_PUSHED);
            }
            verify(blob);
        }
        if (session.verifiesDeep() && !isWhole(blob)) {
            replace(blob);
        }
        return true;
    }

    // A registry that does not mount may show what any of its repositories has in all of them, which comes to the same.
    private boolean isThereAnyway(Descriptor blob) throws IOException {
        return blob.sizeBytes() >= WORTH_ASKING_BYTES && hasNow(blob);
    }

    private void verify(Descriptor blob) throws IOException {
        if (!hasNow(blob)) {
            push(blob);
            tally.one(Kind.BLOB_REPAIRED);
            if (!hasNow(blob)) {
                throw new CopyException(
                        Side.TARGET,
                        blob.digest(),
                        session.name() + " accepted the blob " + blob.digest()
                                + " twice and does not have it, or has another size");
            }
        }
    }

    private boolean hasNow(Descriptor blob) throws IOException {
        return atTarget(blob, "verifying", () -> repository.hasBlobNow(blob));
    }

    // A mount of what is damaged elsewhere, say.
    private void replace(Descriptor blob) throws IOException {
        push(blob);
        tally.one(Kind.BLOB_REPAIRED);
        if (!isWhole(blob)) {
            throw new CopyException(
                    Side.TARGET,
                    blob.digest(),
                    session.name() + "/" + repository.name() + " has something else under the digest of the blob "
                            + blob.digest()
                            + " and keeps it although the blob was sent again; remove it from its storage"
                            + " (docker-registry: the folder of this digest below docker/registry/v2/blobs), and run the"
                            + " rule again");
        }
    }

    private boolean mount(Descriptor blob, RepositoryName from, boolean awaited) throws IOException {
        if (!session.mounts()) {
            return false;
        }
        if (awaited && !session.awaitCommitted(from, blob.digest())) {
            return false;
        }
        boolean mounted;
        try {
            mounted = repository.mount(blob.digest(), from);
        } catch (RegistryException e) {
            // Whatever is wrong with mounting, pushing will show whether the target lives.
            mounted = false;
        }
        if (mounted) {
            session.noteMounted();
            tally.one(Kind.BLOB_MOUNTED);
        } else {
            session.noteMountRefused();
            session.journal().content().forgetBlob(session.place(), from, blob.digest());
        }
        return mounted;
    }

    /** Sends the blob without asking whether the target has it. */
    void push(Descriptor blob) throws IOException {
        BlobTransfer transfer = new BlobTransfer(source, session.sourceGate(), session.bandwidth(), session::moved);
        ResumedUploads uploads = new ResumedUploads(new JournalUploads(session, repository.name()));
        atTarget(blob, "pushing", () -> {
            transfer.push(
                    blob,
                    repository.rawTarget(),
                    uploads,
                    session.gate(),
                    session.services().retries().attempts());
            return blob;
        });
        tally.add(Kind.BYTES, transfer.movedBytes());
        if (uploads.isResumed()) {
            resumed.add(blob.digest());
        }
    }

    /**
     * Blobs of which an earlier process had sent the beginning: nobody knows what that was, but for a target that looks
     * at the whole.
     */
    Set<Digest> resumed() {
        return resumed;
    }

    private boolean readBack(Descriptor blob) throws IOException {
        return atTarget(blob, "reading back", () -> {
            repository.read(blob);
            return true;
        });
    }

    /** Whether what the target has is the blob; all of it is read. */
    boolean isWhole(Descriptor blob) throws IOException {
        return atTarget(blob, "reading", () -> repository.isWhole(blob));
    }

    private <T> T atTarget(Descriptor blob, String doing, RequestLimit.Request<T> request) throws IOException {
        return CopyException.at(
                Side.TARGET,
                blob.digest(),
                doing + " the blob " + blob.digest() + " at " + session.name() + "/" + repository.name(),
                request);
    }
}
