package dev.entrepot.proxy;

import dev.entrepot.cache.Inventory;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.UserInName;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Lists what is stored, in pages of {@value #ROWS} rows: a server may have a million of them, and whoever may ask once
 * may ask many times at once. Thread-safe.
 */
final class CacheListing {
    /** How many rows of the index a page looks at; it shows no more than these. */
    static final int ROWS = 1000;

    private static final String NEXT = "next";
    private static final String CONTENTS = "contents";
    private static final Comparator<JsonNode> BY_USE = Comparator.comparing(
                    (JsonNode content) -> content.path("kind").asString(""), Comparator.reverseOrder())
            .thenComparing(content -> Instant.parse(content.path("lastUsed").asString("")), Comparator.reverseOrder());

    private final Inventory inventory;
    private final int rows;

    CacheListing(Inventory inventory) {
        this(inventory, ROWS);
    }

    /** With other pages. */
    CacheListing(Inventory inventory, int rows) {
        this.inventory = inventory;
        this.rows = rows;
    }

    /** Gives one page. */
    @FunctionalInterface
    interface Pages {
        /** The page after what the one before named as {@code next}; the first if that is empty. */
        JsonNode after(Optional<String> next) throws IOException, BadRequestException, InterruptedException;
    }

    /**
     * All pages as one, for who shows them: repositories by name, tags by name, contents with manifests first and the
     * last used before the others.
     */
    static JsonNode all(Pages pages) throws IOException, BadRequestException, InterruptedException {
        ObjectNode whole = (ObjectNode) pages.after(Optional.empty());
        Optional<String> next = next(whole);
        while (next.isPresent()) {
            JsonNode page = pages.after(next);
            page.forEachEntry((name, list) -> {
                if (list instanceof ArrayNode rows) {
                    whole.withArray(name).addAll(rows);
                }
            });
            next = next(page);
        }
        whole.remove(NEXT);
        if (whole.path(CONTENTS) instanceof ArrayNode contents) {
            List<JsonNode> sorted = new ArrayList<>(contents.values());
            sorted.sort(BY_USE);
            contents.removeAll();
            contents.addAll(sorted);
        }
        return whole;
    }

    private static Optional<String> next(JsonNode page) {
        return Optional.of(page.path(NEXT).asString("")).filter(next -> !next.isEmpty());
    }

    /**
     * A page of the repositories, or of the tags and then of what is stored of one.
     *
     * @param after what the page before named as {@code next}: a repository; or of one, a tag or digest
     */
    ObjectNode page(Optional<String> repository, Optional<String> after) throws IOException, BadRequestException {
        try {
            return repository.isEmpty()
                    ? repositories(after.map(Repository::parse))
                    : repository(repository(repository.get()), after);
        } catch (InvalidNameException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }

    private static Repository repository(String text) throws BadRequestException {
        UserInName.refuse(text);
        return Reference.parse(text).repository();
    }

    private ObjectNode repositories(Optional<Repository> after) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        ArrayNode array = json.putArray("repositories");
        Inventory.Page<Inventory.RepositoryUse, Repository> page = inventory.repositories(after, rows);
        page.rows()
                .forEach(found -> array.addObject()
                        .put("repository", found.repository().toString())
                        .put("tags", found.tags())
                        .put("manifests", found.manifests())
                        .put("blobs", found.blobs())
                        .put("bytes", found.bytes())
                        .put("lastUsed", found.lastUsed().toString()));
        page.last().ifPresent(last -> json.put(NEXT, last.toString()));
        return json;
    }

    private ObjectNode repository(Repository repository, Optional<String> after) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("repository", repository.toString());
        ArrayNode tags = json.putArray("tags");
        ArrayNode contents = json.putArray(CONTENTS);
        Optional<String> next = Optional.empty();
        // No tag has a colon, and each digest has one.
        if (after.filter(last -> last.indexOf(':') >= 0).isEmpty()) {
            next = tags(repository, after.map(Tag::new), tags);
        }
        if (next.isEmpty()) {
            next = contents(
                    repository, after.filter(last -> last.indexOf(':') >= 0).map(Digest::parse), contents);
        }
        next.ifPresent(last -> json.put(NEXT, last));
        return json;
    }

    private Optional<String> tags(Repository repository, Optional<Tag> after, ArrayNode tags) throws IOException {
        Inventory.Page<Inventory.KnownTag, Tag> page = inventory.tags(repository, after, rows);
        page.rows()
                .forEach(tag -> tags.addObject()
                        .put("tag", tag.tag().value())
                        .put("digest", tag.digest().toString())
                        .put("checkedAt", tag.checkedAt().toString())
                        .put("stored", tag.stored()));
        return page.last().map(Tag::value);
    }

    private Optional<String> contents(Repository repository, Optional<Digest> after, ArrayNode contents)
            throws IOException {
        Inventory.Page<Inventory.Content, Digest> page = inventory.contents(repository, after, rows);
        page.rows()
                .forEach(content -> contents.addObject()
                        .put("digest", content.digest().toString())
                        .put("kind", content.manifest() ? "manifest" : "blob")
                        .put("bytes", content.bytes())
                        .put("lastUsed", content.lastUsed().toString())
                        .put("uses", content.uses()));
        return page.last().map(Digest::toString);
    }
}
