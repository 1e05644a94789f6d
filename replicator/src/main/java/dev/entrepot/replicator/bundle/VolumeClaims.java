package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What a volume says about itself. Nothing of it is believed before the signature is.
 *
 * @param stated what its volume document says, if that can be read
 * @param id the digest of its inventory, which is the id of the bundle that has it
 * @param document its inventory
 * @param signature the inventory's signature, if there is one
 */
@SuppressWarnings("ArrayRecordComponent")
record VolumeClaims(Optional<Stated> stated, Digest id, byte[] document, Optional<byte[]> signature) {
    /** Longest marker and longest volume document that are read, in bytes. */
    static final int SMALL_BYTES = 1024;

    /** What a volume document says; of volumes that there can be. */
    record Stated(Digest bundle, int volume, int volumes) {
        Stated {
            Checks.volume(volume);
        }

        static Optional<Stated> read(byte[] json) {
            try {
                JsonNode root = OciJson.mapper().readTree(json);
                return Optional.of(new Stated(
                        Digest.parse(root.path("bundle").asString("")),
                        root.path("volume").asInt(0),
                        root.path("volumes").asInt(0)));
            } catch (JacksonException | IllegalArgumentException e) {
                return Optional.empty();
            }
        }
    }

    /** Of the three files, as they were read. */
    static VolumeClaims of(byte[] volume, byte[] document, Optional<byte[]> signature) {
        return new VolumeClaims(Stated.read(volume), InventoryJson.bundleId(document), document, signature);
    }

    /** Whether the volume document names the bundle of the inventory beside it. */
    boolean agrees() {
        return stated.filter(found -> found.bundle().equals(id)).isPresent();
    }
}
