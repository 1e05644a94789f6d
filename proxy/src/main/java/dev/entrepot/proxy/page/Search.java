package dev.entrepot.proxy.page;

import dev.entrepot.cache.Browsing;
import dev.entrepot.cache.CacheIndex;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Searches names, tags and artifact types. A search looks at a bounded number of rows, and one runs at a time, so that
 * lookers-on never take the index away from clients. Safe for all threads.
 */
final class Search {
    /** The least characters that are searched for. */
    static final int SHORTEST = 2;

    private static final int SHOWN = 25;
    private static final int WAIT_SECONDS = 3;

    private final RepositoryNames names;
    private final Browsing browsing;
    private final Semaphore one = new Semaphore(1, true);

    Search(RepositoryNames names, CacheIndex index) {
        this.names = names;
        this.browsing = new Browsing(index);
    }

    /**
     * {@code ?text=}: a part of a name, of a tag ({@code name:tag} for both) or of an artifact type, or a digest.
     *
     * @return empty if others search, and do not end
     */
    Optional<ObjectNode> find(Parameters parameters) throws IOException {
        String text = parameters.text("text");
        if (text.length() < SHORTEST) {
            throw new IllegalArgumentException("a search needs " + SHORTEST + " characters");
        }
        try {
            if (!one.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS)) {
                return Optional.empty();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while another search ran");
        }
        try {
            return Optional.of(text.matches("sha(256|512):[0-9a-f]{64,128}") ? digest(text) : all(text));
        } finally {
            one.release();
        }
    }

    private ObjectNode digest(String text) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        Browsing.Found<?> having = browsing.having(Digest.parse(text), SHOWN);
        ArrayNode array = array(json, "having", having.complete());
        having.found()
                .forEach(repository -> array.addObject()
                        .put("repository", repository.toString())
                        .put("digest", text));
        return json;
    }

    private ObjectNode all(String text) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        List<RepositoryNames.Name> matching = names.all().containing(text);
        ArrayNode repositories = array(
                json, "repositories", matching.size() <= SHOWN && names.all().complete());
        matching.stream().limit(SHOWN).forEach(name -> repositories.addObject().put("repository", name.text()));
        int colon = text.lastIndexOf(':');
        Browsing.Found<Browsing.FoundTag> tags =
                browsing.searchTags(text.substring(colon + 1), colon < 0 ? "" : text.substring(0, colon), SHOWN);
        ArrayNode tagLines = array(json, "tags", tags.complete());
        tags.found()
                .forEach(found -> tagLines.addObject()
                        .put("repository", found.repository().toString())
                        .put("tag", found.tag().value())
                        .put("digest", found.digest().toString())
                        .put("checkedAt", found.checkedAt().toString()));
        Browsing.Found<Browsing.FoundReferrer> artifacts = browsing.searchReferrers(text, SHOWN);
        ArrayNode artifactLines = array(json, "artifacts", artifacts.complete());
        artifacts
                .found()
                .forEach(found -> artifactLines
                        .addObject()
                        .put("repository", found.repository().toString())
                        .put("subject", found.subject().toString())
                        .put("digest", found.referrer().digest().toString())
                        .put("artifactType", found.referrer().artifactType().orElse("")));
        return json;
    }

    private static ArrayNode array(ObjectNode json, String name, boolean complete) {
        ObjectNode part = json.putObject(name);
        part.put("complete", complete);
        return part.putArray("found");
    }
}
