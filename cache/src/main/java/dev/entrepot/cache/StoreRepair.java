package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done about files that are not as they were left: removed or cut short by hand, or gone bad on the disk. They
 * count as absent, so that they are fetched anew, and the index forgets them, so that its count stays exact. Safe for
 * all threads.
 */
record StoreRepair(ContentStore store, CacheIndex index) {
    private static final Logger LOG = LoggerFactory.getLogger(StoreRepair.class);
    private static final int BUFFER_BYTES = 128 * 1024;

    /**
     * Opens a blob that is as long as it was when it was stored. The caller closes it.
     *
     * @return empty if it is not here, or was not as it should be
     */
    Optional<BlobFile> openBlob(Digest digest) throws IOException {
        Optional<BlobFile> file;
        try {
            file = store.openBlob(digest);
        } catch (IOException e) {
            moveAwayWhatIsNoFile(ContentKind.BLOB, digest, e);
            return store.openBlob(digest);
        }
        if (file.isEmpty()) {
            absent(ContentKind.BLOB, digest);
            return file;
        }
        if (isAsStored(digest, file.get().sizeBytes())) {
            return file;
        }
        file.get().close();
        Optional<FileIdentity> there = store.identity(ContentKind.BLOB, digest);
        if (there.isPresent() && !isAsStored(digest, there.get().sizeBytes())) {
            String why = "has " + there.get().sizeBytes() + " bytes, not those that were stored";
            if (damaged(ContentKind.BLOB, digest, there.get(), why)) {
                return Optional.empty();
            }
        }
        // Another has come in its place, or none is there any more.
        Optional<BlobFile> other = store.openBlob(digest);
        if (other.isPresent() && !isAsStored(digest, other.get().sizeBytes())) {
            // Somebody is at it: it is looked at again the next time.
            other.get().close();
            return Optional.empty();
        }
        return other;
    }

    // For want of rights or of file handles, good files cannot be read either.
    private void moveAwayWhatIsNoFile(ContentKind kind, Digest digest, IOException failure) throws IOException {
        Optional<FileIdentity> there = store.identity(kind, digest);
        if (there.isPresent()) {
            if (there.get().regular()) {
                throw failure;
            }
            damaged(kind, digest, there.get(), "cannot be read: " + failure);
        }
    }

    /**
     * The bytes of a manifest, verified.
     *
     * @return empty if it is not here, or has gone bad
     */
    Optional<byte[]> manifest(Digest digest) throws IOException {
        Optional<byte[]> bytes;
        try {
            bytes = store.manifest(digest);
        } catch (InvalidContentException e) {
            bytes = doubtManifest(digest);
        } catch (IOException e) {
            moveAwayWhatIsNoFile(ContentKind.MANIFEST, digest, e);
            return Optional.empty();
        }
        if (bytes.isEmpty()) {
            absent(ContentKind.MANIFEST, digest);
        }
        return bytes;
    }

    // Reads it once more, knowing which file it is: a good one may have come in its place.
    private Optional<byte[]> doubtManifest(Digest digest) throws IOException {
        Optional<FileIdentity> read = store.identity(ContentKind.MANIFEST, digest);
        try {
            return store.manifest(digest);
        } catch (InvalidContentException e) {
            if (read.isPresent()) {
                damaged(ContentKind.MANIFEST, digest, read.get(), String.valueOf(e.getMessage()));
            }
            return Optional.empty();
        }
    }

