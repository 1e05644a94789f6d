package dev.entrepot.oci.client;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.ConditionalTarget;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.KnownManifests;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.ReferrersReader;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.ResumableTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.TagState;
import dev.entrepot.oci.UploadLog;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A repository of a registry, over HTTP. Nothing is kept but tokens, and for ten minutes what a repository has shown
 * that it can do. Cheap to make; safe for all threads; usable until its {@link RegistryClient} is closed.
 */
public final class RemoteRepository implements RepositorySource, ResumableTarget, ConditionalTarget {
    private final RepositoryRequests requests;
    private final Calls calls;
    private final ManifestReads manifests;
    private final BlobReads blobs;
    private final PageReads pages;
    private final BlobUploads uploads;
    private final ManifestWrites writes;
    private final ReferrersReads referrers;
    private final Supplier<Optional<OutageException>> tokenOutage;
    private final Function<Boolean, Optional<OutageException>> held;
    private final Supplier<Optional<OutageException>> reserved;
    private final Supplier<Optional<OutageException>> spent;
    private final BooleanSupplier countsPulls;

    /**
     * A repository.
     *
     * @param tokenOutage how the request for a token to read it fails that is being repeated
     * @param held how what is about blobs, or is not, fails while the registry wants to be left alone
     * @param reserved why what can wait is not to be fetched
     * @param spent why nothing can be fetched
     * @param countsPulls whether the registry counts pulls
     * @param absence what follows where HEAD says that there is no such blob
     * @param partBytes the least size of a part of an upload
     */
    RemoteRepository(
            RepositoryRequests requests,
            Calls calls,
            CapabilityMemory memory,
            SinglePosts singlePosts,
            Validators validators,
            Supplier<Optional<OutageException>> tokenOutage,
            Function<Boolean, Optional<OutageException>> held,
            Supplier<Optional<OutageException>> reserved,
            Supplier<Optional<OutageException>> spent,
            BooleanSupplier countsPulls,
            BlobReads.Absence absence,
            long partBytes) {
        this.requests = requests;
        this.calls = calls;
        this.tokenOutage = tokenOutage;
        this.held = held;
        this.reserved = reserved;
        this.spent = spent;
        this.countsPulls = countsPulls;
        this.manifests = new ManifestReads(calls, requests, memory, validators);
        this.blobs = new BlobReads(calls, requests, memory, absence);
        this.pages = new PageReads(calls);
        this.uploads = new BlobUploads(calls, requests, blobs, memory, singlePosts, partBytes);
        this.writes = new ManifestWrites(calls, requests);
        this.referrers = new ReferrersReads(calls, requests, memory);
    }

    private RemoteRepository(RemoteRepository other, RepositoryRequests toServer) {
        this.requests = toServer;
        this.calls = other.calls.ofServer();
        this.tokenOutage = other.tokenOutage;
        this.held = other.held;
        this.reserved = other.reserved;
        this.spent = other.spent;
        this.countsPulls = other.countsPulls;
        this.manifests = other.manifests.by(calls, toServer);
        this.blobs = other.blobs.ofServer(calls, toServer);
        this.pages = new PageReads(calls);
        this.uploads = other.uploads;
        this.writes = other.writes;
        this.referrers = other.referrers.by(calls, toServer);
    }

    /**
     * The same repository, of a server of this program, which is believed what it says of whether it had a blob
     * ({@link BlobBody#isFromCache}), and of why it fails: its word is in the messages, which name upstream and quota
     * then, and when to come back.
     *
     * @param headers sent with each request that reads
     */
    public RemoteRepository ofServer(Map<String, String> headers) {
        return new RemoteRepository(this, requests.with(headers));
    }

    @Override
    public Repository repository() {
        return requests.repository();
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return manifests.resolve(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return manifests.fetch(reference);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return blobs.stat(digest);
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return blobs.open(digest, range, OptionalLong.empty());
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        return blobs.open(digest, range, knownBytes);
    }

    @Override
    public boolean ignoresRanges() {
        return blobs.ignoresRanges();
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        ApiRequest first = requests.reading(
                Operation.TAGS, "listing tags of " + repository(), "GET", "tags/list?n=" + PageReads.PAGE_SIZE);
        ApiRequest request = cursor.isPresent() ? first.withUri(requests.atOrigin(cursor.get())) : first;
        PageReads.Page<Tag> page = pages.read(request, "tags", cursor.isEmpty(), Tag::new);
        return new TagPage(page.names(), page.next(), page.mayBeCut());
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return referrers(subject, KnownManifests.NONE);
    }

    @Override
    public Referrers referrers(Digest subject, KnownManifests known) throws IOException {
        return new ReferrersReader(referrers, new KnownFirst(this, known, countsPulls)).read(subject);
    }

    @Override
    public Optional<OutageException> outage() {
        return tokenOutage.get().or(() -> calls.outage(OperationClass.METADATA, repository()));
    }

    @Override
    public Optional<OutageException> blobOutage() {
        return tokenOutage.get().or(() -> calls.outage(OperationClass.BLOBS, repository()));
    }

    @Override
    public Optional<OutageException> held(boolean blob) {
        return held.apply(blob);
    }

    @Override
    public Optional<OutageException> reserved() {
        return reserved.get();
    }

    @Override
    public Optional<OutageException> spent() {
        return spent.get();
    }

    @Override
    public boolean countsPulls() {
        return countsPulls.getAsBoolean();
    }

    @Override
    public boolean containsBlob(Digest digest) throws IOException {
        return blobs.contains(digest);
    }

    @Override
    public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
        uploads.push(blob, content, Optional.empty());
    }

    @Override
    public void pushBlob(Descriptor blob, BlobSource content, UploadLog log) throws IOException {
        uploads.push(blob, content, Optional.of(log));
    }

    @Override
    public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
        return uploads.mount(digest, from);
    }

    @Override
    public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
        return writes.push(manifest, reference);
    }

    @Override
    public TagState readTag(Tag tag, Digest neighbour) throws IOException {
        return manifests.state(tag, neighbour);
    }

    @Override
    public Optional<PushedManifest> pushManifest(ManifestBytes manifest, Tag tag, TagCondition condition)
            throws IOException {
        return writes.push(manifest, tag, condition);
    }

    // The registry's answer to each push says it.
    @Override
    public void settle() {}

    @Override
    public boolean deleteManifest(ManifestReference reference) throws IOException {
        return writes.delete(reference);
    }

    @Override
    public String toString() {
        return repository().toString();
    }
}
