package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.VerifyingInputStream;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.apache.commons.io.input.BoundedInputStream;

/**
 * The content of a bundle, read from the registries that its images are from, with all memory that it takes one buffer. Safe for all threads.
 */
public final class SourceContent implements VolumeContent, PartReader {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final Inventory inventory;
    private final Map<RepositoryName, RepositorySource> sources = new HashMap<>();

    /**
     * Of an inventory.
     *
     * @param sources opens a repository that an image is from
     */
    public SourceContent(Inventory inventory, Function<Repository, RepositorySource> sources) {
        this.inventory = inventory;
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
            case VolumeEntry.Content.Blob blob -> verified(blob(blob.digest(), 0), blob.digest(), size);
            case VolumeEntry.Content.Part part ->
                verified(
                        BoundedInputStream.builder()
                                .setInputStream(blob(part.blob(), part.offset()))
                                .setMaxCount(entry.sizeBytes())
                                .get(),
                        part.digest(),
                        size);
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
    private static <T> T first(List<RepositorySource> sources, Object node, Reading<T> reading) throws IOException {
        for (RepositorySource source : sources) {
            try {
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

    private InputStream manifest(Digest digest) throws IOException {
        BundledManifest manifest = inventory.manifests().get(digest);
        List<RepositoryName> names = manifest == null ? List.of() : manifest.repositories();
        return new ByteArrayInputStream(first(sources(names), digest, source -> source.fetchManifest(digest))
                .array());
    }

    private InputStream blob(Digest digest, long offset) throws IOException {
        BundledBlob blob = inventory.blobs().get(digest);
        List<RepositoryName> names = blob == null ? List.of() : blob.repositories();
        BlobBody body = first(sources(names), digest, source -> source.openBlob(digest, ByteRange.from(offset)));
        try {
            body.stream().skipNBytes(offset - body.offset());
            return new BodyStream(body);
        } catch (IOException | RuntimeException e) {
            body.close();
            throw e;
        }
    }

    /** The bytes of a body, which is closed with the stream. */
    private static final class BodyStream extends FilterInputStream {
        private final BlobBody body;

        BodyStream(BlobBody body) {
            super(body.stream());
            this.body = body;
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    @Override
    public List<Digest> digests(Digest blob, List<Long> sizes) throws IOException {
        List<Digest> digests = new ArrayList<>();
        long total = sizes.stream().mapToLong(Long::longValue).sum();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = verified(blob(blob, 0), blob, OptionalLong.of(total))) {
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
