package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.DiscoveredImage;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.graph.GraphNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Makes the inventory of images that were discovered, all in one volume. The same images give the same inventory. For
 * one use.
 */
public final class InventoryBuilder {
    private static final Placement HERE = new Placement.InVolume(1);

    private final Optional<Delta> since;
    private final Map<Digest, Draft> drafts = new LinkedHashMap<>();
    private final Map<RepositoryName, Repository> sources = new HashMap<>();

    private InventoryBuilder(Optional<Delta> since) {
        this.since = since;
    }

    /** A manifest whose repositories and attachments are still being collected. */
    private static final class Draft {
        private final GraphNode node;
        private final SortedSet<RepositoryName> repositories = new TreeSet<>();
        private final SortedSet<Digest> referrers = new TreeSet<>();
        private final SortedSet<BundledManifest.CosignTag> cosign = new TreeSet<>(BundledManifest.CosignTag.ORDER);

        Draft(GraphNode node) {
            this.node = node;
        }
    }

    /**
     * The inventory.
     *
     * @param since what to leave out
     * @throws BundleException if the images cannot be in one bundle; the message says why
     */
    public static Inventory build(List<DiscoveredImage> images, Optional<Delta> since) throws BundleException {
        try {
            return new InventoryBuilder(since).build(images);
        } catch (IllegalArgumentException e) {
            throw new BundleException("these images cannot be in one bundle: " + e.getMessage(), e);
        }
    }

    private Inventory build(List<DiscoveredImage> discovered) {
        List<DiscoveredImage> sorted = discovered.stream()
                .sorted(Comparator.comparing(
                                (DiscoveredImage image) -> image.repository().name())
                        .thenComparing(DiscoveredImage::tag))
                .toList();
        List<BundledImage> images = new ArrayList<>();
        for (DiscoveredImage image : sorted) {
            Repository source = image.repository();
            Repository other = sources.putIfAbsent(source.name(), source);
            Checks.that(
                    other == null || other.equals(source),
                    "both " + other + " and " + source + " would be called " + source.name() + "; export them apart");
            images.add(new BundledImage(
                    source, source.name(), image.tag(), image.graph().root().digest()));
            image.graph().nodes().forEach(node -> add(source.name(), node));
        }
        Map<Digest, BundledManifest> manifests = new LinkedHashMap<>();
        drafts.values().forEach(draft -> manifests.put(draft.node.digest(), manifest(draft)));
        List<BundledBlob> blobs = blobs(manifests);
        SortedSet<Digest> named = new TreeSet<>();
        blobs.forEach(blob -> named.add(blob.digest()));
        return new Inventory(
                1,
                OptionalLong.empty(),
                since.map(Delta::receipts).orElse(List.of()),
                images,
                List.copyOf(manifests.values()),
                blobs,
                Fallbacks.of(manifests, named));
    }

    private void add(RepositoryName repository, GraphNode node) {
        Draft draft = drafts.computeIfAbsent(node.digest(), digest -> new Draft(node));
        draft.repositories.add(repository);
        draft.referrers.addAll(node.referrers());
        for (CosignTag tag : node.cosignTags()) {
            BundledManifest.CosignTag named = new BundledManifest.CosignTag(
                    repository, tag.tag(), tag.manifest().digest());
            Checks.that(
                    draft.cosign.add(named) || draft.cosign.stream().anyMatch(named::equals),
                    "the tag " + tag.tag() + " of " + repository + " moved while it was read; export again");
        }
    }

    private BundledManifest manifest(Draft draft) {
        GraphNode node = draft.node;
        List<RepositoryName> repositories = List.copyOf(draft.repositories);
        return new BundledManifest(
                WellFormed.of(node.descriptor()),
                repositories,
                node.children(),
                node.omitted().stream().map(Descriptor::digest).toList(),
                node.blobs().stream().map(Descriptor::digest).distinct().toList(),
                node.subject(),
                List.copyOf(draft.referrers),
                List.copyOf(draft.cosign),
                since.flatMap(delta -> delta.manifest(node.digest(), repositories))
                        .<Placement>map(Placement.Held::new)
                        .orElse(HERE));
    }

    private List<BundledBlob> blobs(Map<Digest, BundledManifest> manifests) {
        Map<Digest, Long> sizes = new LinkedHashMap<>();
        Map<Digest, SortedSet<RepositoryName>> repositories = new HashMap<>();
        for (Draft draft : drafts.values()) {
            for (Descriptor blob : draft.node.blobs()) {
                sizes.putIfAbsent(blob.digest(), blob.sizeBytes());
                repositories
                        .computeIfAbsent(blob.digest(), digest -> new TreeSet<>())
                        .addAll(draft.repositories);
            }
        }
        List<BundledBlob> blobs = new ArrayList<>();
        sizes.forEach((digest, size) -> {
            BundledManifest twin = manifests.get(digest);
            Placement placement = twin != null
                    ? twin.placement()
                    : since.flatMap(delta -> delta.blob(digest))
                            .<Placement>map(Placement.Held::new)
                            .orElse(HERE);
            blobs.add(new BundledBlob(
                    digest, size, List.copyOf(repositories.getOrDefault(digest, new TreeSet<>())), placement));
        });
        return blobs;
    }
}
