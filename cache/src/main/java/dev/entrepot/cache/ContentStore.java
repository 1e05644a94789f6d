package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OciLimits;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Verified content on a disk: one file per blob and per manifest, shared by all repositories. What has a name here is
 * whole and was verified when it got the name; the file tree is the truth, the index only knows it by heart. Knows
 * nothing of repositories, of upstreams or of what may be deleted. Safe for all threads. One process at a time uses a
 * folder.
 */
public final class ContentStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ContentStore.class);

    private final StoreLayout layout;
    private final StoreLock lock;
    private final StoreOpenings openings;
    private final FileStore fileStore;
    private final Ingests ingests;
    private final Quarantine quarantine;
    private final Ballast ballast;
    private final StoreRefusals refusals;
    private final FileChanges changes = new FileChanges();
    private final AtomicLong quarantined = new AtomicLong();
    private final AtomicLong serial = new AtomicLong();

    /** A store whose folders are there and whose lock is held; the lock is given free with this object. */
    ContentStore(StoreLayout layout, Clock clock, StoreLock lock, StoreOpenings openings) throws IOException {
        this.layout = layout;
        this.lock = lock;
        this.openings = openings;
        this.ingests = new Ingests(layout);
        this.quarantine = new Quarantine(layout, clock);
        this.ballast = new Ballast(layout);
        this.refusals = new StoreRefusals(layout.root(), clock);
        this.fileStore = Files.getFileStore(layout.root());
    }

    /**
     * Opens the store in a folder, making it if it is not there, and tidies up after a crash. See {@link StoreOpening}.
     *
     * @throws IOException if another process uses it, a newer program wrote it, it cannot be written, it is in another
     *     store, or this process is root's and the store another user's; the message names the folder and the remedy
     */
    public static ContentStore open(Path directory, Clock clock) throws IOException {
        refuseForeign(directory);
        return opening(directory, clock).open();
    }

    /**
     * As above, for a server: that it is root's, and the store another user's, is only said in the log. In a container
     * root may have served a volume of another user for long, and nothing would be served any more.
     */
    public static ContentStore openForServing(Path directory, Clock clock) throws IOException {
        StoreOwner.foreign(new StoreLayout(directory)).ifPresent(owner -> LOG.warn("{}", owner.warning()));
        return opening(directory, clock).open();
    }

    private static StoreOpening opening(Path directory, Clock clock) {
        // Of 53 bits, which every reader of JSON keeps.
        long number = ThreadLocalRandom.current().nextLong(1L << 53);
        return new StoreOpening(new StoreLayout(directory), clock, StoreMarker.readBootId(), number);
    }

    /**
     * Refuses a folder of another user, if this process is root's, because what it makes there would be root's; see
     * {@link StoreOwner}. For whoever writes there without opening the store, or before. Makes nothing.
     *
     * @throws IOException names the folder, its owner and the remedy
     */
    public static void refuseForeign(Path directory) throws IOException {
        StoreOwner.refuseForeign(new StoreLayout(directory));
    }

    /**
     * Refuses a folder that could not be opened because it is in another store, or around one; see
     * {@link StoreNesting}. For whoever writes there without opening it. Makes nothing.
     *
     * @throws IOException names both folders and the remedy
     */
    public static void refuseNested(Path directory) throws IOException {
        StoreNesting.refuse(new StoreLayout(directory));
    }

    /** Whether there is a store in a folder, which any process may have open. Makes nothing. */
    public static boolean exists(Path directory) {
        return Files.exists(new StoreLayout(directory).marker());
    }

    /**
     * Whether another process has a store open. To be asked only by a process that has not opened it itself.
     *
     * @throws IOException if that cannot be told
     */
    public static boolean isInUse(Path directory) throws IOException {
        return StoreLock.isTaken(new StoreLayout(directory).lock());
    }

    /** Where things lie, for the index, which lives in the same folder under the same lock. */
    StoreLayout layout() {
        return layout;
    }

    /** Whether the disk takes what is to be stored, as those find who store it. */
    public StoreRefusals refusals() {
        return refusals;
    }

    /** The changes of files that the index has not heard of yet. Whoever makes one notes it there. */
    FileChanges changes() {
        return changes;
    }

    /** This opening and the one before, for the index. */
    StoreOpenings openings() {
        return openings;
    }

    /**
     * Opens a blob. The caller closes it.
     *
     * @return empty if it is not here
     */
    Optional<BlobFile> openBlob(Digest digest) throws IOException {
        if (!digest.algorithm().isVerifiable()) {
            return Optional.empty();
        }
        Path path = layout.content(ContentKind.BLOB, digest);
        try {
            return Optional.of(open(path));
        } catch (NoSuchFileException | FileNotFoundException e) {
            // The latter is also thrown for want of rights or of file handles, and then the blob is not absent; or it
            // came just now.
            return Files.notExists(path) ? Optional.empty() : Optional.of(open(path));
        }
    }

    private static BlobFile open(Path path) throws IOException {
        long bytes = requireFile(path).size();
        return new BlobFile(new RandomAccessFile(path.toFile(), "r"), bytes);
    }

    /**
     * What the file system knows of something that is to be opened. Whoever opens a pipe waits for somebody to write to
     * it, without end.
     *
     * @throws NoSuchFileException if there is nothing
     * @throws IOException if it is no file
     */
    static BasicFileAttributes requireFile(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            throw new IOException(path + " is " + (attributes.isDirectory() ? "a folder" : "no file"));
        }
        return attributes;
    }

    /** Whether there is a file where this content is or would be; what else may be there is no content. */
    boolean isFile(ContentKind kind, Digest digest) {
        return Files.isRegularFile(layout.content(kind, digest));
    }

    /** The length of a blob, or empty if it is not here. */
    OptionalLong blobSize(Digest digest) throws IOException {
        return find(ContentKind.BLOB, digest)
                .map(content -> OptionalLong.of(content.sizeBytes()))
                .orElseGet(OptionalLong::empty);
    }

    /** Whether there is such a manifest. */
    boolean containsManifest(Digest digest) {
        return digest.algorithm().isVerifiable() && isFile(ContentKind.MANIFEST, digest);
    }

    /**
     * The bytes of a manifest, verified again. {@link StoreRepair#manifest} is for those who go on without a bad one.
     *
     * @return empty if it is not here
     * @throws InvalidContentException if it has gone bad on the disk
     * @throws IOException if it is no file, or cannot be read
     */
    Optional<byte[]> manifest(Digest digest) throws IOException {
        if (!digest.algorithm().isVerifiable()) {
            return Optional.empty();
        }
        byte[] bytes;
        try {
            bytes = readManifest(layout.content(ContentKind.MANIFEST, digest));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        Digest actual = Digest.of(digest.algorithm(), bytes);
        if (!actual.equals(digest)) {
            throw new InvalidContentException("has gone bad on the disk: its digest is " + actual);
        }
        return Optional.of(bytes);
    }

    /**
     * Reads as much of a manifest as one may have.
     *
     * @throws NoSuchFileException if there is nothing
     * @throws IOException if it is no file, or cannot be read
     */
    static byte[] readManifest(Path path) throws IOException {
        requireFile(path);
        try (var in = Files.newInputStream(path)) {
            return in.readNBytes(OciLimits.MAX_MANIFEST_BYTES + 1);
        }
    }

    /**
     * Stores a manifest durably. Harmless when repeated. One that is written and whose folder cannot be forced is
     * stored, as a blob is: after a power failure it may have to be fetched again.
     *
     * @throws InvalidContentException if the bytes do not have this digest or are more than
     *     {@link OciLimits#MAX_MANIFEST_BYTES}
     * @throws IOException if the disk refuses
     */
    void putManifest(Digest digest, byte[] bytes) throws IOException {
        requireVerifiable(digest);
        if (bytes.length > OciLimits.MAX_MANIFEST_BYTES) {
            throw new InvalidContentException("manifest " + digest + " has " + bytes.length
                    + " bytes, more than the limit of " + OciLimits.MAX_MANIFEST_BYTES);
        }
        Digest actual = Digest.of(digest.algorithm(), bytes);
        if (!actual.equals(digest)) {
            throw new InvalidContentException("manifest bytes have the digest " + actual + ", expected " + digest);
        }
        if (!containsManifest(digest)) {
            Path temporary = layout.temporary(digest, serial.incrementAndGet());
            try {
                Durability.write(temporary, layout.content(ContentKind.MANIFEST, digest), bytes);
            } catch (Durability.NotForcedException e) {
                // It is visible, and nobody would count it.
                LOG.warn("manifest {} is stored, but may not outlive a power failure: {}", digest, e.getMessage());
            }
        }
    }

    /** Deletes a blob. Those who have it open read on. Returns whether it was here. */
    boolean deleteBlob(Digest digest) throws IOException {
        return delete(ContentKind.BLOB, digest);
    }

    /** Deletes a manifest. Returns whether it was here. */
    boolean deleteManifest(Digest digest) throws IOException {
        return delete(ContentKind.MANIFEST, digest);
    }

    private boolean delete(ContentKind kind, Digest digest) throws IOException {
        return digest.algorithm().isVerifiable() && Files.deleteIfExists(layout.content(kind, digest));
    }

    /** How much content was put in quarantine since the store was opened. */
    public long quarantined() {
        return quarantined.get();
    }

    /** Which file lies where this content is or would be, whatever it is; empty if there is nothing. */
    Optional<FileIdentity> identity(ContentKind kind, Digest digest) throws IOException {
        return digest.algorithm().isVerifiable() ? FileIdentity.of(layout.content(kind, digest)) : Optional.empty();
    }

    /**
     * Takes content that is not what its name says out of the trees and keeps it for a week, for whoever wants to know
     * why. What is kept of the other kind under the same digest stays, and so does what has come in its place since it
     * was found bad.
     *
     * @param bad what was found bad: its {@link #identity} before it was read
     * @return whether it was still there
     */
    boolean quarantine(ContentKind kind, Digest digest, FileIdentity bad) throws IOException {
        boolean taken = digest.algorithm().isVerifiable() && quarantine.take(kind, digest, bad);
        if (taken) {
            quarantined.incrementAndGet();
        }
        return taken;
    }

    /** What lies in quarantine. */
    Quarantine quarantine() {
        return quarantine;
    }

    /** What a start on a full disk can do without. */
    Ballast ballast() {
        return ballast;
    }

    /** The bytes that a start on a full disk can do without. */
    public long ballastBytes() {
        return ballast.bytes();
    }

    /** Counts again what of quarantine and ballast is there, after it was deleted by others. */
    void recount() throws IOException {
        quarantine.tidy();
        ballast.look();
    }

    /** The bytes that lie in quarantine. */
    public long quarantineBytes() {
        return quarantine.bytes();
    }

    /**
     * Starts to write a blob, or goes on where an earlier attempt stopped. The caller closes it; until then the digest
     * is taken.
     *
     * @throws IllegalStateException if the blob is being written already
     * @throws InvalidContentException if the digest cannot be verified
     * @throws IOException if the disk refuses
     */
    Ingest ingest(Digest digest) throws IOException {
        requireVerifiable(digest);
        return ingests.open(digest);
    }

    private static void requireVerifiable(Digest digest) throws InvalidContentException {
        if (!digest.algorithm().isVerifiable()) {
            throw new InvalidContentException("content " + digest + " cannot be stored: the algorithm "
                    + digest.algorithm() + " is not supported");
        }
    }

    /** The blobs that are being written or were left unfinished. */
    Ingests ingests() {
        return ingests;
    }

    /** The space that the file system has left for this process, in bytes. */
    long freeBytes() throws IOException {
        return fileStore.getUsableSpace();
    }

    /** What the file system knows of a piece of content, or empty if it is not here. */
    Optional<StoredContent> find(ContentKind kind, Digest digest) throws IOException {
        return digest.algorithm().isVerifiable()
                ? StoredContent.describe(layout.content(kind, digest), kind, digest)
                : Optional.empty();
    }

    /** What there is under a digest: of this kind, or else of the other. */
    Optional<StoredContent> findEither(ContentKind first, Digest digest) throws IOException {
        Optional<StoredContent> found = isFile(first, digest) ? find(first, digest) : Optional.empty();
        ContentKind other = first.other();
        return found.isEmpty() && isFile(other, digest) ? find(other, digest) : found;
    }

    /** What one of the folders of an algorithm holds: all digests that begin with that byte. */
    List<Digest> shard(ContentKind kind, DigestAlgorithm algorithm, int shard) throws IOException {
        List<Digest> found = new ArrayList<>();
        for (Path file : StoreLayout.files(layout.shard(kind, algorithm, shard))) {
            layout.contentDigest(algorithm, file).ifPresent(found::add);
        }
        return found;
    }

    /**
     * Gives the folder free for others; where a change of files is still under way, with the end of that. Ingests still
     * open keep their partial files.
     */
    @Override
    public void close() throws IOException {
        changes.end(lock::close);
    }
}
