package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.UnreadableBlobException;
import dev.entrepot.oci.VerifyingInputStream;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.ManifestShelf;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.commons.io.input.BoundedInputStream;

/**
 * The content of a bundle, read from the registries that its images are from, with all memory that it takes one buffer
 * and a shelf of manifests. It is long because all that may be wrong with what a source gives is found here, and
 * nowhere later. Safe for all threads.
 */
public final class SourceContent implements VolumeContent, PartReader {
    private static final int BUFFER_BYTES = 128 * 1024;
    // Manifests asked for at once; the gate of a source lets fewer through.
    private static final int AT_ONCE = 32;

    private final Inventory inventory;
    private final ManifestShelf shelf;
    private final ReadTally read;
    private final Map<RepositoryName, RepositorySource> sources = new HashMap<>();
    // Blobs that a cache has given as something else than they are.
    private final Set<Digest> bad = ConcurrentHashMap.newKeySet();

    /**
     * Of an inventory.
     *
     * @param sources opens a repository that an image is from
     * @param read counts what is read
     * @param seen keeps manifests that were read, so that comparing and writing ask for them once where they have room
     */
    public SourceContent(
            Inventory inventory, Function<Repository, RepositorySource> sources, SeenManifests seen, ReadTally read) {
        this.inventory = inventory;
        this.read = read;
        this.shelf = seen.shelf();
        for (BundledImage image : inventory.images()) {
            this.sources.computeIfAbsent(image.repository(), name -> sources.apply(image.source()));
        }
    }

    @Override
    public InputStream open(VolumeEntry entry) throws IOException {
        OptionalLong size = OptionalLong.of(entry.sizeBytes());
        return switch (entry.content()) {
            case VolumeEntry.Content.Constant constant -> new ByteArrayInputStream(constant.bytes());
            case VolumeEntry.Content.Fallback fallback ->
                verified(
                        new ByteArrayInputStream(inventory.fallbackIndex(fallback.subject())), fallback.digest(), size);
            case VolumeEntry.Content.Manifest manifest ->
                verified(manifest(manifest.digest()), manifest.digest(), size);
            case VolumeEntry.Content.Blob blob -> {
                BodyStream body = blob(blob.digest(), 0);
                yield doubted(body, verified(body, blob.digest(), size));
            }
            case VolumeEntry.Content.Part part -> {
                BodyStream body = blob(part.blob(), part.offset());
                InputStream bounded = BoundedInputStream.builder()
                        .setInputStream(body)
                        .setMaxCount(entry.sizeBytes())
                        .get();
                yield doubted(body, verified(bounded, part.digest(), size));
            }
        };
    }

