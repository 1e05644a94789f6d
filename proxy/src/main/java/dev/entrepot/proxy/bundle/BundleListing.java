package dev.entrepot.proxy.bundle;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.Sizes;
import dev.entrepot.replicator.bundle.Bundle;
import dev.entrepot.replicator.bundle.BundledBlob;
import dev.entrepot.replicator.bundle.BundledImage;
import dev.entrepot.replicator.bundle.BundledManifest;
import dev.entrepot.replicator.bundle.ExportReportWriter;
import dev.entrepot.replicator.bundle.ImageClosure;
import dev.entrepot.replicator.bundle.Inventory;
import dev.entrepot.replicator.bundle.Placement;
import java.util.Collection;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a bundle carries, image by image.
 *
 * @param bundle the bundle
 */
public record BundleListing(Bundle bundle) {
    /**
     * Sums of one image.
     *
     * @param volumes the volumes that its content is in
     * @param bytes of all its content
     * @param heldNodes manifests and blobs that are not in the bundle because the target has them
     * @param heldBytes of those
     */
    private record Sums(SortedSet<Integer> volumes, long bytes, long heldNodes, long heldBytes) {
        static Sums of(ImageClosure closure) {
            SortedSet<Integer> volumes = new TreeSet<>();
            long heldNodes = 0;
            long heldBytes = 0;
            for (BundledManifest manifest : closure.manifests()) {
                if (manifest.placement() instanceof Placement.Held) {
                    heldNodes++;
                    heldBytes += manifest.descriptor().sizeBytes();
                }
                volumes(manifest.placement()).forEach(volumes::add);
            }
            for (BundledBlob blob : closure.blobs()) {
                if (blob.placement() instanceof Placement.Held) {
                    heldNodes++;
                    heldBytes += blob.sizeBytes();
                }
                volumes(blob.placement()).forEach(volumes::add);
            }
            return new Sums(volumes, closure.totalBytes(), heldNodes, heldBytes);
        }

        private static Stream<Integer> volumes(Placement placement) {
            return switch (placement) {
                case Placement.InVolume in -> Stream.of(in.volume());
                case Placement.InParts in -> in.parts().stream().map(Placement.Part::volume);
                case Placement.Held held -> Stream.empty();
            };
        }
    }

    /**
     * A line about the bundle, a line for each image, and one for each volume that was not given; ending in a line
     * break.
     */
    public String toText() {
        StringBuilder text = new StringBuilder(summary(bundle)).append('\n');
        Inventory inventory = bundle.inventory();
        for (BundledImage image : inventory.images()) {
            ImageClosure closure = ImageClosure.of(inventory, image);
            Sums sums = Sums.of(closure);
            text.append(image.name()).append("  ").append(image.manifest()).append("  ");
            text.append(closure.manifests().size() + " manifests, "
                    + closure.blobs().size() + " blobs, ");
            text.append(Sizes.bytes(sums.bytes()));
            text.append(sums.volumes().isEmpty() ? "" : ", volumes " + numbers(sums.volumes()));
            text.append(
                    sums.heldNodes() == 0
                            ? ""
                            : ", of which the target has " + sums.heldNodes() + " nodes, "
                                    + Sizes.bytes(sums.heldBytes()));
            text.append('\n');
        }
        bundle.missingVolumes().forEach(missing -> text.append(missing).append('\n'));
        return text.toString();
    }

    /** What a bundle is, in one line without a line break. */
    public static String summary(Bundle bundle) {
        Inventory inventory = bundle.inventory();
        return "bundle " + bundle.id() + ": " + inventory.images().size() + " images, "
                + inventory.manifests().size() + " manifests, "
                + inventory.blobs().size() + " blobs in "
                + inventory.volumes() + " volumes"
                + since(inventory)
                + bundle.trusted().map(key -> ", signed by a key of " + key).orElse(", signature not asked for");
    }

    private static String since(Inventory inventory) {
        String receipts = inventory.since().stream().map(Object::toString).collect(Collectors.joining(" and "));
        return switch (inventory.since().size()) {
            case 0 -> "";
            case 1 -> ", the difference to the receipt " + receipts;
            default -> ", the difference to what all of the receipts " + receipts + " have";
        };
    }

    /** What was checked of a bundle that is all there, in one line without a line break. */
    public static String verified(Bundle bundle) {
        Inventory inventory = bundle.inventory();
        long held = Stream.concat(
                        inventory.manifests().values().stream().map(BundledManifest::placement),
                        inventory.blobs().values().stream().map(BundledBlob::placement))
                .filter(Placement.Held.class::isInstance)
                .count();
        long all = inventory.manifests().size() + inventory.blobs().size();
        return held == 0
                ? "every byte is as it was exported, and every graph is whole"
                : "every byte is as it was exported; of " + all + " manifests and blobs " + held
                        + " are not in the bundle, because the receipt says that the target has them: with these every graph"
                        + " is whole, and the import asks the target for them";
    }

    private static String numbers(Collection<Integer> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    /** One JSON object. */
    public String toJson() {
        Inventory inventory = bundle.inventory();
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("bundle", bundle.id().toString());
        root.put("volumes", inventory.volumes());
        ArrayNode given = root.putArray("given");
        bundle.volumes().forEach(given::add);
        ExportReportWriter.putSince(root, inventory.since());
        bundle.trusted().ifPresent(key -> root.put("signedByKeyOf", key.toString()));
        ArrayNode images = root.putArray("images");
        for (BundledImage image : inventory.images()) {
            ImageClosure closure = ImageClosure.of(inventory, image);
            Sums sums = Sums.of(closure);
            ObjectNode node = images.addObject();
            node.put("source", image.source().toString());
            node.put("repository", image.repository().value());
            node.put("tag", image.tag().value());
            node.put("digest", image.manifest().toString());
            node.put("manifests", closure.manifests().size());
            node.put("blobs", closure.blobs().size());
            node.put("bytes", sums.bytes());
            ArrayNode volumes = node.putArray("volumes");
            sums.volumes().forEach(volumes::add);
            node.put("heldNodes", sums.heldNodes());
            node.put("heldBytes", sums.heldBytes());
        }
        return root.toString();
    }
}
