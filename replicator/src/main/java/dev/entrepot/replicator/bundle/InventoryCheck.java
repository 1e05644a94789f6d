package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Whether what an inventory states goes together. For one check. It gathers no more than is stated: with
 * {@code --unsigned} anybody may have written it.
 */
final class InventoryCheck {
    // Far more than there is on any disk; with headers and padding every place in a tar is a number all the same.
    private static final long MOST_BYTES = 1L << 60;

    private final Inventory inventory;
    private final Map<Digest, BundledManifest> manifests;
    private final Map<Digest, SortedSet<RepositoryName>> naming = new HashMap<>();
    private int volume = 1;

    private InventoryCheck(Inventory inventory) {
        this.inventory = inventory;
        this.manifests = inventory.manifests();
    }

    /**
     * Checks edges, orders and places.
     *
     * @throws IllegalArgumentException if they do not go together
     */
    static void check(Inventory inventory) {
        InventoryCheck check = new InventoryCheck(inventory);
        check.images();
        check.edges();
        check.blobs();
        check.fallbacks();
        check.places();
    }

    private void images() {
        Checks.that(!inventory.images().isEmpty(), "there is no image");
        for (BundledImage image : inventory.images()) {
            known(image.manifest(), image.repository(), "image " + image.name());
        }
    }

    private BundledManifest known(Digest digest, String by) {
        BundledManifest found = manifests.get(digest);
        Checks.that(found != null, by + " names the manifest " + digest + ", which is not listed");
        return Objects.requireNonNull(found);
    }

    private void known(Digest digest, RepositoryName repository, String by) {
        Checks.that(
                isIn(known(digest, by), repository),
                by + " is in " + repository + ", and the manifest " + digest + " that it names is not");
    }

    // They are sorted.
    private static boolean isIn(BundledManifest manifest, RepositoryName repository) {
        return Collections.binarySearch(manifest.repositories(), repository) >= 0;
    }

    private void edges() {
        Set<Digest> before = new HashSet<>();
        for (BundledManifest manifest : manifests.values()) {
            String name = "manifest " + manifest.digest();
            for (Digest child : manifest.children()) {
                Checks.that(
                        before.contains(child), name + " has the child " + child + ", which is not listed before it");
                Checks.that(
                        manifest.repositories().stream().allMatch(repository -> isIn(known(child, name), repository)),
                        name + " is in repositories that its child " + child + " is not in");
            }
            manifest.referrers().forEach(referrer -> known(referrer, name));
            for (BundledManifest.CosignTag tag : manifest.cosign()) {
                known(manifest.digest(), tag.repository(), "cosign tag " + tag.tag());
                known(tag.manifest(), tag.repository(), "cosign tag " + tag.tag());
            }
            for (Digest blob : manifest.blobs()) {
                name(blob, manifest);
            }
            before.add(manifest.digest());
        }
    }

    // No more than is stated is gathered: a blob of which less is stated is refused.
    private void name(Digest blob, BundledManifest manifest) {
        BundledBlob stated = inventory.blobs().get(blob);
        if (stated != null) {
            SortedSet<RepositoryName> repositories = naming.computeIfAbsent(blob, digest -> new TreeSet<>());
            for (RepositoryName repository : manifest.repositories()) {
                Checks.that(
                        Collections.binarySearch(stated.repositories(), repository) >= 0,
                        "blob " + blob + " is not in the repositories of the manifests that name it");
                repositories.add(repository);
            }
        }
    }

    private void blobs() {
        List<Digest> order = new ArrayList<>();
        Set<Digest> seen = new HashSet<>();
        manifests
                .values()
                .forEach(manifest -> manifest.blobs().stream().filter(seen::add).forEach(order::add));
        Checks.that(
                order.equals(List.copyOf(inventory.blobs().keySet())),
                "the blobs listed are not those that the manifests name, in their order");
        long total = 0;
        for (BundledBlob blob : inventory.blobs().values()) {
            Checks.that(
                    blob.sizeBytes() <= MOST_BYTES - total,
                    "the blobs have more than " + MOST_BYTES + " bytes together");
            total += blob.sizeBytes();
            Checks.that(
                    List.copyOf(naming.getOrDefault(blob.digest(), new TreeSet<>()))
                            .equals(blob.repositories()),
                    "blob " + blob.digest() + " is not in the repositories of the manifests that name it");
            BundledManifest twin = manifests.get(blob.digest());
            Checks.that(
                    twin == null
                            || twin.descriptor().sizeBytes() == blob.sizeBytes()
                                    && twin.placement().equals(blob.placement()),
                    blob.digest() + " is a manifest and a blob in two places or of two sizes");
        }
    }

    private void fallbacks() {
        List<BundledFallback> stated = inventory.fallbacks().values().stream()
                .map(fallback -> fallback.at(1))
                .toList();
        Checks.that(
                Fallbacks.of(manifests, inventory.blobs().keySet()).equals(stated),
                "the fallback indexes listed are not those of the manifests with referrers, in their order");
    }

    private void places() {
        Map<Digest, Integer> placed = new HashMap<>();
        for (WritingOrder.Item item :
                WritingOrder.of(manifests, inventory.fallbacks().keySet())) {
            switch (item.kind()) {
                case MANIFEST ->
                    place(item.of(), known(item.of(), "the order of writing").placement(), placed);
                case BLOB ->
                    place(
                            item.of(),
                            Objects.requireNonNull(inventory.blobs().get(item.of()))
                                    .placement(),
                            placed);
                case FALLBACK ->
                    go(
                            Objects.requireNonNull(inventory.fallbacks().get(item.of()))
                                    .volume(),
                            item.of());
            }
        }
    }

    private void place(Digest digest, Placement placement, Map<Digest, Integer> placed) {
        switch (placement) {
            case Placement.InVolume in -> {
                go(in.volume(), digest);
                Checks.that(placed.put(digest, in.volume()) == null, digest + " is in two places");
            }
            case Placement.InParts in -> {
                in.parts().forEach(part -> go(part.volume(), digest));
                Checks.that(placed.put(digest, in.parts().getLast().volume()) == null, digest + " is in two places");
            }
            case Placement.Held held ->
                Checks.that(
                        !inventory.since().isEmpty(),
                        digest + " is in no volume, and the bundle is no difference to a receipt");
        }
    }

    private void go(int to, Digest digest) {
        Checks.that(
                to >= volume && to <= inventory.volumes(),
                digest + " is in volume " + to + ", behind content of volume " + volume + " of " + inventory.volumes());
        volume = to;
    }
}
