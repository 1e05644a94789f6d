package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads the inventory out of a volume, to write others of the same bundle again. Nothing else of the volume is looked
 * at, and no signature is checked.
 */
public final class VolumeHead {
    private VolumeHead() {}

    /**
     * The inventory of a volume and its signature, read within the limits of {@link BundleLimits}: the file may come
     * from the other side.
     *
     * @param volume a tar or a folder
     * @throws BundleException if there is none, or it is not readable
     */
    public static SavedExports.Saved read(Path volume) throws IOException {
        VolumeReader reader = Files.isDirectory(volume) ? new FolderVolume(volume) : new TarVolume(volume);
        VolumeClaims claims;
        try {
            claims = UnreadableException.reading(volume, reader::head);
        } catch (VolumeException e) {
            throw new BundleException(String.valueOf(e.getMessage()), e);
        }
        Inventory inventory = InventoryJson.read(claims.document(), ShownPath.of(volume) + ": " + VolumePlan.INVENTORY);
        return new SavedExports.Saved(
                inventory, claims.document(), claims.signature(), VolumeNames.output(volume, inventory.volumes()));
    }
}