    /**
     * Reads a blob again, of which a reader has found that it is not what it should be, or cannot be read; if that is
     * so, it counts as absent from now on.
     *
     * @throws IOException if it cannot be opened, or not be put aside
     */
    void doubtBlob(Digest digest) throws IOException {
        Optional<FileIdentity> read = store.identity(ContentKind.BLOB, digest);
        Optional<BlobFile> file = openBlob(digest);
        if (file.isEmpty()) {
            return;
        }
        if (read.isEmpty()) {
            // It has come just now.
            file.get().close();
            return;
        }
        Digest actual;
        try (BlobFile open = file.get()) {
            actual = digest(open, digest);
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw e;
            }
            Path path = store.layout().content(ContentKind.BLOB, digest);
            damaged(ContentKind.BLOB, digest, read.get(), "cannot be read in " + path + " (" + e.getMessage() + ")");
            return;
        }
        if (!actual.equals(digest)) {
            damaged(ContentKind.BLOB, digest, read.get(), "has gone bad on the disk: its digest is " + actual);
        }
    }

    private static Digest digest(BlobFile file, Digest expected) throws IOException {
        MessageDigest hasher = expected.algorithm().newMessageDigest();
        byte[] buffer = new byte[BUFFER_BYTES];
        long position = 0;
        for (int count; (count = file.read(position, buffer, 0, buffer.length)) > 0; position += count) {
            hasher.update(buffer, 0, count);
        }
        return Digest.of(expected.algorithm(), hasher);
    }

    /** The length of a blob; empty if it is not here, or not as it was stored. */
    OptionalLong blobSize(Digest digest) throws IOException {
        OptionalLong bytes = store.blobSize(digest);
        if (bytes.isEmpty()) {
            absent(ContentKind.BLOB, digest);
            return bytes;
        }
        return isAsStored(digest, bytes.getAsLong()) ? bytes : OptionalLong.empty();
    }

    // What a manifest says of the length may be a lie; what was stored was verified.
    private boolean isAsStored(Digest digest, long bytes) {
        Optional<IndexedContent> row = index.contents().get(digest);
        return row.isEmpty()
                || row.get().kind() != ContentKind.BLOB
                || row.get().bytes() == bytes;
    }

    /** Has the index forget content whose file is not there, if it is not only just being evicted. */
    void absent(ContentKind kind, Digest digest) throws IOException {
        boolean known =
                index.contents().get(digest).filter(row -> row.kind() == kind).isPresent();
        if (known && store.find(kind, digest).isEmpty() && index.contents().isStored(digest)) {
            LOG.warn("{} {} is gone from the disk; it will be fetched anew when it is asked for", name(kind), digest);
            forget(kind, digest);
        }
    }

    /**
     * Puts content in quarantine, unless it is another by now.
     *
     * @param bad what was found bad: its {@link ContentStore#identity} before it was read
     * @return whether it was; else what is there stays, and is known as before
     * @throws IOException if it cannot be moved; the message says what is wrong with it
     */
    boolean damaged(ContentKind kind, Digest digest, FileIdentity bad, String why) throws IOException {
        try (FileChanges.Change _ = store.changes().begin()) {
            return putAside(kind, digest, bad, why);
        }
    }

    private boolean putAside(ContentKind kind, Digest digest, FileIdentity bad, String why) throws IOException {
        try {
            if (!store.quarantine(kind, digest, bad)) {
                LOG.info("{} {} {}, but is gone by now, or another is in its place", name(kind), digest, why);
                if (!index.contents().isStored(digest)) {
                    // Who looked while it was away has forgotten it.
                    register(kind, digest, Optional.empty());
                }
                return false;
            }
        } catch (IOException e) {
            throw new IOException(
                    name(kind) + " " + digest + " " + why + ", and cannot be moved to "
                            + store.layout().quarantine() + ": " + e,
                    e);
        }
        LOG.error(
                "{} {} {}; it is moved to {} and will be fetched anew. If this happens again, look at the disk",
                name(kind),
                digest,
                why,
                store.layout().quarantine());
        forget(kind, digest);
        return true;
    }

    /**
     * Deletes a manifest that cannot be used although its bytes have their digest. What has come in its place meanwhile
     * stays, and is known.
     *
     * @throws IOException if the disk refuses
     */
    void discardManifest(Digest digest) throws IOException {
        try (FileChanges.Change _ = store.changes().begin()) {
            store.deleteManifest(digest);
            forget(ContentKind.MANIFEST, digest);
        }
    }

    // It may have come again in this moment, as when it is evicted; or the same bytes are kept as the other kind, too,
    // and have no row of their own.
    private void forget(ContentKind kind, Digest digest) throws IOException {
        Optional<IndexedContent> row = index.contents().get(digest);
        if (row.isPresent() && row.get().kind() != kind) {
            return;
        }
        index.contents().removed(digest);
        register(kind, digest, row);
    }

    private void register(ContentKind kind, Digest digest, Optional<IndexedContent> before) throws IOException {
        Optional<StoredContent> found = store.findEither(kind, digest);
        if (found.isPresent()) {
            index.contents()
                    .stored(
                            digest,
                            found.get().kind(),
                            found.get().sizeBytes(),
                            before.filter(row -> row.kind() == found.get().kind())
                                    .flatMap(IndexedContent::mediaType),
                            before.flatMap(IndexedContent::owner));
        }
    }

    private static String name(ContentKind kind) {
        return switch (kind) {
            case BLOB -> "blob";
            case MANIFEST -> "manifest";
        };
    }
}
