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
import java.nio.file.attribute.FileTime;
import java.time.Instant;
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
 * Of a file that cannot all be used, as after a change by hand, the rest counts, and a copy is kept.
 *
 * @param layout where it lies
 */
record PinList(StoreLayout layout) {
    private static final int VERSION = 1;
    // Some seventy thousand pins.
    private static final int MAX_BYTES = 4 * OciLimits.MAX_MANIFEST_BYTES;

    /**
     * What the file says.
     *
     * @param pins those that can be used
     * @param unusable the number of entries that this program does not understand
     */
    record Contents(List<Pin> pins, int unusable) {}

    /**
     * Reads the pins that can be used.
     *
     * @return empty if there is no such file
     * @throws IOException if it cannot be read, or is no list of pins; the message names it
     */
    Optional<List<Pin>> read() throws IOException {
        return contents().map(Contents::pins);
    }

    /** As above, with how many entries cannot be used: one that cannot is no reason to lose the others. */
    Optional<Contents> contents() throws IOException {
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
            json.path("pins").forEach(pin -> pin(pin).ifPresent(pins::add));
            return Optional.of(new Contents(pins, json.path("pins").size() - pins.size()));
        } catch (JacksonException e) {
            throw new IOException(file + " is not a list of pins: " + e.getMessage(), e);
        }
    }

    /**
     * Keeps a copy of the file as it is now, unless there is one already. For a list that cannot all be used, before
     * another takes its place.
     *
     * @return the copy; empty if what is there is no file
     * @throws IOException if the disk refuses
     */
    Optional<Path> keepAside(Instant now) throws IOException {
        Path file = layout.pins();
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        int number = 1;
        while (Files.exists(layout.damagedPins(number))) {
            if (Files.mismatch(file, layout.damagedPins(number)) < 0) {
                return Optional.of(layout.damagedPins(number));
            }
            number++;
        }
        Path aside = layout.damagedPins(number);
        IndexReplacement.keep(file, aside);
        Files.setLastModifiedTime(aside, FileTime.from(now));
        Durability.forceFolder(Durability.parent(aside.toAbsolutePath()));
        return Optional.of(aside);
    }

    private static Optional<Pin> pin(JsonNode json) {
        try {
            return Optional.of(parsed(json));
        } catch (JacksonException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Pin parsed(JsonNode json) {
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
