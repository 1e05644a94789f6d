package dev.entrepot.cache;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The content of {@code store.json}.
 *
 * @param version format of the store
 * @param bootId the boot of the machine under which the store was last opened, where the system names its boots
 * @param opening the number of the last opening in which the index could be used, for {@link StoreOpenings}; earlier
 *     programs wrote none
 */
record StoreMarker(int version, Optional<String> bootId, OptionalLong opening) {
    /** The format that this program reads and writes. */
    static final int VERSION = 1;

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int MAX_BYTES = 4096;

    /** Names the machine's present boot, where the system does. */
    static Optional<String> readBootId() {
        try {
            String id = Files.readString(BOOT_ID).strip();
            return id.isEmpty() ? Optional.empty() : Optional.of(id);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Reads the marker, if there is one.
     *
     * @throws IOException if the file cannot be read, is no marker, or is of a newer format; the message says what to
     *     do
     */
    static Optional<StoreMarker> read(Path file) throws IOException {
        byte[] bytes;
        try {
            if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
                throw new IOException(file
                        + " must be the marker of a store, and is not even a file: move it away; if the folder is a store, the marker is"
                        + " written again at the next start");
            }
            try (var in = Files.newInputStream(file)) {
                bytes = in.readNBytes(MAX_BYTES);
            }
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        JsonNode json;
        try {
            json = OciJson.mapper().readTree(bytes);
        } catch (JacksonException e) {
            throw new IOException(notMarker(file), e);
        }
        JsonNode version = json.path("version");
        if (!version.isInt() || version.intValue() < 1) {
            throw new IOException(notMarker(file));
        }
        if (version.intValue() > VERSION) {
            throw new IOException("the store at " + file.getParent() + " has format " + version.intValue()
                    + ", this program knows up to " + VERSION
                    + ": run the newer program that wrote it, or name another cache directory");
        }
        JsonNode bootId = json.path("bootId");
        JsonNode opening = json.path("opening");
        return Optional.of(new StoreMarker(
                version.intValue(),
                bootId.isString() ? Optional.of(bootId.stringValue()) : Optional.empty(),
                opening.canConvertToLong() && opening.isIntegralNumber()
                        ? OptionalLong.of(opening.longValue())
                        : OptionalLong.empty()));
    }

    private static String notMarker(Path file) {
        return file
                + " is not the marker of a store: if the folder is a store, remove this file, else name another cache directory";
    }

    /**
     * Writes the marker durably.
     *
     * @throws IOException if the disk refuses, also if only the folder cannot be forced: what is stored there would not
     *     be durable either
     */
    void write(Path temporary, Path file) throws IOException {
        var json = OciJson.mapper().createObjectNode().put("version", version);
        bootId.ifPresent(id -> json.put("bootId", id));
        opening.ifPresent(number -> json.put("opening", number));
        Durability.write(temporary, file, OciJson.mapper().writeValueAsBytes(json));
    }
}
