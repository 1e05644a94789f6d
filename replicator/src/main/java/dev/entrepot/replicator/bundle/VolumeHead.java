package dev.entrepot.replicator.bundle;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** Reads the inventory out of a volume, to write others of the same bundle again. Nothing else of the volume is looked at, and no signature is checked. */
public final class VolumeHead {
    // Marker, index, volume, inventory and signature are the first.
    private static final int FIRST = 5;

    private VolumeHead() {}

    private record Found(Optional<byte[]> inventory, Optional<byte[]> signature) {}

    /**
     * The inventory of a volume and its signature.
     *
     * @param volume a tar or a folder
     * @throws BundleException if there is none, or it is not readable
     */
    public static SavedExports.Saved read(Path volume) throws IOException {
        Found found = Files.isDirectory(volume) ? ofFolder(volume) : ofTar(volume);
        byte[] document = found.inventory()
                .orElseThrow(() ->
                        new BundleException(volume + " is no volume of a bundle: it has no " + VolumePlan.INVENTORY));
        Inventory inventory = InventoryJson.read(document, volume + ": " + VolumePlan.INVENTORY);
        return new SavedExports.Saved(
                inventory, document, found.signature(), VolumeNames.output(volume, inventory.volumes()));
    }

    private static Found ofFolder(Path volume) throws IOException {
        return new Found(
                file(volume.resolve(VolumePlan.INVENTORY), BundleLimits.DOCUMENT_BYTES),
                file(volume.resolve(VolumePlan.SIGNATURE), BundleLimits.SIGNATURE_BYTES));
    }

    private static Optional<byte[]> file(Path file, int limit) throws IOException {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try (InputStream in = Files.newInputStream(file)) {
            return Optional.of(bounded(in, limit, file.toString()));
        }
    }

    private static Found ofTar(Path volume) throws IOException {
        Optional<byte[]> inventory = Optional.empty();
        Optional<byte[]> signature = Optional.empty();
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new BufferedInputStream(Files.newInputStream(volume)))) {
            TarArchiveEntry entry = tar.getNextEntry();
            for (int i = 0; i < FIRST && entry != null; i++) {
                switch (entry.getName()) {
                    case VolumePlan.INVENTORY ->
                        inventory = Optional.of(bounded(tar, BundleLimits.DOCUMENT_BYTES, VolumePlan.INVENTORY));
                    case VolumePlan.SIGNATURE ->
                        signature = Optional.of(bounded(tar, BundleLimits.SIGNATURE_BYTES, VolumePlan.SIGNATURE));
                    default -> {}
                }
                entry = tar.getNextEntry();
            }
        }
        return new Found(inventory, signature);
    }

    private static byte[] bounded(InputStream in, int limit, String name) throws IOException {
        byte[] bytes = in.readNBytes(limit + 1);
        if (bytes.length > limit) {
            throw new BundleException(name + " has more than " + limit + " bytes");
        }
        return bytes;
    }
}
