package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.Collection;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;

/**
 * Writes and reads the inventory document: one inventory has exactly one document, and a document that is not exactly
 * that is refused.
 */
public final class InventoryJson {
    private InventoryJson() {}

    /**
     * The document.
     *
     * @throws BundleException if it exceeds {@link BundleLimits#DOCUMENT_BYTES}
     */
    public static byte[] write(Inventory inventory) throws BundleException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        write(inventory, bytes);
        if (bytes.size() > BundleLimits.DOCUMENT_BYTES) {
            throw new BundleException("the inventory would have " + bytes.size() + " bytes, allowed are "
                    + BundleLimits.DOCUMENT_BYTES + "; export fewer images at a time");
        }
        return bytes.toByteArray();
    }

    /** The id of the bundle that has this inventory: the digest of the document. */
    public static Digest bundleId(byte[] document) {
        return Digest.sha256(document);
    }

    /**
     * Reads a document.
     *
     * @param place where it is, for messages
     * @throws BundleException if it is too long, not an inventory of this version, not in the one form that it has, or
     *     does not go together
     */
    public static Inventory read(byte[] document, String place) throws BundleException {
        try (InventoryReader reader = new InventoryReader(document)) {
            Inventory inventory = reader.read();
            SameBytes same = new SameBytes(document);
            write(inventory, same);
            if (!same.isSame()) {
                throw new BundleException(
                        place + " is not written as an inventory is: the order of its keys, white space, "
                                + "or something twice");
            }
            return inventory;
        } catch (JacksonException e) {
            throw new BundleException(place + " is not a readable inventory: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new BundleException(place + " is not an inventory: " + e.getMessage(), e);
        }
    }

    private static void write(Inventory inventory, OutputStream out) {
        try (JsonGenerator json = OciJson.mapper().createGenerator(out)) {
            json.writeStartObject();
            json.writeNumberProperty("inventory", Inventory.VERSION);
            json.writeNumberProperty("volumes", inventory.volumes());
            inventory.volumeBytes().ifPresent(bytes -> json.writeNumberProperty("volume-bytes", bytes));
            since(json, inventory.since());
            json.writeArrayPropertyStart("images");
            inventory.images().forEach(image -> write(json, image));
            json.writeEndArray();
            json.writeArrayPropertyStart("manifests");
            inventory.manifests().values().forEach(manifest -> write(json, manifest));
            json.writeEndArray();
            json.writeArrayPropertyStart("blobs");
            inventory.blobs().values().forEach(blob -> write(json, blob));
            json.writeEndArray();
            json.writeArrayPropertyStart("fallbacks");
            inventory.fallbacks().values().forEach(fallback -> write(json, fallback));
            json.writeEndArray();
            json.writeEndObject();
        }
    }

    // One is no list: so it was before there could be several.
    private static void since(JsonGenerator json, List<Digest> since) {
        if (since.size() == 1) {
            json.writeStringProperty("since", since.getFirst().toString());
        } else {
            strings(json, "since", since);
        }
    }

    private static void write(JsonGenerator json, BundledImage image) {
        json.writeStartObject();
        json.writeStringProperty("source", image.source().toString());
        json.writeStringProperty("repository", image.repository().value());
        json.writeStringProperty("tag", image.tag().value());
        json.writeStringProperty("manifest", image.manifest().toString());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, BundledManifest manifest) {
        Descriptor descriptor = manifest.descriptor();
        json.writeStartObject();
        json.writeStringProperty("digest", descriptor.digest().toString());
        json.writeStringProperty("mediaType", descriptor.mediaType().value());
        json.writeNumberProperty("size", descriptor.sizeBytes());
        descriptor.artifactType().ifPresent(type -> json.writeStringProperty("artifactType", type));
        if (!descriptor.annotations().isEmpty()) {
            json.writeObjectPropertyStart("annotations");
            descriptor.annotations().forEach(json::writeStringProperty);
            json.writeEndObject();
        }
        strings(json, "repositories", manifest.repositories());
        strings(json, "children", manifest.children());
        strings(json, "omitted", manifest.omitted());
        strings(json, "blobs", manifest.blobs());
        manifest.subject().ifPresent(subject -> json.writeStringProperty("subject", subject.toString()));
        strings(json, "referrers", manifest.referrers());
        if (!manifest.cosign().isEmpty()) {
            json.writeArrayPropertyStart("cosign");
            for (BundledManifest.CosignTag tag : manifest.cosign()) {
                json.writeStartObject();
                json.writeStringProperty("repository", tag.repository().value());
                json.writeStringProperty("tag", tag.tag().value());
                json.writeStringProperty("manifest", tag.manifest().toString());
                json.writeEndObject();
            }
            json.writeEndArray();
        }
        write(json, manifest.placement());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, BundledBlob blob) {
        json.writeStartObject();
        json.writeStringProperty("digest", blob.digest().toString());
        json.writeNumberProperty("size", blob.sizeBytes());
        strings(json, "repositories", blob.repositories());
        write(json, blob.placement());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, BundledFallback fallback) {
        json.writeStartObject();
        json.writeStringProperty("subject", fallback.subject().toString());
        json.writeStringProperty("digest", fallback.digest().toString());
        json.writeNumberProperty("size", fallback.sizeBytes());
        json.writeNumberProperty("volume", fallback.volume());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, Placement placement) {
        switch (placement) {
            case Placement.InVolume in -> json.writeNumberProperty("volume", in.volume());
            case Placement.InParts in -> write(json, in.parts());
            case Placement.Held held ->
                json.writeStringProperty("held", held.repository().value());
        }
    }

    private static void write(JsonGenerator json, List<Placement.Part> parts) {
        json.writeArrayPropertyStart("parts");
        for (Placement.Part part : parts) {
            json.writeStartObject();
            json.writeNumberProperty("volume", part.volume());
            json.writeNumberProperty("size", part.sizeBytes());
            json.writeStringProperty("digest", part.digest().toString());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void strings(JsonGenerator json, String name, Collection<?> values) {
        if (!values.isEmpty()) {
            json.writeArrayPropertyStart(name);
            values.forEach(value -> json.writeString(value.toString()));
            json.writeEndArray();
        }
    }
}