    private static InputStream verified(InputStream in, Digest digest, OptionalLong size) throws IOException {
        try {
            return new VerifyingInputStream(in, digest, size);
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    private interface Reading<T> {
        T from(RepositorySource source) throws IOException;
    }

    // What belongs to several repositories may be gone from one of them.
    private <T> T first(List<RepositorySource> sources, Object node, Reading<T> reading) throws IOException {
        for (RepositorySource source : sources) {
            try {
                read.requested();
                return reading.from(source);
            } catch (NotFoundException e) {
                // The next may have it.
            }
        }
        throw new BundleException(
                sources.isEmpty()
                        ? "the inventory does not say where " + node + " is from"
                        : sources.getFirst().repository() + " no longer has " + node
                                + ", which the inventory names; export again with --restart to select anew");
    }

    private List<RepositorySource> sources(List<RepositoryName> names) {
        List<RepositorySource> found = new ArrayList<>();
        for (RepositoryName name : names) {
            RepositorySource source = sources.get(name);
            if (source != null) {
                found.add(source);
            }
        }
        return found;
    }

    /**
     * A manifest that an import would refuse, because the inventory made of what the source said does not say the same
     * as it does.
     *
     * @param manifest the manifest
     * @param images the images that have it
     * @param what what does not agree, for people
     */
    public record Contradiction(Digest manifest, List<BundledImage> images, String what) {
        /** Copies the list. */
        public Contradiction {
            images = List.copyOf(images);
        }
    }

    /**
     * Compares the manifests that the bundle carries with the inventory, as whoever reads the bundle does.
     *
     * @return what does not agree; such a bundle is refused by every import
     * @throws IOException if a manifest cannot be read
     */
    public List<Contradiction> contradictions() throws IOException {
        List<BundledManifest> carried = inventory.manifests().values().stream()
                .filter(manifest -> !(manifest.placement() instanceof Placement.Held))
                .toList();
        return Concurrently.map(carried, AT_ONCE, this::contradiction).stream()
                .flatMap(Optional::stream)
                .toList();
    }

    private Optional<Contradiction> contradiction(BundledManifest stated) throws IOException {
        ManifestBytes bytes = read(stated.digest());
        try {
            GraphCheck.check(inventory, stated, bytes);
            return Optional.empty();
        } catch (BundleException e) {
            List<BundledImage> images = inventory.images().stream()
                    .filter(image ->
                            ImageClosure.of(inventory, image).manifests().contains(stated))
                    .toList();
            return Optional.of(new Contradiction(stated.digest(), images, String.valueOf(e.getMessage())));
        }
    }

    private ManifestBytes read(Digest digest) throws IOException {
        Optional<ManifestBytes> kept = shelf.get(digest);
        if (kept.isPresent()) {
            return kept.get();
        }
        BundledManifest manifest = inventory.manifests().get(digest);
        List<RepositoryName> names = manifest == null ? List.of() : manifest.repositories();
        ManifestBytes bytes = first(sources(names), digest, source -> source.fetchManifest(digest));
        // By the type that was stated, as whoever reads the bundle takes it.
        MediaType type =
                manifest == null ? bytes.mediaType() : manifest.descriptor().mediaType();
        ManifestBytes typed = ManifestBytes.verified(type, digest, bytes.array());
        shelf.put(typed);
        return typed;
    }

    // An inventory that was saved by an earlier version may contradict what it is of.
    private InputStream manifest(Digest digest) throws IOException {
        ManifestBytes bytes = read(digest);
        BundledManifest stated = inventory.manifests().get(digest);
        if (stated != null) {
            GraphCheck.check(inventory, stated, bytes);
        }
        return new ByteArrayInputStream(bytes.array());
    }

    private record Opened(RepositorySource source, BlobBody body) {}

    private BodyStream blob(Digest digest, long offset) throws IOException {
        BundledBlob blob = inventory.blobs().get(digest);
        List<RepositoryName> names = blob == null ? List.of() : blob.repositories();
        Opened opened = first(
                sources(names), digest, source -> new Opened(source, source.openBlob(digest, ByteRange.from(offset))));
        BlobBody body = opened.body();
        try {
            if (blob != null) {
                refuseOtherSize(blob, body.totalBytes());
            }
            body.stream().skipNBytes(offset - body.offset());
            read.opened(body.isFromCache());
            return new BodyStream(digest, opened, read);
        } catch (IOException | RuntimeException e) {
            body.close();
            throw e;
        }
    }

    // What a cache keeps is not hashed when it is served, and may have gone bad on its disk.
    private InputStream doubted(BodyStream body, InputStream verified) {
        return body.cached ? new Doubted(verified, body) : verified;
    }

    /**
     * What a cache keeps of a blob: where it is not the blob, the cache is told so, and whoever reads is to read once
     * more, from where the cache has it then.
     */
    private final class Doubted extends FilterInputStream {
        private final BodyStream body;

        Doubted(InputStream verified, BodyStream body) {
            super(verified);
            this.body = body;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            try {
                return super.read(buffer, offset, length);
            } catch (InvalidContentException e) {
                throw gone("blob " + body.blob + " has gone bad in the cache: " + e.getMessage(), e);
            } catch (UnreadableBlobException e) {
                throw gone(String.valueOf(e.getMessage()), e);
            }
        }

        private IOException gone(String what, IOException cause) {
            if (!bad.add(body.blob)) {
                return new BundleException(
                        what + "; run entrepot cache scrub, which puts it aside, or export with --from upstream");
            }
            body.source.refuted(body.blob);
            return new OutageException(OutageException.Reason.SERVER_ERROR, what, cause);
        }
    }

    // The size is the manifests'; what the source says of it itself is right, or the digest would not be.
    private void refuseOtherSize(BundledBlob blob, OptionalLong stated) throws BundleException {
        if (stated.isEmpty() || stated.getAsLong() == blob.sizeBytes()) {
            return;
        }
        List<String> by = inventory.manifests().values().stream()
                .filter(manifest -> manifest.blobs().contains(blob.digest()))
                .map(manifest -> manifest.digest().toString())
                .toList();
        throw new BundleException("blob " + blob.digest() + " has " + stated.getAsLong() + " bytes at its source, and "
                + (by.size() == 1 ? "manifest " : "the manifests ") + String.join(", ", by)
                + (by.size() == 1 ? " says " : " say ") + blob.sizeBytes()
                + "; every import would refuse that: repair it at the source, or select without its images, and export"
                + " again with --restart");
    }

    /** The bytes of a body, which is closed with the stream. */
    private static final class BodyStream extends FilterInputStream {
        private final Digest blob;
        private final RepositorySource source;
        private final BlobBody body;
        private final boolean cached;
        private final ReadTally read;

        BodyStream(Digest blob, Opened opened, ReadTally read) {
            super(opened.body().stream());
            this.blob = blob;
            this.source = opened.source();
            this.body = opened.body();
            this.cached = body.isFromCache();
            this.read = read;
        }

        @Override
        public int read() throws IOException {
            int one = super.read();
            read.read(cached, one < 0 ? 0 : 1);
            return one;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int count = super.read(buffer, offset, length);
            read.read(cached, Math.max(0, count));
            return count;
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    @Override
    public List<Digest> digests(Digest blob, List<Long> sizes) throws IOException {
        try {
            return digestsRead(blob, sizes);
        } catch (OutageException e) {
            if (!bad.contains(blob)) {
                throw e;
            }
            return digestsRead(blob, sizes);
        }
    }

    private List<Digest> digestsRead(Digest blob, List<Long> sizes) throws IOException {
        List<Digest> digests = new ArrayList<>();
        long total = sizes.stream().mapToLong(Long::longValue).sum();
        byte[] buffer = new byte[BUFFER_BYTES];
        BodyStream body = blob(blob, 0);
        try (InputStream in = doubted(body, verified(body, blob, OptionalLong.of(total)))) {
            for (long size : sizes) {
                MessageDigest hasher = DigestAlgorithm.SHA256.newMessageDigest();
                long rest = size;
                while (rest > 0) {
                    int count = in.read(buffer, 0, (int) Math.min(buffer.length, rest));
                    if (count < 0) {
                        throw new BundleException("blob " + blob + " ended " + rest + " bytes before its part did");
                    }
                    hasher.update(buffer, 0, count);
                    rest -= count;
                }
                digests.add(Digest.of(DigestAlgorithm.SHA256, hasher));
            }
            // The end of the stream is where the whole is verified.
            in.read(buffer, 0, 1);
        }
        return digests;
    }
}
