package dev.entrepot.replicator;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
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
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.TagState;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;

/** One repository of a {@link MemoryRegistry}. */
public final class MemoryRepository implements RepositorySource, ConditionalTarget {
    private final MemoryRegistry registry;
    private final Repository name;
    public final Map<Digest, byte[]> blobs = new ConcurrentHashMap<>();
    public final Map<Digest, ManifestBytes> manifests = new ConcurrentHashMap<>();
    /** Whether it leaves open if its list of tags ends with its last page. */
    public volatile boolean listMayBeCut;

    /** Tags that it has and its list lacks. */
    public final Set<Tag> unlisted = ConcurrentHashMap.newKeySet();

    /** Manifests that it has, and says that it has not when it is told to delete them. */
    public final Set<Digest> undeletable = ConcurrentHashMap.newKeySet();

    public final Map<Tag, Digest> tags = new ConcurrentSkipListMap<>();
    private final Map<Digest, List<Descriptor>> listedFalsely = new ConcurrentHashMap<>();

    MemoryRepository(MemoryRegistry registry, RepositoryName name) {
        this.registry = registry;
        this.name = new Repository(registry.host(), name);
    }

    @Override
    public Repository repository() {
        return name;
    }

    boolean apiSource() {
        return registry.abilities().referrersApi();
    }

    /** Lists something as a referrer of a subject, whatever it refers to. */
    public void lists(Digest subject, Descriptor referrer) {
        listedFalsely.merge(
                subject,
                List.of(referrer),
                (old, more) -> Stream.concat(old.stream(), more.stream()).toList());
    }

    private void log(String verb, Object what) throws IOException {
        registry.request(verb + " " + name.name() + " " + what);
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        log("HEAD blob", digest);
        return Optional.ofNullable(blobs.get(digest)).map(bytes -> OptionalLong.of(bytes.length));
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        log("GET blob", digest);
        byte[] bytes = blobs.get(digest);
        if (bytes == null) {
            throw new NotFoundException(NotFoundException.Kind.BLOB, name + " has no blob " + digest);
        }
        int from = (int) range.first();
        return new MemoryBody(new ByteArrayInputStream(bytes, from, bytes.length - from), from, bytes.length);
    }

    private record MemoryBody(InputStream stream, long offset, int length) implements BlobBody {
        @Override
        public OptionalLong totalBytes() {
            return OptionalLong.of(length);
        }

        @Override
        public void close() {}
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        log("HEAD manifest", reference);
        return find(reference).map(ManifestBytes::descriptor);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        log("GET manifest", reference);
        return find(reference)
                .orElseThrow(() ->
                        new NotFoundException(NotFoundException.Kind.MANIFEST, name + " has no manifest " + reference));
    }

