package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayOutputStream;
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
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * All pins once more, in a file beside the index: the only thing in there that can be found again nowhere else. It is
 * read where the index was lost, damaged or exchanged; at all other times the index is right, and the file follows it.
 * Of a file that cannot all be used, as after a change by hand, the rest counts, and a copy is kept.
 *
 * @param layout where it lies
 */
record PinList(StoreLayout layout) {
    /** The longest list that pins may make, in bytes: some 250 000 of them. */
    static final int MAX_BYTES = 64 * 1024 * 1024;

    /** The longest list that is written and read: several that are pinned at once may go over by one pin each. */
    static final int LONGEST_BYTES = 2 * MAX_BYTES;

    private static final int VERSION = 1;
    // Of tokens an entry has a dozen.
    private static final StreamReadConstraints READ = OciJson.mapper()
            .tokenStreamFactory()
            .streamReadConstraints()
            .rebuild()
            .maxDocumentLength(LONGEST_BYTES)
            .maxTokenCount(16_000_000)
            .build();
    private static final JsonMapper MAPPER = JsonMapper.builder(OciJson.mapper()
                    .tokenStreamFactory()
                    .rebuild()
                    .streamReadConstraints(READ)
                    .build())
            .build();

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
        try {
            ContentStore.requireFile(file);
            try (var in = Files.newInputStream(file);
                    JsonParser parser = MAPPER.createParser(in)) {
                return Optional.of(contents(parser, file));
            }
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException(file + " is not a list of pins: " + e.getMessage(), e);
        }
    }

    // Entry by entry: all of them as a tree would take as much memory again as twenty times the file.
    private static Contents contents(JsonParser parser, Path file) throws IOException {
        boolean known = false;
        Optional<Contents> contents = Optional.empty();
        if (parser.nextToken() == JsonToken.START_OBJECT) {
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                boolean list = parser.nextToken() == JsonToken.START_ARRAY;
                if (name.equals("pins") && list) {
                    contents = Optional.of(entries(parser));
                } else {
                    JsonNode value = parser.readValueAsTree();
                    known |= name.equals("version") && value.asInt(0) == VERSION;
                }
            }
        }
        // What follows the list is read as well, since it may be half of another.
        if (!known || contents.isEmpty() || parser.nextToken() != null) {
            throw new IOException(file + " is not a list of pins of format " + VERSION);
        }
        return contents.get();
    }

    private static Contents entries(JsonParser parser) {
        List<Pin> pins = new ArrayList<>();
        int unusable = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            Optional<Pin> pin = pin(parser.readValueAsTree());
            pin.ifPresent(pins::add);
            unusable += pin.isPresent() ? 0 : 1;
        }
        return new Contents(pins, unusable);
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

    /** The length of the list as it lies there, in bytes; 0 if there is none. */
    long sizeBytes() throws IOException {
        return FileIdentity.of(layout.pins()).map(FileIdentity::sizeBytes).orElse(0L);
    }

    /**
     * Writes the pins, durably and whole.
     *
     * @param json the list, {@linkplain #encode encoded}
     * @throws Durability.NotForcedException if it is written, and a power failure may bring back the one before
     * @throws IOException if the disk refuses, or it is longer than {@link #LONGEST_BYTES}; the list is as before then
     */
    void write(byte[] json) throws IOException {
        if (json.length > LONGEST_BYTES) {
            throw new IOException("it would have " + json.length + " bytes, and " + LONGEST_BYTES
                    + " are the most; unpin some (entrepot cache unpin)");
        }
        Durability.write(layout.temporaryPins(), layout.pins(), json);
    }

    /** Pins as a list has them. */
    static byte[] encode(List<Pin> pins) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = MAPPER.writerWithDefaultPrettyPrinter().createGenerator(bytes)) {
            json.writeStartObject();
            json.writeNumberProperty("version", VERSION);
            json.writeArrayPropertyStart("pins");
            pins.forEach(pin -> encode(pin, json));
            json.writeEndArray();
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private static void encode(Pin pin, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("repository", pin.repository().toString());
        json.writeStringProperty("reference", pin.reference().toString());
        json.writeArrayPropertyStart("platforms");
        pin.platforms().forEach(platform -> json.writeString(platform.toString()));
        json.writeEndArray();
        json.writeBooleanProperty("referrers", pin.referrers());
        json.writeBooleanProperty("ruled", pin.ruled());
        json.writeEndObject();
    }
}
