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
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * One layout as a repository. Referrers are the manifests of the index that have a subject, and what fallback tags list. The index is read at first
 * use and then kept in memory; each tag and each referrer that is pushed writes it anew.
 */
final class LayoutRepository implements RepositorySource, RepositoryTarget {
    private static final RegistryHost HOST = RegistryHost.parse("localhost");

    private final Path folder;
    private final Repository name;
    private final Function<RepositoryName, Optional<LayoutRepository>> others;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable LayoutIndex index;
    private final Map<Digest, Map<Digest, Descriptor>> referrers = new HashMap<>();

    LayoutRepository(Path folder, RepositoryName name, Function<RepositoryName, Optional<LayoutRepository>> others) {
        this.folder = folder;
        this.name = new Repository(HOST, name);
        this.others = others;
    }

    @Override
    public Repository repository() {
        return name;
    }

    private Path file(Digest digest) {
        return folder.resolve("blobs").resolve(digest.algorithm().name()).resolve(digest.encoded());
    }

    private interface Guarded<T> {
        T with(LayoutIndex index) throws IOException;
    }

    private <T> T guarded(Guarded<T> work) throws IOException {
        lock.lock();
        try {
            LayoutIndex loaded = index;
            if (loaded == null) {
                loaded = LayoutIndex.read(folder);
                index = loaded;
                for (Descriptor manifest : loaded.manifests()) {
                    if (Files.exists(file(manifest.digest()))) {
                        note(read(manifest.digest()));
                    }
                }
            }
            return work.with(loaded);
        } finally {
            lock.unlock();
        }
    }

    private void note(ManifestBytes bytes) throws InvalidContentException {
        Manifest manifest = Manifest.parse(bytes);
        if (manifest.subject().isPresent()) {
            referrers
                    .computeIfAbsent(manifest.subject().get().digest(), subject -> new LinkedHashMap<>())
                    .put(
                            bytes.digest(),
                            bytes.descriptor().asReferrer(manifest.artifactType(), manifest.annotations()));
        }
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        Path file = file(digest);
        return Files.exists(file) ? Optional.of(OptionalLong.of(Files.size(file))) : Optional.empty();
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        if (!containsBlob(digest)) {
            throw new NotFoundException(NotFoundException.Kind.BLOB, folder + " has no blob " + digest);
        }
        FileChannel channel = FileChannel.open(file(digest), StandardOpenOption.READ);
        channel.position(range.first());
        return new FileBody(channel, Channels.newInputStream(channel), range.first(), channel.size());
    }

    private record FileBody(FileChannel channel, InputStream stream, long offset, long size) implements BlobBody {
        @Override
        public OptionalLong totalBytes() {
            return OptionalLong.of(size);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        Optional<Digest> digest = digest(reference);
        if (digest.isEmpty() || !Files.exists(file(digest.get()))) {
            return Optional.empty();
        }
        boolean tooLong = Files.size(file(digest.get())) > OciLimits.MAX_MANIFEST_BYTES;
        return tooLong ? Optional.empty() : Optional.of(read(digest.get()).descriptor());
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        Optional<Digest> digest = digest(reference).filter(found -> Files.exists(file(found)));
        return read(digest.orElseThrow(() ->
                new NotFoundException(NotFoundException.Kind.MANIFEST, folder + " has no manifest " + reference)));
    }

    private Optional<Digest> digest(ManifestReference reference) throws IOException {
        return switch (reference) {
            case Digest digest -> Optional.of(digest);
            case Tag tag ->
                guarded(loaded -> Optional.ofNullable(loaded.tags().get(tag)).map(Descriptor::digest));
        };
    }

    private ManifestBytes read(Digest digest) throws IOException {
        Path file = file(digest);
        if (Files.size(file) > OciLimits.MAX_MANIFEST_BYTES) {
            throw new InvalidContentException(file + " exceeds the size of a manifest");
        }
        byte[] bytes = Files.readAllBytes(file);
        return ManifestBytes.verified(mediaType(bytes), digest, bytes);
    }

    // A layout does not say of a file that no index names what it is; the manifest does, or its shape.
    private static MediaType mediaType(byte[] bytes) {
        try {
            JsonNode root = OciJson.mapper().readTree(bytes);
            String stated = root.path("mediaType").asString("");
            if (!stated.isEmpty()) {
                return MediaType.parse(stated);
            }
            return root.has("manifests") ? MediaType.OCI_INDEX : MediaType.OCI_MANIFEST;
        } catch (JacksonException | IllegalArgumentException e) {
            return MediaType.OCTET_STREAM;
        }
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        if (!Files.exists(folder.resolve(LayoutIndex.MARKER))) {
            throw new NotFoundException(NotFoundException.Kind.NAME, folder + " is no image layout");
        }
        return guarded(loaded -> new TagPage(List.copyOf(loaded.tags().keySet()), Optional.empty()));
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return guarded(loaded -> {
            Map<Digest, Descriptor> found = new LinkedHashMap<>(referrers.getOrDefault(subject, Map.of()));
            Descriptor fallback = loaded.tags().get(subject.referrersTag());
            if (fallback != null && Files.exists(file(fallback.digest()))) {
                for (Descriptor entry : Manifest.parse(read(fallback.digest())).manifests()) {
                    if (Files.exists(file(entry.digest()))) {
                        found.putIfAbsent(entry.digest(), entry);
                    }
                }
            }
            return new Referrers(Referrers.Origin.API, new ArrayList<>(found.values()));
        });
    }

    @Override
    public boolean containsBlob(Digest digest) {
        return Files.exists(file(digest));
    }

    @Override
    public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
        try (BlobBody body = content.openBlob(blob.digest(), ByteRange.ALL);
                InputStream in =
                        new VerifyingInputStream(body.stream(), blob.digest(), OptionalLong.of(blob.sizeBytes()))) {
            LayoutFiles.replace(file(blob.digest()), in);
        }
    }

    @Override
    public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
        Optional<LayoutRepository> other = others.apply(from);
        if (other.isEmpty() || !other.get().containsBlob(digest)) {
            return false;
        }
        try {
            Files.createDirectories(
                    folder.resolve("blobs").resolve(digest.algorithm().name()));
            Files.createLink(file(digest), other.get().file(digest));
            return true;
        } catch (FileAlreadyExistsException e) {
            return true;
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public Optional<Digest> pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
        LayoutFiles.replace(file(manifest.digest()), manifest.array());
        Optional<Digest> subject = Manifest.parse(manifest).subject().map(Descriptor::digest);
        return guarded(loaded -> {
            note(manifest);
            boolean changed = false;
            if (reference instanceof Tag tag) {
                changed = !manifest.descriptor().equals(loaded.tags().put(tag, manifest.descriptor()));
            } else if (subject.isPresent()) {
                changed = loaded.untagged().put(manifest.digest(), manifest.descriptor()) == null;
            }
            if (changed) {
                loaded.write();
            }
            return subject;
        });
    }

    @Override
    public boolean deleteManifest(ManifestReference reference) throws IOException {
        return guarded(loaded -> switch (reference) {
            case Tag tag -> {
                boolean there = loaded.tags().remove(tag) != null;
                loaded.write();
                yield there;
            }
            case Digest digest -> {
                loaded.tags()
                        .values()
                        .removeIf(descriptor -> descriptor.digest().equals(digest));
                loaded.untagged().remove(digest);
                referrers.values().forEach(known -> known.remove(digest));
                loaded.write();
                yield Files.deleteIfExists(file(digest));
            }
        });
    }
}
