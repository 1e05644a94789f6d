package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.layout.LayoutFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Cuts a bundle into volumes of a largest size, in the order of writing: what does not fit any more opens the next; a
 * blob that is larger than a volume fills the rest of the one in hand and goes on in the next. The inventory, which is
 * in each volume, is as long as what it says of the places, so places are found again with what it came to be until all
 * volumes are small enough.
 */
public final class VolumePlacer {
    private static final int ATTEMPTS = 50;
    private static final Digest UNKNOWN = Digest.sha256(new byte[0]);

    private final Inventory whole;
    private final long volumeBytes;
    private final Map<Digest, List<VolumeIndex.Entry>> index;
    private final Map<Digest, Placement> places = new HashMap<>();
    private final Map<Digest, Integer> fallbacks = new HashMap<>();
    private final long capacity;
    private int volume = 1;
    private long room;

    private VolumePlacer(Inventory whole, long volumeBytes, Map<Digest, List<VolumeIndex.Entry>> index, long fixed) {
        this.whole = whole;
        this.volumeBytes = volumeBytes;
        this.index = index;
        this.capacity = volumeBytes - fixed;
        this.room = capacity;
    }

    /**
     * The inventory with its content in volumes.
     *
     * @param whole all in one volume
     * @param volumeBytes the largest size of a volume as a tar, in bytes
     * @param parts is asked once for each blob that has to be split
     * @throws BundleException if volumes of this size cannot hold it; the message says what would do
     * @throws IOException if the parts of a blob cannot be found
     */
    public static Inventory place(Inventory whole, long volumeBytes, PartReader parts) throws IOException {
        Map<Digest, List<VolumeIndex.Entry>> index = VolumeIndex.entries(whole);
        long document = InventoryJson.write(whole).length;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Inventory placed = new VolumePlacer(whole, volumeBytes, index, fixedBytes(document)).place();
            byte[] written = InventoryJson.write(placed);
            if (written.length <= document && fits(placed, written, volumeBytes)) {
                return split(placed, parts);
            }
            document = Math.max(document + document / 64 + 64, written.length);
        }
        throw tooSmall(volumeBytes, document);
    }

    // What each volume has, whatever is in it: marker, index without entries, volume document, inventory, signature,
    // end.
    private static long fixedBytes(long document) {
        long small = 2L * TarHeader.BLOCK_BYTES;
        return small
                + small
                + small
                + TarHeader.BLOCK_BYTES
                + TarHeader.padded(document)
                + small
                + VolumePlan.END_BYTES;
    }

    private static boolean fits(Inventory placed, byte[] written, long volumeBytes) {
        VolumePlan plan = VolumePlan.of(placed, written, Optional.of(new byte[BundleLimits.SIGNATURE_BYTES]));
        for (int volume = 1; volume <= plan.volumes(); volume++) {
            if (plan.tarBytes(volume) > volumeBytes) {
                return false;
            }
        }
        return true;
    }

    private static BundleException tooSmall(long volumeBytes, long document) {
        return new BundleException("volumes of " + volumeBytes
                + " bytes are too small: the inventory, which is in each of them, has about " + document
                + " bytes; make them a few times as large as that, and at least 5 MB");
    }

    private Inventory place() throws BundleException {
        for (WritingOrder.Item item :
                WritingOrder.of(whole.manifests(), whole.fallbacks().keySet())) {
            switch (item.kind()) {
                case MANIFEST -> {
                    BundledManifest manifest =
                            Objects.requireNonNull(whole.manifests().get(item.of()));
                    if (!(manifest.placement() instanceof Placement.Held)) {
                        long bytes = bytes(item.of(), manifest.descriptor().sizeBytes());
                        places.put(item.of(), new Placement.InVolume(open(bytes)));
                    }
                }
                case BLOB -> {
                    BundledBlob blob = Objects.requireNonNull(whole.blobs().get(item.of()));
                    if (!(blob.placement() instanceof Placement.Held)) {
                        places.put(item.of(), place(blob));
                    }
                }
                case FALLBACK -> {
                    BundledFallback fallback =
                            Objects.requireNonNull(whole.fallbacks().get(item.of()));
                    fallbacks.put(item.of(), open(bytes(fallback.digest(), fallback.sizeBytes())));
                }
            }
        }
        return placed(places);
    }

    private long bytes(Digest digest, long sizeBytes) {
        // Header, an extended header for a long digest, content, and what index.json grows by; its padding may take a
        // block.
        long entry = TarHeader.of(LayoutFormat.blobName(digest), sizeBytes).length;
        long named = index.getOrDefault(digest, List.of()).stream()
                .mapToLong(VolumeIndex.Entry::bytes)
                .sum();
        return entry + TarHeader.padded(sizeBytes) + named;
    }

    /** The volume that something of this size goes to: this one or the next. */
    private int open(long bytes) throws BundleException {
        if (bytes > capacity) {
            throw tooSmall(volumeBytes, volumeBytes - capacity);
        }
        if (bytes > room) {
            next();
        }
        room -= bytes;
        return volume;
    }

    private void next() throws BundleException {
        if (volume == BundleLimits.VOLUMES) {
            throw new BundleException("volumes of " + volumeBytes + " bytes are too small: there would be more than "
                    + BundleLimits.VOLUMES);
        }
        volume++;
        room = capacity;
    }

    private Placement place(BundledBlob blob) throws BundleException {
        long bytes = bytes(blob.digest(), blob.sizeBytes());
        if (bytes <= capacity) {
            return new Placement.InVolume(open(bytes));
        }
        List<Placement.Part> parts = new ArrayList<>();
        long rest = blob.sizeBytes();
        while (rest > 0) {
            long size = Math.min(rest, partBytes(blob.digest(), rest, room));
            // A scrap at the end of a volume is not worth a part.
            if (size < Math.clamp(capacity / 8, 1, rest)) {
                if (room == capacity) {
                    throw tooSmall(volumeBytes, volumeBytes - capacity);
                }
                next();
                continue;
            }
            parts.add(new Placement.Part(volume, size, UNKNOWN));
            rest -= size;
            if (rest > 0) {
                next();
            } else {
                room -= TarHeader.of(VolumePlan.partName(blob.digest(), 1), size).length + TarHeader.padded(size);
            }
        }
        return new Placement.InParts(parts);
    }

    private static long partBytes(Digest blob, long rest, long room) {
        long header = TarHeader.of(VolumePlan.partName(blob, 1), rest).length;
        return (room - header) / TarHeader.BLOCK_BYTES * TarHeader.BLOCK_BYTES;
    }

    private Inventory placed(Map<Digest, Placement> found) {
        return new Inventory(
                volume,
                OptionalLong.of(volumeBytes),
                whole.since(),
                whole.images(),
                whole.manifests().values().stream()
                        .map(manifest -> manifest.at(found.getOrDefault(manifest.digest(), manifest.placement())))
                        .toList(),
                whole.blobs().values().stream()
                        .map(blob -> blob.at(found.getOrDefault(blob.digest(), blob.placement())))
                        .toList(),
                whole.fallbacks().values().stream()
                        .map(fallback -> fallback.at(fallbacks.getOrDefault(fallback.subject(), fallback.volume())))
                        .toList());
    }

    private static Inventory split(Inventory placed, PartReader reader) throws IOException {
        List<BundledBlob> blobs = new ArrayList<>();
        for (BundledBlob blob : placed.blobs().values()) {
            if (blob.placement() instanceof Placement.InParts parts) {
                List<Digest> digests = reader.digests(
                        blob.digest(),
                        parts.parts().stream().map(Placement.Part::sizeBytes).toList());
                List<Placement.Part> known = new ArrayList<>();
                for (int i = 0; i < parts.parts().size(); i++) {
                    Placement.Part part = parts.parts().get(i);
                    known.add(new Placement.Part(part.volume(), part.sizeBytes(), digests.get(i)));
                }
                blobs.add(blob.at(new Placement.InParts(known)));
            } else {
                blobs.add(blob);
            }
        }
        return new Inventory(
                placed.volumes(),
                placed.volumeBytes(),
                placed.since(),
                placed.images(),
                List.copyOf(placed.manifests().values()),
                blobs,
                List.copyOf(placed.fallbacks().values()));
    }
}
