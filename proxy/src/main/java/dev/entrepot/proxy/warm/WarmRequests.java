package dev.entrepot.proxy.warm;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Reference;
import dev.entrepot.proxy.admin.RequestBody;
import dev.entrepot.proxy.admin.RequestBody.Key;
import dev.entrepot.proxy.admin.RequestBody.Kind;
import dev.entrepot.replicator.fill.FillRequest;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is to be warmed, as it is sent to a server: {@code {"images": [...], "platforms": [...], "referrers": true}}.
 *
 * @param images the images
 * @param platforms the platforms that are wanted; all if empty
 * @param referrers whether what refers to them is wanted
 */
public record WarmRequests(List<Reference> images, List<Platform> platforms, boolean referrers) {
    // An admin request may have 1 MiB.
    private static final int BODY_BYTES = 512 * 1024;
    private static final RequestBody FORM = RequestBody.of(
            Key.required("images", Kind.TEXTS),
            Key.optional("platforms", Kind.TEXTS),
            Key.optional("referrers", Kind.BOOLEAN));

    /** Copies the lists. */
    public WarmRequests {
        images = List.copyOf(images);
        platforms = List.copyOf(platforms);
    }

    /** The same, with other platforms if none are wanted in particular. */
    WarmRequests or(List<Platform> others) {
        return platforms.isEmpty() ? new WarmRequests(images, others, referrers) : this;
    }

    /** As the filler takes them. */
    public List<FillRequest> toFill() {
        return images.stream()
                .map(image -> new FillRequest(image.repository(), image.manifest(), platforms, referrers))
                .toList();
    }

    /** The same in parts, each small enough for one request. */
    public List<WarmRequests> parts() {
        List<WarmRequests> parts = new ArrayList<>();
        List<Reference> part = new ArrayList<>();
        int bytes = 0;
        for (Reference image : images) {
            bytes += image.toString().length() + 8;
            if (bytes > BODY_BYTES) {
                parts.add(new WarmRequests(part, platforms, referrers));
                part.clear();
                bytes = 0;
            }
            part.add(image);
        }
        parts.add(new WarmRequests(part, platforms, referrers));
        return parts;
    }

    /** The body of a request. */
    public String toJson() {
        ObjectNode json = OciJson.mapper().createObjectNode();
        ArrayNode names = json.putArray("images");
        images.forEach(image -> names.add(image.toString()));
        ArrayNode wanted = json.putArray("platforms");
        platforms.forEach(platform -> wanted.add(platform.toString()));
        json.put("referrers", referrers);
        return json.toString();
    }

    /**
     * The body of a request, read.
     *
     * @throws InvalidNameException if a name in it is none
     * @throws IllegalArgumentException if it is not of that form
     */
    static WarmRequests read(byte[] body) {
        JsonNode json = FORM.read(body);
        if (json.path("images").isEmpty()) {
            throw new IllegalArgumentException("\"images\" must be a list of at least one image");
        }
        List<Reference> images = new ArrayList<>();
        json.path("images").forEach(image -> images.add(Reference.parse(image.asString(""))));
        List<Platform> platforms = new ArrayList<>();
        json.path("platforms").forEach(platform -> platforms.add(Platform.parse(platform.asString(""))));
        return new WarmRequests(images, platforms, json.path("referrers").asBoolean(true));
    }
}
