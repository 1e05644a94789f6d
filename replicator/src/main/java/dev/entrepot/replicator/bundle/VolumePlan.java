package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The files of each volume of a bundle, in their order: a function of the inventory and its signature. A tar is the
 * {@linkplain VolumeEntry#header() header}, content and padding of each, and {@link #END_BYTES} zero bytes. Immutable
 * and safe for all threads.
 */
public final class VolumePlan {
    /** How many zero bytes end a tar. */
    public static final int END_BYTES = 2 * TarHeader.BLOCK_BYTES;
    /** The name of the file that says which volume it is. */
    public static final String VOLUME = LayoutFormat.VOLUME;
    /** The name of the inventory. */
    public static final String INVENTORY = "entrepot/inventory.json";
    /** The name of the inventory's signature. */
    public static final String SIGNATURE = "entrepot/inventory.sig";

    private final byte[] document;
    private final Optional<byte[]> signature;
    private final List<Volume> volumes = new ArrayList<>();

    private record Volume(List<VolumeEntry> content, List<VolumeIndex.Entry> index) {}

    private VolumePlan(Inventory inventory, byte[] document, Optional<byte[]> signature) {
        this.document = document;
        this.signature = signature;
        for (int i = 0; i < inventory.volumes(); i++) {
            volumes.add(new Volume(new ArrayList<>(), new ArrayList<>()));
        }
        Map<Digest, List<VolumeIndex.Entry>> index = VolumeIndex.entries(inventory);
        WritingOrder.of(inventory.manifests(), inventory.fallbacks().keySet())
                .forEach(item -> take(inventory, item, index));
    }

    /**
     * The plan of a bundle.
     *
     * @param document the bytes of the inventory, as {@link InventoryJson} writes them
     * @param signature its signature, empty where the bundle is unsigned
     */
    public static VolumePlan of(Inventory inventory, byte[] document, Optional<byte[]> signature) {
        return new VolumePlan(inventory, document, signature);
    }

    private void take(Inventory inventory, WritingOrder.Item item, Map<Digest, List<VolumeIndex.Entry>> index) {
        switch (item.kind()) {
            case MANIFEST -> {
                BundledManifest manifest =
                        Objects.requireNonNull(inventory.manifests().get(item.of()));
                if (manifest.placement() instanceof Placement.InVolume in) {
                    VolumeEntry.Content content = new VolumeEntry.Content.Manifest(item.of());
                    put(in.volume(), item.of(), manifest.descriptor().sizeBytes(), content);
                    volume(in.volume()).index().addAll(index.getOrDefault(item.of(), List.of()));
                }
            }
            case BLOB -> take(Objects.requireNonNull(inventory.blobs().get(item.of())));
            case FALLBACK -> {
                BundledFallback fallback =
                        Objects.requireNonNull(inventory.fallbacks().get(item.of()));
                VolumeEntry.Content content = new VolumeEntry.Content.Fallback(item.of(), fallback.digest());
                put(fallback.volume(), fallback.digest(), fallback.sizeBytes(), content);
                volume(fallback.volume()).index().addAll(index.getOrDefault(fallback.digest(), List.of()));
            }
        }
    }

    private void take(BundledBlob blob) {
        switch (blob.placement()) {
            case Placement.InVolume in ->
                put(in.volume(), blob.digest(), blob.sizeBytes(), new VolumeEntry.Content.Blob(blob.digest()));
            case Placement.InParts in -> {
                long offset = 0;
                for (int i = 0; i < in.parts().size(); i++) {
                    Placement.Part part = in.parts().get(i);
                    VolumeEntry.Content content =
                            new VolumeEntry.Content.Part(blob.digest(), i + 1, offset, part.digest());
                    volume(part.volume())
                            .content()
                            .add(new VolumeEntry(partName(blob.digest(), i + 1), part.sizeBytes(), content));
                    offset += part.sizeBytes();
                }
            }
            case Placement.Held held -> {}
        }
    }

    private void put(int volume, Digest digest, long sizeBytes, VolumeEntry.Content content) {
        volume(volume).content().add(new VolumeEntry(LayoutFormat.blobName(digest), sizeBytes, content));
    }

    private Volume volume(int number) {
        return volumes.get(number - 1);
    }

    /** The name of a part of a blob. */
    static String partName(Digest blob, int number) {
        return "entrepot/parts/" + blob.algorithm() + "-" + blob.encoded() + "/"
                + String.format(Locale.ROOT, "%04d", number);
    }

    /** The inventory that the plan is of, as bytes; not to be changed. */
    public byte[] document() {
        return document;
    }

    /** How many volumes there are. */
    public int volumes() {
        return volumes.size();
    }

    /** The files of a volume, in order. */
    public List<VolumeEntry> entries(int volume) {
        List<VolumeEntry> entries = new ArrayList<>();
        entries.add(constant(LayoutFormat.MARKER, LayoutFormat.MARKER_TEXT.getBytes(StandardCharsets.UTF_8)));
        entries.add(
                constant(LayoutFormat.INDEX, VolumeIndex.write(volume(volume).index())));
        entries.add(constant(VOLUME, volumeDocument(volume)));
        entries.add(constant(INVENTORY, document));
        signature.ifPresent(bytes -> entries.add(constant(SIGNATURE, bytes)));
        entries.addAll(volume(volume).content());
        return entries;
    }

    private static VolumeEntry constant(String name, byte[] bytes) {
        return new VolumeEntry(name, bytes.length, new VolumeEntry.Content.Constant(bytes));
    }

    private byte[] volumeDocument(int volume) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("bundle", InventoryJson.bundleId(document).toString());
        root.put("volume", volume);
        root.put("volumes", volumes.size());
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** The size of a volume as a tar, in bytes; as a folder it has a little less. */
    public long tarBytes(int volume) {
        return entries(volume).stream().mapToLong(VolumeEntry::tarBytes).sum() + END_BYTES;
    }
}