    Optional<ManifestBytes> find(ManifestReference reference) {
        return switch (reference) {
            case Tag tag -> Optional.ofNullable(tags.get(tag)).map(manifests::get);
            case Digest digest -> Optional.ofNullable(manifests.get(digest));
        };
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        log("GET tags", cursor.orElse(""));
        if (!registry.abilities().tagList()) {
            throw new RefusedException(405, "UNSUPPORTED", name + " does not list tags");
        }
        if (manifests.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.NAME, "NAME_UNKNOWN", "no repository " + name);
        }
        List<Tag> all = tags.keySet().stream()
                .filter(tag -> !unlisted.contains(tag))
                .filter(tag -> cursor.isEmpty() || tag.value().compareTo(cursor.get()) > 0)
                .toList();
        int page = 1000;
        return all.size() <= page
                ? new TagPage(all, Optional.empty(), listMayBeCut)
                : new TagPage(
                        all.subList(0, page), Optional.of(all.get(page - 1).value()));
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        log("GET referrers", subject);
        if (registry.abilities().pretendsReferrers()) {
            return new Referrers(Referrers.Origin.API, List.of());
        }
        if (registry.abilities().referrersApi()) {
            List<Descriptor> result = new ArrayList<>(listedFalsely.getOrDefault(subject, List.of()));
            for (ManifestBytes bytes : manifests.values()) {
                Manifest manifest = Manifest.parse(bytes);
                if (manifest.subject().filter(s -> s.digest().equals(subject)).isPresent()) {
                    result.add(bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()));
                }
            }
            result.sort((a, b) -> a.digest().compareTo(b.digest()));
            return new Referrers(Referrers.Origin.API, result);
        }
        Optional<ManifestBytes> fallback = find(subject.referrersTag());
        return fallback.isEmpty()
                ? Referrers.NONE
                : new Referrers(
                        Referrers.Origin.FALLBACK_TAG,
                        Manifest.parse(fallback.get()).manifests());
    }

    @Override
    public boolean containsBlob(Digest digest) throws IOException {
        log("HEAD blob", digest);
        return blobs.containsKey(digest);
    }

    @Override
    public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
        log("PUT blob", blob.digest());
        try (BlobBody body = content.openBlob(blob.digest(), ByteRange.ALL);
                InputStream in =
                        new VerifyingInputStream(body.stream(), blob.digest(), OptionalLong.of(blob.sizeBytes()))) {
            blobs.put(blob.digest(), in.readAllBytes());
        }
    }

    @Override
    public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
        log("MOUNT blob", digest + " from " + from);
        Optional<MemoryRepository> other = registry.existing(from);
        if (!registry.abilities().mounts() || other.isEmpty() || !other.get().hasCommitted(digest)) {
            return false;
        }
        blobs.put(digest, other.get().blobs.get(digest));
        return true;
    }

    private boolean hasCommitted(Digest digest) throws InvalidContentException {
        for (ManifestBytes bytes : manifests.values()) {
            if (Manifest.parse(bytes).blobs().stream()
                    .anyMatch(blob -> blob.digest().equals(digest))) {
                return blobs.containsKey(digest);
            }
        }
        return false;
    }

    @Override
    public PushedManifest pushManifest(ManifestBytes bytes, ManifestReference reference) throws IOException {
        log("PUT manifest", reference);
        return take(bytes, reference);
    }

    @Override
    public TagState readTag(Tag tag, Digest neighbour) throws IOException {
        log("GET manifest", tag);
        Optional<ManifestBytes> there = find(tag);
        return new TagState(there, registry.knowsConditions ? Optional.of(condition(there)) : Optional.empty());
    }

    private static TagCondition condition(Optional<ManifestBytes> there) {
        return there.<TagCondition>map(
                        manifest -> new TagCondition.Unchanged(manifest.digest().toString()))
                .orElseGet(TagCondition.Absent::new);
    }

    @Override
    public Optional<PushedManifest> pushManifest(ManifestBytes bytes, Tag tag, TagCondition condition)
            throws IOException {
        log("PUT manifest", tag);
        return condition(find(tag)).equals(condition) ? Optional.of(take(bytes, tag)) : Optional.empty();
    }

    private PushedManifest take(ManifestBytes bytes, ManifestReference reference) throws IOException {
        Manifest manifest = Manifest.parse(bytes);
        if (registry.abilities().checksReferences()) {
            refuseIfIncomplete(manifest);
        }
        manifests.put(bytes.digest(), bytes);
        if (reference instanceof Tag tag) {
            tags.put(tag, bytes.digest());
        }
        boolean tracks =
                registry.abilities().referrersApi() || registry.abilities().pretendsReferrers();
        return new PushedManifest(tracks ? manifest.subject().map(Descriptor::digest) : Optional.empty(), true);
    }

    private void refuseIfIncomplete(Manifest manifest) throws RefusedException {
        for (Descriptor blob : manifest.blobs()) {
            if (!blob.mediaType().isNonDistributable() && !blobs.containsKey(blob.digest())) {
                throw new RefusedException(400, "MANIFEST_BLOB_UNKNOWN", name + " lacks the blob " + blob.digest());
            }
        }
        for (Descriptor child : manifest.manifests()) {
            boolean there = manifests.containsKey(child.digest()) || blobs.containsKey(child.digest());
            if (!there && !registry.abilities().sparse()) {
                throw new RefusedException(
                        400, "MANIFEST_BLOB_UNKNOWN", name + " lacks the manifest " + child.digest());
            }
        }
    }

    @Override
    public void settle() {}

    @Override
    public boolean deleteManifest(ManifestReference reference) throws IOException {
        log("DELETE manifest", reference);
        return switch (reference) {
            case Tag tag -> tags.remove(tag) != null;
            case Digest digest -> {
                if (undeletable.contains(digest)) {
                    yield false;
                }
                tags.values().removeIf(digest::equals);
                yield manifests.remove(digest) != null;
            }
        };
    }
}
