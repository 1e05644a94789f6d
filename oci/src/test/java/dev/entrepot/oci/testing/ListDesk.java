package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers the lists: tags, repositories and referrers (distribution-spec end-8 and end-12), in pages with {@code Link}.
 */
final class ListDesk {
    private final Warehouse warehouse;

    ListDesk(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    Response tags(Abilities abilities, Request request, RepositoryName name) {
        Optional<Shelf> shelf = warehouse.find(name);
        if (shelf.isEmpty()) {
            return Response.error(404, "NAME_UNKNOWN");
        }
        List<String> all =
                shelf.get().tags().keySet().stream().map(Object::toString).toList();
        ObjectNode body = OciJson.mapper().createObjectNode().put("name", name.value());
        return page(abilities, request, all, body, "tags");
    }

    Response catalog(Abilities abilities, Request request) {
        if (!abilities.has(Feature.CATALOG)) {
            return Response.error(404, "UNSUPPORTED");
        }
        List<String> all =
                warehouse.all().keySet().stream().map(Object::toString).toList();
        return page(abilities, request, all, OciJson.mapper().createObjectNode(), "repositories");
    }

    private static Response page(
            Abilities abilities, Request request, List<String> all, ObjectNode body, String property) {
        int wanted = request.query("n").map(Integer::parseInt).orElse(Integer.MAX_VALUE);
        int size = Math.min(wanted, abilities.listPage());
        String after = request.query("last").orElse("");
        List<String> rest =
                all.stream().filter(entry -> entry.compareTo(after) > 0).toList();
        List<String> page = rest.stream().limit(size).toList();
        ArrayNode array = body.putArray(property);
        page.forEach(array::add);
        Response response = Response.json(200, body.toString());
        return page.isEmpty() || page.size() == rest.size()
                ? response
                : response.header(
                        "Link", "<%s?last=%s&n=%d>; rel=\"next\"".formatted(request.rawPath(), page.getLast(), size));
    }

    Response referrers(Abilities abilities, Request request, RepositoryName name, Digest subject) {
        if (!abilities.has(Feature.REFERRERS_API)) {
            return Response.of(404); // Without an error code: NAME_UNKNOWN would say that the repository is missing.
        }
        Optional<Shelf> shelf = warehouse.find(name);
        if (shelf.isEmpty()) {
            return Response.error(404, "NAME_UNKNOWN");
        }
        Optional<String> filter = request.query("artifactType").filter(_ -> abilities.has(Feature.REFERRERS_FILTER));
        List<Map.Entry<Digest, StoredManifest>> all = shelf.get().referrers(subject).stream()
                .filter(_ -> abilities.has(Feature.REFERRERS_LISTED))
                .filter(entry ->
                        filter.isEmpty() || entry.getValue().artifactType().equals(filter))
                .toList();
        int from = request.query("page").map(Integer::parseInt).orElse(0);
        int to = (int) Math.min(all.size(), (long) from + abilities.referrersPage());
        ObjectNode index = OciJson.mapper()
                .createObjectNode()
                .put("schemaVersion", 2)
                .put("mediaType", MediaType.OCI_INDEX.value());
        ArrayNode manifests = index.putArray("manifests");
        all.subList(from, to).forEach(entry -> manifests.add(describe(entry.getKey(), entry.getValue())));
        Response response = Response.json(200, index.toString()).header("Content-Type", MediaType.OCI_INDEX.value());
        if (filter.isPresent()) {
            response = response.header("OCI-Filters-Applied", "artifactType");
        }
        return to == all.size() ? response : response.header("Link", next(request, filter, to));
    }

    private static String next(Request request, Optional<String> filter, int from) {
        String kept = filter.map(type -> "&artifactType=" + URLEncoder.encode(type, StandardCharsets.UTF_8))
                .orElse("");
        return "<%s?page=%d%s>; rel=\"next\"".formatted(request.rawPath(), from, kept);
    }

    private static ObjectNode describe(Digest digest, StoredManifest manifest) {
        ObjectNode descriptor = OciJson.mapper()
                .createObjectNode()
                .put("mediaType", manifest.mediaType())
                .put("digest", digest.toString())
                .put("size", manifest.bytes().length);
        manifest.artifactType().ifPresent(type -> descriptor.put("artifactType", type));
        if (manifest.json().path("annotations").isObject()) {
            descriptor.set("annotations", manifest.json().path("annotations"));
        }
        return descriptor;
    }
}
