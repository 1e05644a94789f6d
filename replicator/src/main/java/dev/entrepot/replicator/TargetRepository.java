package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.ConditionalTarget;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagState;
import dev.entrepot.oci.VerifyingInputStream;
import dev.entrepot.replicator.graph.Memo;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One repository of one target during one run: what it was found to have, and who is bringing what. Safe for all
 * threads.
 */
final class TargetRepository {
    private static final String UNKNOWN = "NAME_UNKNOWN";

    private final RepositoryName name;
    private final String place;
    private final CopyJournal journal;
    private final RepositoryTarget target;
    private final RepositorySource reader;
    private final HostGate gate;
    private final Memo<ManifestReference, Optional<Descriptor>> heads;
    private final Memo<Digest, Optional<OptionalLong>> blobs;
    private final Memo<RepositoryName, Boolean> unknown = new Memo<>(key -> askWhetherUnknown());
    private final Memo<RepositoryName, Boolean> begun = new Memo<>(key -> noteBegun());
    // By kind: what is a manifest may be some other manifest's blob, too.
    private final Memo<Digest, Boolean> broughtBlobs = new Memo<>(digest -> false);
    private final Memo<Digest, Boolean> broughtManifests = new Memo<>(digest -> false);
    private final ConcurrentHashMap<Digest, CompletableFuture<Boolean>> committed = new ConcurrentHashMap<>();
    private final Set<Digest> pushed = ConcurrentHashMap.newKeySet();
    private final Set<Digest> untracked = ConcurrentHashMap.newKeySet();
    private final Memo<Digest, Boolean> wholes = new Memo<>(digest -> false);
    private final Set<Digest> damaged = ConcurrentHashMap.newKeySet();
    private final ConcurrentHashMap<Digest, ManifestEdges> edges = new ConcurrentHashMap<>();
    private final ManifestWrites writes = new ManifestWrites();
    private volatile boolean pretends;

    TargetRepository(RepositoryName name, TargetRegistry registry, HostGate gate, CopyJournal journal) {
        this.name = name;
        this.place = registry.place();
        this.journal = journal;
        this.target = registry.target(name);
        this.reader = new GatedSource(registry.reader(name), gate);
        this.gate = gate;
        this.heads = new Memo<>(reader::resolve);
        this.blobs = new Memo<>(reader::statBlob);
    }

    RepositoryName name() {
        return name;
    }

    /** The repository for reading, behind the gate. */
    RepositorySource reader() {
        return reader;
    }

    /** The repository for pushing blobs, which passes the gate by itself. */
    RepositoryTarget rawTarget() {
        return target;
    }

    HostGate gate() {
        return gate;
    }

    /**
     * Whether the target did not know this repository when it was first asked in this run, and no run has ever begun to
     * send anything to it: then nothing in it need be asked for. Registries say that they do not know a repository as
     * long as it has no tag, so their word alone would have what a killed run has brought sent again.
     */
    boolean isUnknown() throws IOException {
        return unknown.get(name);
    }

    private boolean askWhetherUnknown() throws IOException {
        if (journal.content().hasBegun(place, name)) {
            return false;
        }
        try {
            reader.listTags(Optional.empty());
            return false;
        } catch (NotFoundException e) {
            return e.code().equals(UNKNOWN);
        } catch (RegistryException e) {
            // Lists are more than many a registry gives, or gives in time; what is in it can be asked for piece by
            // piece.
            return false;
        }
    }

    /** To be called before anything is sent here: from now on, in later runs too, what is here is asked for. */
    void begin() throws IOException {
        begun.get(name);
    }

    private boolean noteBegun() throws IOException {
        journal.content().begin(place, name);
        return true;
    }

    /** What a tag or digest named when it was first asked for in this run. */
    Optional<Descriptor> head(ManifestReference reference) throws IOException {
        return heads.get(reference);
    }

    /** Whether the manifest was there, with its size, when it was first asked for in this run. */
    boolean hadManifest(Descriptor manifest) throws IOException {
        return !isUnknown()
                && heads.get(manifest.digest())
                        .filter(there -> there.sizeBytes() == manifest.sizeBytes())
                        .isPresent();
    }

    /** Whether the blob was there, with its size, when it was first asked for in this run. */
    boolean hadBlob(Descriptor blob) throws IOException {
        return !isUnknown() && fits(blobs.get(blob.digest()), blob);
    }

    /** Whether the blob is there now, with its size. */
    boolean hasBlobNow(Descriptor blob) throws IOException {
        return fits(reader.statBlob(blob.digest()), blob);
    }

