package dev.entrepot.proxy.page;

import dev.entrepot.cache.Browsing;
import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.KeptImages;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Repositories, tags and images, a page at a time. Asks no upstream. Safe for all threads. */
final class Catalogue {
    private static final int PAGE = 50;
    private static final int LARGEST_PAGE = 200;
    private static final int MANIFESTS = 50;

    private final RepositoryNames names;
    private final Browsing browsing;
    private final KeptImages images;

    Catalogue(RepositoryNames names, CacheIndex index, KeptImages images) {
        this.names = names;
        this.browsing = new Browsing(index);
        this.images = images;
    }

    /** {@code ?text=&offset=&n=}: repositories by name. */
    ObjectNode repositories(Parameters parameters) throws IOException {
        RepositoryNames.Names all = names.all();
        List<RepositoryNames.Name> matching = all.containing(parameters.text("text"));
        int offset = parameters.number("offset", 0, 0, RepositoryNames.MOST);
        int n = parameters.number("n", PAGE, 1, LARGEST_PAGE);
        int from = Math.min(offset, matching.size());
        List<Repository> page = matching.subList(from, Math.min(matching.size(), from + n)).stream()
                .map(RepositoryNames.Name::repository)
                .toList();
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("all", all.list().size());
        json.put("complete", all.complete());
        json.put("matching", matching.size());
        json.put("offset", from);
        ArrayNode array = json.putArray("repositories");
        browsing.lines(page).forEach(line -> array.add(line(line)));
        return json;
    }

    private static ObjectNode line(Browsing.RepositoryLine line) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("repository", line.repository().toString());
        json.put("tags", line.tags());
        json.put("manifests", line.manifests());
        json.put("blobs", line.blobs());
        json.put("bytes", line.bytes());
        json.put("atLeast", line.atLeast());
        line.lastUsed().ifPresent(at -> json.put("lastUsed", at.toString()));
        return json;
    }

    /** {@code ?repository=&text=&after=&all=&n=}: the tags of a repository, and the manifests last used. */
    ObjectNode tags(Parameters parameters) throws IOException {
        Repository repository = Repository.parse(parameters.required("repository"));
        Optional<Tag> after = parameters.find("after").map(Tag::new);
        int n = parameters.number("n", PAGE, 1, LARGEST_PAGE);
        List<Browsing.TagLine> tags = browsing.tags(
                repository,
                after,
                parameters.text("text"),
                parameters.find("all").isPresent(),
                n + 1);
        ObjectNode json = OciJson.mapper().createObjectNode();
        ArrayNode array = json.putArray("tags");
        tags.stream().limit(n).forEach(tag -> array.add(tag(tag)));
        if (tags.size() > n) {
            json.put("next", tags.get(n - 1).tag().value());
        }
        if (after.isEmpty()) {
            json.set("repository", line(browsing.lines(List.of(repository)).getFirst()));
            browsing.upstreamTags(repository)
                    .ifPresent(list ->
                            json.put("upstreamListAsOf", list.fetchedAt().toString()));
            ArrayNode manifests = json.putArray("manifests");
            browsing.manifests(repository, MANIFESTS).forEach(line -> manifests.add(manifest(line)));
        }
        return json;
    }

    private ObjectNode tag(Browsing.TagLine tag) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("tag", tag.tag().value());
        json.put("digest", tag.digest().toString());
        json.put("checkedAt", tag.checkedAt().toString());
        json.put("firstSeenAt", tag.firstSeenAt().toString());
        json.put("kept", tag.manifest().isPresent());
        tag.manifest().ifPresent(manifest -> types(json, tag.digest(), manifest));
        return json;
    }

    private void types(ObjectNode json, Digest digest, Browsing.StoredManifest manifest) {
        manifest.mediaType().ifPresent(type -> json.put("mediaType", type));
        images.artifactType(digest, manifest.bytes()).ifPresent(type -> json.put("artifactType", type));
    }

    private ObjectNode manifest(Browsing.ManifestLine line) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("digest", line.digest().toString());
        types(json, line.digest(), line.manifest());
        json.put("bytes", line.manifest().bytes());
        json.put("lastUsed", line.lastUsed().toString());
        return json;
    }

    /** {@code ?repository=&reference=}: the graph of an image, from what is kept; empty if nothing is known of it. */
    Optional<ObjectNode> image(Parameters parameters) {
        Repository repository = Repository.parse(parameters.required("repository"));
        String text = parameters.required("reference");
        ManifestReference reference = text.contains(":") ? Digest.parse(text) : new Tag(text);
        return images.find(repository, reference).map(image -> ImageJson.of(image, text));
    }
}
