package dev.entrepot.proxy.page;

import dev.entrepot.proxy.admin.AdminContent;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The page, and what it asks for; all of it is read with GET, bounded, and without asking an upstream:
 *
 * <pre>
 * /ui/                                          the page and its files; / leads to it
 * /ui/api/overview                              figures
 * /ui/api/repositories?text=&amp;offset=&amp;n=         repositories by name
 * /ui/api/tags?repository=&amp;text=&amp;after=&amp;all=&amp;n=  tags of one, and the manifests last used
 * /ui/api/image?repository=&amp;reference=          the graph of an image, as far as it is kept
 * /ui/api/search?text=                          names, tags, artifact types; or a digest
 * /ui/api/replication, /ui/api/runs/RUN         rules with lag and progress, the last runs; one run
 * /ui/api/upstreams                             as /upstreams, which asks nobody
 * /ui/api/refusals                              the last refusals
 * /ui/api/events                                server-sent events: overview, upstreams, replication
 * </pre>
 */
public final class Page implements AdminEndpoint, AutoCloseable {
    private static final String ROOT = "/ui/";
    private static final String API = ROOT + "api/";
    private static final String EVENTS = API + "events";
    private static final String RUN = "runs/";

    private final PageSources sources;
    private final PageFiles files = new PageFiles();
    private final Overview overview;
    private final Catalogue catalogue;
    private final Search search;
    private final LiveEvents events;

    /** Shows these. */
    public Page(PageSources sources) {
        this(sources, Optional.empty());
    }

    /** As above, with another time between two events. */
    Page(PageSources sources, Optional<Duration> period) {
        this.sources = sources;
        this.overview = new Overview(sources);
        RepositoryNames names = new RepositoryNames(sources.index(), System::nanoTime);
        this.catalogue = new Catalogue(names, sources.index(), sources.images());
        this.search = new Search(names, sources.index());
        Map<String, LiveEvents.Topic> topics = new LinkedHashMap<>();
        topics.put("overview", () -> overview.json().toString());
        topics.put("upstreams", () -> sources.upstreams().known().json().toString());
        topics.put("replication", () -> sources.replication().json().toString());
        this.events = period.map(time -> new LiveEvents(topics, time, System::nanoTime))
                .orElseGet(() -> new LiveEvents(topics));
    }

    @Override
    public Optional<AdminContent> content(AdminRequest request) throws IOException {
        String path = request.path();
        if (path.equals("/") || path.equals("/ui")) {
            // Relative, so that it also leads there behind a proxy that adds a path.
            Map<String, String> headers = Map.of("Location", "ui/", "Cache-Control", "no-cache");
            return Optional.of(new AdminContent.Document(302, headers, new byte[0]));
        }
        if (path.equals(EVENTS)) {
            return Optional.of(events.watch().orElseGet(Page::tooMany));
        }
        if (path.startsWith(ROOT) && !path.startsWith(API)) {
            return files.find(path.substring(ROOT.length()), request.header().apply("If-None-Match"));
        }
        return Optional.empty();
    }

    private static AdminContent tooMany() {
        byte[] body = (AdminReply.error(503, LiveEvents.MOST_WATCHERS + " watch already; close a page, or try again")
                                .json()
                        + "\n")
                .getBytes(StandardCharsets.UTF_8);
        return new AdminContent.Document(
                503,
                Map.of("Content-Type", "application/json", "Retry-After", "30", "Cache-Control", "no-store"),
                body);
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) throws IOException {
        if (!request.path().startsWith(ROOT)) {
            return Optional.empty();
        }
        if (!request.method().equals("GET")) {
            return Optional.of(AdminReply.error(405, "the page only shows; commands and the admin API change things"));
        }
        if (!request.path().startsWith(API)) {
            return Optional.of(AdminReply.error(404, "the page has no such file; it begins at /ui/"));
        }
        try {
            return Optional.of(found(request));
        } catch (IllegalArgumentException e) {
            return Optional.of(AdminReply.error(400, String.valueOf(e.getMessage())));
        }
    }

    private AdminReply found(AdminRequest request) throws IOException {
        String name = request.path().substring(API.length());
        Parameters parameters = new Parameters(request.query());
        return switch (name) {
            case "overview" -> ok(overview.json());
            case "repositories" -> ok(catalogue.repositories(parameters));
            case "tags" -> ok(catalogue.tags(parameters));
            case "image" ->
                catalogue
                        .image(parameters)
                        .map(Page::ok)
                        .orElseGet(() -> AdminReply.error(
                                404,
                                "nothing is known here of this image: nobody has asked for it, or it was forgotten"));
            case "search" ->
                search.find(parameters)
                        .map(Page::ok)
                        .orElseGet(() -> AdminReply.error(503, "others are searching; try again"));
            case "replication" -> ok(sources.replication().json());
            case "upstreams" -> ok(sources.upstreams().known().json());
            case "refusals" -> ok(sources.refusals().json());
            default ->
                name.startsWith(RUN)
                        ? run(name.substring(RUN.length()))
                        : AdminReply.error(404, "no such part of the page");
        };
    }

    private AdminReply run(String number) throws IOException {
        Optional<ObjectNode> run =
                number.matches("[0-9]{1,18}") ? sources.replication().run(Long.parseLong(number)) : Optional.empty();
        return run.map(Page::ok).orElseGet(() -> AdminReply.error(404, "there is no run " + number));
    }

    private static AdminReply ok(ObjectNode json) {
        return new AdminReply(200, json.toString());
    }

    /** Ends the events. */
    @Override
    public void close() {
        events.close();
    }
}
