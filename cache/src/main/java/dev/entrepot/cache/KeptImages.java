package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows the graphs of images from what is kept. Asks no upstream, and counts as no use of what it reads. Safe for all
 * threads.
 */
public final class KeptImages {
    /** Manifests that are shown of one image. */
    static final int MOST_MANIFESTS = 500;

    /** Blobs that are shown of one image. */
    static final int MOST_BLOBS = 5000;

    /** Bytes of manifests that are read for one image. */
    static final long MOST_BYTES = 32L << 20;

    /** Bytes of the largest manifest that is read for a list. */
    static final long MOST_LISTED_BYTES = 128L << 10;

    private static final Logger LOG = LoggerFactory.getLogger(KeptImages.class);

    // Cosign's tags, which no referrers list names.
    private static final List<String> TAG_SUFFIXES = List.of(".sig", ".att", ".sbom");

    private final ContentStore store;
    private final CacheIndex index;
    private final PinnedGraphs pins;

    /** Of a store and its index. */
    public KeptImages(ContentStore store, CacheIndex index, PinnedGraphs pins) {
        this.store = store;
        this.index = index;
        this.pins = pins;
    }

    /**
     * The image that a reference names, by what is known here; empty if nothing is, or if the repository is not known
     * to have it.
     */
    public Optional<KeptImage> find(Repository repository, ManifestReference reference) {
        return switch (reference) {
            case Tag tag ->
                index.tags()
                        .get(repository, tag)
                        .map(record -> new Walk(repository).from(record.digest(), Optional.of(record)));
            case Digest digest ->
                index.links().get(repository, digest).isPresent()
                        ? Optional.of(new Walk(repository).from(digest, Optional.empty()))
                        : Optional.empty();
        };
    }

    /**
     * The artifact type of a manifest that is kept: its own, else the media type of its configuration. Empty if it has
     * none, if it is not kept, if it cannot be read, or if it has more than {@link #MOST_LISTED_BYTES}, since lists ask
     * this of each of their lines.
     */
    public Optional<String> artifactType(Digest digest, long bytes) {
        if (bytes > MOST_LISTED_BYTES) {
            return Optional.empty();
        }
        try {
            Optional<ManifestBytes> kept = read(digest);
            return kept.isPresent() ? Manifest.parse(kept.get()).artifactType() : Optional.empty();
        } catch (IOException e) {
            LOG.debug("the type of {} is not listed: {}", digest, e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<ManifestBytes> read(Digest digest) throws IOException {
        Optional<byte[]> found = new StoreRepair(store, index).manifest(digest);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        MediaType type = index.contents().manifestType(digest).orElse(MediaType.OCTET_STREAM);
        return Optional.of(ManifestTypes.withType(ManifestBytes.verified(type, digest, found.get())));
    }

    private final class Walk {
        private final Repository repository;
        private final Map<Digest, Descriptor> named = new HashMap<>();
        private final Set<Digest> seen = new HashSet<>();
        private final Deque<Digest> open = new ArrayDeque<>();
        private final List<KeptImage.Node> nodes = new ArrayList<>();
        private long bytes;
        private int blobs;
        private boolean cut;

        Walk(Repository repository) {
            this.repository = repository;
        }

        KeptImage from(Digest root, Optional<TagRecord> tag) {
            seen.add(root);
            open.add(root);
            while (!open.isEmpty()) {
                if (nodes.size() == MOST_MANIFESTS || bytes > MOST_BYTES) {
                    cut = true;
                    break;
                }
                KeptImage.Node node = node(open.remove());
                nodes.add(node);
                node.next().stream().filter(seen::add).forEach(open::add);
            }
            return new KeptImage(repository, root, tag, nodes, cut);
        }

        private KeptImage.Node node(Digest digest) {
            Optional<ManifestBytes> stored = Optional.empty();
            Optional<Manifest> manifest = Optional.empty();
            Optional<String> problem = Optional.empty();
            try {
                stored = read(digest);
                if (stored.isPresent()) {
                    manifest = Optional.of(Manifest.parse(stored.get()));
                }
            } catch (IOException e) {
                problem = Optional.of("it cannot be read: " + e.getMessage());
            }
            bytes += stored.map(ManifestBytes::sizeBytes).orElse(0);
            Optional<Descriptor> name = Optional.ofNullable(named.get(digest));
            Descriptor descriptor = described(digest, stored, name);
            Optional<KeptDocument> list = index.lists().referrers(repository, digest);
            return new KeptImage.Node(
                    descriptor,
                    stored.isPresent(),
                    pins.protects(digest),
                    stored.isPresent() ? index.contents().candidate(digest).map(Candidate::lastUsed) : Optional.empty(),
                    manifest.flatMap(Manifest::artifactType).or(() -> name.flatMap(Descriptor::artifactType)),
                    problem,
                    name(manifest.map(Manifest::manifests).orElse(List.of())),
                    blobs(manifest.map(Manifest::blobs).orElse(List.of())),
                    list.map(KeptDocument::fetchedAt),
                    name(list.flatMap(document -> ListCache.readReferrers(document.json()))
                            .map(Referrers::descriptors)
                            .orElse(List.of())),
                    cosignTags(digest));
        }

        // A descriptor that names it says more, as its platform; its own bytes say what is true.
        private Descriptor described(Digest digest, Optional<ManifestBytes> stored, Optional<Descriptor> name) {
            if (name.isPresent()) {
                return name.get();
            }
            return stored.map(ManifestBytes::descriptor)
                    .orElseGet(() -> Descriptor.of(
                            index.contents().manifestType(digest).orElse(MediaType.OCTET_STREAM),
                            digest,
                            index.links()
                                    .get(repository, digest)
                                    .map(link -> link.sizeBytes().orElse(0))
                                    .orElse(0L)));
        }

        private List<Digest> name(List<Descriptor> descriptors) {
            List<Digest> digests = new ArrayList<>();
            for (Descriptor descriptor : descriptors) {
                named.putIfAbsent(descriptor.digest(), descriptor);
                digests.add(descriptor.digest());
            }
            return digests;
        }

        private List<KeptImage.Blob> blobs(List<Descriptor> descriptors) {
            List<KeptImage.Blob> found = new ArrayList<>();
            for (Descriptor descriptor : descriptors) {
                if (blobs == MOST_BLOBS) {
                    cut = true;
                    break;
                }
                blobs++;
                found.add(new KeptImage.Blob(descriptor, index.contents().isStored(descriptor.digest())));
            }
            return found;
        }

        private Map<Tag, Digest> cosignTags(Digest subject) {
            Map<Tag, Digest> found = new TreeMap<>();
            String prefix = subject.referrersTag().value();
            for (String suffix : TAG_SUFFIXES) {
                if (prefix.length() + suffix.length() <= 128) {
                    Tag tag = new Tag(prefix + suffix);
                    index.tags().get(repository, tag).ifPresent(record -> found.put(tag, record.digest()));
                }
            }
            return found;
        }
    }
}
