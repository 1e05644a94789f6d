package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * All pins once more, in a file beside the index: the only thing in there that can be found again nowhere else. It is
 * read where the index was lost, damaged or exchanged; at all other times the index is right, and the file follows it.
 *
 * @param layout where it lies
 */
record PinList(StoreLayout layout) {
    private static final int VERSION = 1;
    // What the reader of JSON takes: more than a hundred thousand pins.
    private static final int MAX_BYTES = 4 * OciLimits.MAX_MANIFEST_BYTES;

    /**
     * Reads the pins.
     *
     * @return empty if there is no such file
     * @throws IOException if it cannot be read, or does not make sense; the message names it
     */
    Optional<List<Pin>> read() throws IOException {
        Path file = layout.pins();
        byte[] bytes;
        try {
            ContentStore.requireFile(file);
            try (var in = Files.newInputStream(file)) {
                bytes = in.readNBytes(MAX_BYTES);
            }
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        try {
            JsonNode json = OciJson.mapper().readTree(bytes);
            if (json.path("version").asInt(0) != VERSION || !json.path("pins").isArray()) {
                throw new IOException(file + " is not a list of pins of format " + VERSION);
            }
            List<Pin> pins = new ArrayList<>();
            json.path("pins").forEach(pin -> pins.add(pin(pin)));
            return Optional.of(pins);
        } catch (JacksonException | IllegalArgumentException e) {
            throw new IOException(file + " is not a list of pins: " + e.getMessage(), e);
        }
    }

    private static Pin pin(JsonNode json) {
        String reference = json.path("reference").asString("");
        List<Platform> platforms = new ArrayList<>();
        json.path("platforms").forEach(platform -> platforms.add(Platform.parse(platform.asString(""))));
        ManifestReference named = reference.contains(":") ? Digest.parse(reference) : new Tag(reference);
        return new Pin(
                Repository.parse(json.path("repository").asString("")),
                named,
                platforms,
                json.path("referrers").asBoolean(true),
                json.path("ruled").asBoolean(false));
    }

    /**
     * Writes the pins, durably and whole.
     *
     * @throws IOException if the disk refuses; the list is as before then
     */
    void write(List<Pin> pins) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode().put("version", VERSION);
        ArrayNode list = json.putArray("pins");
        for (Pin pin : pins) {
            ObjectNode one = list.addObject()
                    .put("repository", pin.repository().toString())
                    .put("reference", pin.reference().toString());
            ArrayNode platforms = one.putArray("platforms");
            pin.platforms().forEach(platform -> platforms.add(platform.toString()));
            one.put("referrers", pin.referrers()).put("ruled", pin.ruled());
        }
        Durability.write(
                layout.temporaryPins(),
                layout.pins(),
                OciJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
    }
}
