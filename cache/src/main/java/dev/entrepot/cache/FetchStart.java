package dev.entrepot.cache;

import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.RegistryException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.OptionalLong;

/**
 * When the readers of a fetch get their headers: as soon as the upstream has answered, except for what no manifest
 * names as a blob and is small enough to be a manifest itself. Some upstreams hand those out as blobs, and a client
 * that believes them keeps them as such for good. A small blob of which the upstream and a manifest state different
 * sizes waits as well, until all of it has come. For the thread of the fetch.
 */
final class FetchStart {
    /** From what length on clients are not left waiting while a partial is hashed. */
    private static final long LONG_TO_HASH_BYTES = 64L << 20;

    private final WantedBlob blob;
    private final HurriedSource source;
    private final FetchProgress progress;
    private boolean done;
    /** Whether the upstream and a manifest state different sizes. */
    private boolean doubtful;

    /**
     * Nothing was said to anybody yet.
     *
     * @param source the upstream of the fetch
     * @param progress where the readers wait
     */
    FetchStart(WantedBlob blob, HurriedSource source, FetchProgress progress) {
        this.blob = blob;
        this.source = source;
        this.progress = progress;
    }

    /** Whether headers may have gone out. */
    boolean isDone() {
        return done;
    }

    /**
     * Clients get headers before much that is there is hashed again, if the upstream agrees with the manifest on the
     * size.
     */
    void beforeHashing(Ingest ingest) throws IOException {
        OptionalLong declared = blob.declaredBytes();
        if (!blob.named() || declared.isEmpty() || ingest.leftBytes() < LONG_TO_HASH_BYTES) {
            return;
        }
        try {
            if (source.statBlob(blob.digest()).filter(declared::equals).isPresent()) {
                progress.expect(declared.getAsLong());
                startIf(true);
            }
        } catch (RegistryException e) {
            // What it answers to the request for the blob itself is what counts.
        }
    }

    /** The upstream has opened the blob, and stated a size or none. */
    void answered(OptionalLong stated) {
        stated.ifPresent(progress::expect);
        doubtful = contradictsHint(stated);
        startIf(blob.named() && !doubtful || stated.orElse(0) > OciLimits.MAX_MANIFEST_BYTES);
    }

    // One of the two is wrong; where it is the upstream, a small blob is refused before anything of it is said.
    private boolean contradictsHint(OptionalLong stated) {
        OptionalLong declared = blob.declaredBytes();
        return stated.isPresent() && declared.isPresent() && !stated.equals(declared);
    }

    /** So many bytes were written last. */
    void written(Ingest ingest, byte[] last, int count) {
        startIf(ingest.writtenBytes() > OciLimits.MAX_MANIFEST_BYTES || !doubtful && isNoObject(ingest, last, count));
    }

    // Manifests are JSON objects. Layers begin otherwise, and nobody has to wait for the rest of them.
    private static boolean isNoObject(Ingest ingest, byte[] first, int count) {
        return ingest.writtenBytes() == count && !ManifestTypes.mayBeginObject(first, count);
    }

    private void startIf(boolean surelyBlob) {
        if (surelyBlob && !done) {
            done = true;
            progress.start();
        }
    }

    /**
     * All has come: if it was not clear before that this is a blob, it is looked at.
     *
     * @throws RegistryException if it is a manifest; the ingest is aborted then
     * @throws IOException if what was written cannot be read
     */
    void refuseManifest(Ingest ingest) throws IOException {
        if (done || blob.named()) {
            return;
        }
        byte[] bytes = new byte[(int) Math.min(ingest.writtenBytes(), OciLimits.MAX_MANIFEST_BYTES)];
        try (RandomAccessFile file = ingest.openReader()) {
            file.readFully(bytes);
        }
        if (ManifestTypes.looksLikeManifest(bytes)) {
            ingest.abort();
            throw BlobOrManifest.notABlob(blob.digest(), blob.repository());
        }
    }
}