    /**
     * Reads the blob to its end.
     *
     * @throws InvalidContentException if it is not what its digest says
     */
    void read(Descriptor blob) throws IOException {
        OptionalLong size = OptionalLong.of(blob.sizeBytes());
        try (BlobBody body = reader.openBlob(blob.digest(), ByteRange.ALL, size);
                InputStream in = new VerifyingInputStream(body.stream(), blob.digest(), size)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
    }

    /** Whether what is there is the blob; all of it is read. */
    boolean isWhole(Descriptor blob) throws IOException {
        try {
            read(blob);
            return true;
        } catch (NotFoundException | InvalidContentException e) {
            return false;
        }
    }

    /** Whether what was there when it was first read in this run was the blob; all of it is read, once. */
    boolean wasWhole(Descriptor blob) throws IOException {
        boolean whole = wholes.get(blob.digest(), digest -> isWhole(blob));
        if (!whole) {
            damaged.add(blob.digest());
        }
        return whole;
    }

    /** Whether something else was found under the digest of this blob. */
    boolean isDamaged(Digest blob) {
        return damaged.contains(blob);
    }

    /** Whether what is there is the manifest; it is read. */
    boolean isWholeManifest(Descriptor manifest) throws IOException {
        try {
            return reader.fetchManifest(manifest.digest()).sizeBytes() == manifest.sizeBytes();
        } catch (NotFoundException | InvalidContentException e) {
            return false;
        }
    }

    /** Whether the manifest is there now, with its size. */
    boolean hasManifestNow(Descriptor manifest) throws IOException {
        return reader.resolve(manifest.digest())
                .filter(there -> there.sizeBytes() == manifest.sizeBytes())
                .isPresent();
    }

    /**
     * What a manifest names that is here, read once; empty if it was not there when it was asked for.
     *
     * @throws dev.entrepot.oci.RegistryException if it cannot be read
     */
    Optional<ManifestEdges> edges(Digest manifest) throws IOException {
        ManifestEdges known = edges.get(manifest);
        if (known != null) {
            return Optional.of(known);
        }
        try {
            ManifestEdges read = ManifestEdges.of(Manifest.parse(reader.fetchManifest(manifest)));
            edges.put(manifest, read);
            return Optional.of(read);
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    private static boolean fits(Optional<OptionalLong> size, Descriptor blob) {
        return size.isPresent() && (size.get().isEmpty() || size.get().getAsLong() == blob.sizeBytes());
    }

    boolean mount(Digest blob, RepositoryName from) throws IOException {
        return gate.request(RequestKind.UPLOAD, () -> target.mountBlob(blob, from));
    }

    PushedManifest push(ManifestBytes manifest, ManifestReference reference) throws IOException {
        return writes.write(
                manifest.digest(),
                named(manifest),
                () -> gate.request(RequestKind.WRITE, () -> target.pushManifest(manifest, reference)));
    }

    /**
     * What a tag names now, and by what condition it can be written only as long as it is so, if the target has one.
     *
     * @param neighbour a manifest that is there
     */
    TagState state(Tag tag, Digest neighbour) throws IOException {
        if (target instanceof ConditionalTarget conditional) {
            return gate.request(RequestKind.LOOK, () -> conditional.readTag(tag, neighbour));
        }
        try {
            return new TagState(Optional.of(reader.fetchManifest(tag)), Optional.empty());
        } catch (NotFoundException e) {
            return new TagState(Optional.empty(), Optional.empty());
        }
    }

    /**
     * Writes a tag on a condition that this target gave; empty if that is not met, or not taken
     * ({@link ConditionalTarget#pushManifest(ManifestBytes, Tag, TagCondition)}).
     */
    Optional<PushedManifest> push(ManifestBytes manifest, Tag tag, TagCondition condition) throws IOException {
        if (!(target instanceof ConditionalTarget conditional)) {
            throw new IllegalArgumentException(name + " has no conditions");
        }
        return writes.write(
                manifest.digest(),
                named(manifest),
                () -> gate.request(RequestKind.WRITE, () -> conditional.pushManifest(manifest, tag, condition)));
    }

    private static List<Digest> named(ManifestBytes manifest) {
        try {
            return Manifest.parse(manifest).manifests().stream()
                    .map(Descriptor::digest)
                    .toList();
        } catch (InvalidContentException e) {
            // What cannot be read is for the target to refuse.
            return List.of();
        }
    }

    /**
     * To be called before the journal calls something complete that was pushed, or forgets what was deleted: then a
     * crash does not take it away, nor bring it back.
     */
    void settle() throws IOException {
        target.settle();
    }

    boolean delete(ManifestReference reference) throws IOException {
        return gate.request(RequestKind.WRITE, () -> target.deleteManifest(reference));
    }

    /** Work that is done once per blob and run, whoever comes first; the others wait for its outcome. */
    Memo<Digest, Boolean> broughtBlobs() {
        return broughtBlobs;
    }

    /** As above, for manifests. */
    Memo<Digest, Boolean> broughtManifests() {
        return broughtManifests;
    }

    /**
     * Completes with whether a manifest that names the blob is there, so that other repositories may mount it from
     * here.
     */
    CompletableFuture<Boolean> committed(Digest blob) {
        return committed.computeIfAbsent(blob, digest -> new CompletableFuture<>());
    }

    /** Manifests that were pushed in this run. */
    Set<Digest> pushed() {
        return pushed;
    }

    /** Referrers that were pushed and of which the target did not say that it tracks their subject. */
    Set<Digest> untracked() {
        return untracked;
    }

    /** Whether this repository says that it tracks subjects and then does not list them. */
    boolean pretends() {
        return pretends;
    }

    void notePretence() {
        pretends = true;
    }
}
