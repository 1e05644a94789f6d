package dev.entrepot.replicator.layout;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One repository of a layout. Its tags are its own; content and referrers are those of the whole layout, since digests
 * name the same everywhere. Referrers are the manifests of the index that have a subject, and what fallback tags list.
 */
final class LayoutRepository implements RepositorySource, RepositoryTarget {
    private static final RegistryHost HOST = RegistryHost.parse("localhost");

    private final LayoutStore store;
    private final RepositoryName name;
    private final boolean written;
    private final Object run;

    /**
     * A repository.
     *
     * @param written whether it is written to: a manifest that is damaged is as one that is not there, and is put in
     *     once more. Who copies from it must not take what a damaged one refers to for something without referrers.
     * @param run for whom it is written to, told from others by identity
     */
    LayoutRepository(LayoutStore store, RepositoryName name, boolean written, Object run) {
        this.store = store;
        this.name = name;
        this.written = written;
        this.run = run;
    }

    @Override
    public Repository repository() {
        return new Repository(HOST, name);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        OptionalLong size = store.size(digest);
        return size.isPresent() ? Optional.of(size) : Optional.empty();
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        OptionalLong size = store.size(digest);
        if (size.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.BLOB, store.place() + " has no blob " + digest);
        }
        return new FileBody(store.open(digest, range.first()), range.first(), size);
    }

    private record FileBody(InputStream stream, long offset, OptionalLong totalBytes) implements BlobBody {
        @Override
        public void close() throws IOException {
            stream.close();
        }
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        Optional<Digest> digest = digest(reference);
        OptionalLong size = digest.isPresent() ? store.size(digest.get()) : OptionalLong.empty();
        boolean manifest = size.isPresent() && size.getAsLong() <= OciLimits.MAX_MANIFEST_BYTES;
        try {
            return manifest ? Optional.of(read(digest.get()).descriptor()) : Optional.empty();
        } catch (InvalidContentException e) {
            if (written) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private boolean isWhole(ManifestBytes manifest) throws IOException {
        try {
            return Arrays.equals(store.read(manifest.digest()).array(), manifest.array());
        } catch (NotFoundException | InvalidContentException e) {
            return false;
        }
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        Optional<Digest> digest = digest(reference);
        if (digest.isEmpty()) {
            throw new NotFoundException(
                    NotFoundException.Kind.MANIFEST, store.place() + " has no manifest " + name + ":" + reference);
        }
        return read(digest.get());
    }

    // Of a private type the bytes need not say what it is, and then what names it does.
    private ManifestBytes read(Digest digest) throws IOException {
        ManifestBytes bytes = store.read(digest);
        if (!bytes.mediaType().equals(MediaType.OCTET_STREAM)) {
            return bytes;
        }
        Optional<MediaType> stated = store.guarded(index -> store.graph().statedType(index, digest));
        return stated.isPresent() ? ManifestBytes.verified(stated.get(), digest, bytes.array()) : bytes;
    }

    private Optional<Digest> digest(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Digest digest -> Optional.of(digest);
            case Tag tag -> store.guarded(index -> index.find(name, tag)).map(Descriptor::digest);
        };
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        List<Tag> tags = store.isThere() ? store.guarded(index -> index.tags(name)) : List.of();
        if (tags.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.NAME, store.place() + " has no tag of " + name);
        }
        return new TagPage(tags, Optional.empty());
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return store.guarded(index -> {
            if (!written) {
                store.graph().requireWhole();
            }
            Map<Digest, Descriptor> found = new LinkedHashMap<>();
            store.graph().referrers(index, subject).forEach(referrer -> found.put(referrer.digest(), referrer));
            Optional<Descriptor> fallback = index.find(name, subject.referrersTag());
            if (fallback.isPresent() && store.size(fallback.get().digest()).isPresent()) {
                for (Descriptor entry :
                        Manifest.parse(store.read(fallback.get().digest())).manifests()) {
                    if (store.size(entry.digest()).isPresent()) {
                        found.putIfAbsent(entry.digest(), entry);
                    }
                }
            }
            return new Referrers(Referrers.Origin.API, new ArrayList<>(found.values()));
        });
    }

    @Override
    public boolean containsBlob(Digest digest) throws IOException {
        return store.size(digest).isPresent();
    }

    @Override
    public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
        try (BlobBody body = content.openBlob(blob.digest(), ByteRange.ALL);
                InputStream in =
                        new VerifyingInputStream(body.stream(), blob.digest(), OptionalLong.of(blob.sizeBytes()))) {
            store.put(blob.digest(), in);
        }
    }

    // All repositories have their content in common.
    @Override
    public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
        return containsBlob(digest);
    }

    @Override
    public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
        if (!isWhole(manifest)) {
            store.put(manifest.digest(), new ByteArrayInputStream(manifest.array()));
        }
        return store.guarded(index -> new PushedManifest(store.push(index, run, name, reference, manifest), true));
    }

    @Override
    public void settle() throws IOException {
        store.settle(name);
    }

    @Override
    public boolean deleteManifest(ManifestReference reference) throws IOException {
        return store.guarded(index -> switch (reference) {
            case Tag tag -> store.untag(index, run, name, tag);
            case Digest digest -> store.remove(index, run, name, digest);
        });
    }
}
