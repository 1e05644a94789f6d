package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The page on the admin port, and what it asks for, over real sockets. */
class PageTest {
    @TempDir
    private Path folder;

    private PageWorld world;

    @BeforeEach
    void start() throws Exception {
        world = PageWorld.started(folder, 120);
        world.pull();
    }

    @AfterEach
    void stop() {
        world.close();
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }

    @Test
    void rootLeadsToThePageWhichLoadsNothingFromElsewhere() throws Exception {
        HttpResponse<String> root = world.admin("/");
        assertThat(root.statusCode()).isEqualTo(302);
        assertThat(header(root, "Location")).isEqualTo("ui/");
        HttpResponse<String> page = world.admin("/ui/");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(header(page, "Content-Type")).isEqualTo("text/html; charset=utf-8");
        assertThat(header(page, "Content-Security-Policy"))
                .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe", "http");
        assertThat(header(page, "X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(page.body()).doesNotContain("http://", "https://", " style=", " onclick=");
    }

    @Test
    void browserThatHasAFileIsNotSentItAgain() throws Exception {
        HttpResponse<String> first = world.admin("/ui/page.js");
        assertThat(header(first, "Content-Type")).isEqualTo("text/javascript; charset=utf-8");
        assertThat(header(first, "Cache-Control")).isEqualTo("no-cache");
        HttpResponse<String> second = world.admin("/ui/page.js", "If-None-Match", header(first, "ETag"));
        assertThat(second.statusCode()).isEqualTo(304);
        assertThat(second.body()).isEmpty();
        assertThat(world.admin("/ui/page.js", "If-None-Match", "\"other\"").statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/ui/nothing.js",
                "/ui/Page.class",
                "/ui/../version.properties",
                "/ui/..%2fversion.properties",
                "/ui/%2e%2e/version.properties",
                "/ui/api/nothing"
            })
    void nothingButThePagesFilesIsServed(String path) throws Exception {
        assertThat(world.admin(path).statusCode()).isEqualTo(404);
    }

    @Test
    void pagesOfOtherSitesMayLinkToThePageAndReadNothing() throws Exception {
        String[] foreign = {"Sec-Fetch-Site", "cross-site"};
        assertThat(world.admin("/ui/", foreign).statusCode()).isEqualTo(200);
        assertThat(world.admin("/ui/api/overview", foreign).statusCode()).isEqualTo(403);
        assertThat(world.admin("/ui/api/events", foreign).statusCode()).isEqualTo(403);
        assertThat(world.admin("/ui/api/overview", "Sec-Fetch-Site", "same-origin")
                        .statusCode())
                .isEqualTo(200);
    }

    private long bytes(String verdict) throws Exception {
        return world.json("/ui/api/overview")
                .path("traffic")
                .path("bytes")
                .path(verdict)
                .asLong();
    }

    @Test
    void overviewCountsWhereAnswersCameFrom() throws Exception {
        // Of the other image: three times its tag, its manifest and two layers. What was still being written was
        // joined, and the last answer is counted after its client has it.
        MirrorFixture.await(() -> bytes("hit") + bytes("joined") >= 2 * 705_000);
        assertThat(bytes("miss") + bytes("joined")).isGreaterThan(700_000);
        JsonNode traffic = world.json("/ui/api/overview").path("traffic");
        assertThat(traffic.path("requests").path("hit").asLong()).isPositive();
        JsonNode minutes = traffic.path("minutes");
        assertThat(minutes.size()).isEqualTo(60);
        // A client may have the last byte before the blob has its name.
        MirrorFixture.await(() ->
                world.json("/ui/api/overview").path("disk").path("contentBytes").asLong() > 700_000);
        JsonNode disk = world.json("/ui/api/overview").path("disk");
        assertThat(disk.path("usedBytes").asLong()).isGreaterThan(700_000);
        assertThat(disk.path("capacityBytes").asLong()).isEqualTo(20L << 30);
        assertThat(Stream.of("contentBytes", "comingBytes", "quarantineBytes", "ballastBytes")
                        .mapToLong(part -> disk.path(part).asLong(-1))
                        .peek(part -> assertThat(part).isNotNegative())
                        .sum())
                .as("the parts of what is used")
                .isEqualTo(disk.path("usedBytes").asLong());
    }

    @Test
    void refusalsSayWhatWasRefusedAndWhy() throws Exception {
        world.beRefused();
        world.get("/v2/team/app/manifests/not-there");
        MirrorFixture.await(() -> world.json("/ui/api/refusals").path("count").asLong() == 3);
        JsonNode refusals = world.json("/ui/api/refusals");
        JsonNode newest = refusals.path("refusals").path(0);
        assertThat(newest.path("kind").asString("")).isEqualTo("no such endpoint");
        assertThat(newest.path("userAgent").asString("")).isEqualTo("<b>bold</b>/1.0");
        assertThat(refusals.path("refusals").path(1).path("kind").asString("")).isEqualTo("unknown upstream");
        JsonNode denied = refusals.path("refusals").path(2);
        assertThat(denied.path("kind").asString("")).isEqualTo("denied");
        assertThat(denied.path("reason").asString("")).contains("not for this site");
    }

    @Test
    void repositoriesComeInPagesAndByPartsOfTheirName() throws Exception {
        JsonNode first = world.json("/ui/api/repositories?n=50");
        assertThat(first.path("all").asInt()).isEqualTo(122);
        assertThat(first.path("repositories").size()).isEqualTo(50);
        JsonNode last = world.json("/ui/api/repositories?n=50&offset=100");
        assertThat(last.path("repositories").size()).isEqualTo(22);
        JsonNode app = world.json("/ui/api/repositories?text=TEAM%2Fapp");
        assertThat(app.path("matching").asInt()).isEqualTo(1);
        JsonNode line = app.path("repositories").path(0);
        assertThat(line.path("repository").asString("")).isEqualTo(PageWorld.APP);
        assertThat(line.path("tags").asInt()).isEqualTo(1);
        assertThat(line.path("manifests").asInt()).isEqualTo(5);
        assertThat(world.admin("/ui/api/repositories?n=100000").statusCode()).isEqualTo(400);
    }

    @Test
    void tagsSayWhatTheyNameAndWhetherItIsKept() throws Exception {
        JsonNode tags = world.json("/ui/api/tags?repository=" + PageWorld.APP);
        JsonNode tag = tags.path("tags").path(0);
        assertThat(tag.path("tag").asString("")).isEqualTo("1.0");
        assertThat(tag.path("digest").asString(""))
                .isEqualTo(world.image.digest().toString());
        assertThat(tag.path("kept").asBoolean()).isTrue();
        assertThat(tags.path("manifests").size()).isEqualTo(5);
        assertThat(tags.path("manifests")
                        .valueStream()
                        .map(line -> line.path("artifactType").asString(""))
                        .toList())
                .contains(PageWorld.SBOM, PageWorld.SIGNATURE, PageWorld.MARKUP);
        assertThat(world.json("/ui/api/tags?text=zz&repository=" + PageWorld.APP)
                        .path("tags")
                        .size())
                .isZero();
        assertThat(world.admin("/ui/api/tags?repository=..").statusCode()).isEqualTo(400);
    }

    private static JsonNode manifest(JsonNode image, Object digest) {
        return image.path("manifests")
                .valueStream()
                .filter(node -> node.path("digest").asString("").equals(digest.toString()))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void imageShowsWhatIsKeptAndWhatIsNotWithoutAskingTheUpstream() throws Exception {
        int before = world.registry.requests(request -> true).size();
        JsonNode image = world.json("/ui/api/image?reference=1.0&repository=" + PageWorld.APP);
        assertThat(image.path("root").asString(""))
                .isEqualTo(world.image.digest().toString());
        assertThat(image.path("manifests").size()).isEqualTo(6);
        assertThat(image.path("manifestsKept").asInt()).isEqualTo(5);
        JsonNode amd64 = manifest(image, world.image.manifestDigests().getFirst());
        assertThat(amd64.path("kept").asBoolean()).isTrue();
        assertThat(amd64.path("platform").asString("")).isEqualTo("linux/amd64");
        assertThat(amd64.has("referrersAsOf"))
                .as("nobody asked what refers to it")
                .isFalse();
        JsonNode arm64 = manifest(image, world.image.manifestDigests().get(1));
        assertThat(arm64.path("kept").asBoolean()).isFalse();
        JsonNode root = manifest(image, world.image.digest());
        assertThat(root.path("referrers").size()).isEqualTo(2);
        JsonNode sbom = manifest(image, world.sbom.digest());
        assertThat(sbom.path("artifactType").asString("")).isEqualTo(PageWorld.SBOM);
        assertThat(sbom.path("referrers").path(0).asString(""))
                .isEqualTo(world.signature.digest().toString());
        assertThat(world.registry.requests(request -> true)).hasSize(before);
    }

    @Test
    void imageOfWhichNothingIsKnownIsNotFound() throws Exception {
        assertThat(world.admin("/ui/api/image?reference=9.9&repository=" + PageWorld.APP)
                        .statusCode())
                .isEqualTo(404);
        // Another repository has this; of this one that is not known.
        assertThat(world.admin("/ui/api/image?reference=" + world.other.digest() + "&repository=" + PageWorld.APP)
                        .statusCode())
                .isEqualTo(404);
        assertThat(world.admin("/ui/api/image?reference=sha256:zz&repository=" + PageWorld.APP)
                        .statusCode())
                .isEqualTo(400);
    }

    @Test
    void searchFindsNamesTagsArtifactTypesAndDigests() throws Exception {
        JsonNode names = world.json("/ui/api/search?text=app-0001");
        assertThat(names.path("repositories").path("found").size()).isEqualTo(10);
        JsonNode tags = world.json("/ui/api/search?text=tool:V2");
        assertThat(tags.path("tags").path("found").path(0).path("repository").asString(""))
                .isEqualTo("registry.test/other/tool");
        JsonNode types = world.json("/ui/api/search?text=cyclonedx").path("artifacts");
        assertThat(types.path("complete").asBoolean()).isTrue();
        assertThat(types.path("found").path(0).path("subject").asString(""))
                .isEqualTo(world.image.digest().toString());
        JsonNode having = world.json("/ui/api/search?text=" + world.sbom.digest());
        assertThat(having.path("having")
                        .path("found")
                        .path(0)
                        .path("repository")
                        .asString(""))
                .isEqualTo(PageWorld.APP);
        assertThat(world.admin("/ui/api/search?text=x").statusCode()).isEqualTo(400);
        assertThat(world.json("/ui/api/search?text=%25%25")
                        .path("tags")
                        .path("found")
                        .size())
                .isZero();
    }

    @Test
    void replicationShowsRulesTheirLagAndRuns() throws Exception {
        JsonNode rule = world.json("/ui/api/replication").path("rules").path(0);
        assertThat(rule.path("rule").asString("")).isEqualTo("to-eu");
        assertThat(rule.path("targets").path(0).has("completeSince")).isFalse();
        world.sync();
        MirrorFixture.await(() -> world.json("/ui/api/replication")
                .path("rules")
                .path(0)
                .path("targets")
                .path(0)
                .has("completeSince"));
        MirrorFixture.await(() -> world.json("/ui/api/replication")
                        .path("runs")
                        .path(0)
                        .path("targets")
                        .size()
                == 1);
        JsonNode run = world.json("/ui/api/replication").path("runs").path(0);
        assertThat(run.path("outcome").asString("")).isEqualTo("complete");
        assertThat(world.json("/ui/api/runs/" + run.path("run").asLong())
                        .path("failures")
                        .size())
                .isZero();
        assertThat(world.admin("/ui/api/runs/99").statusCode()).isEqualTo(404);
    }

    private BufferedReader watch() throws IOException, InterruptedException {
        HttpResponse<InputStream> events = world.client()
                .send(
                        HttpRequest.newBuilder(world.admin().resolve("/ui/api/events"))
                                .build(),
                        HttpResponse.BodyHandlers.ofInputStream());
        assertThat(header(events, "Content-Type")).isEqualTo("text/event-stream; charset=utf-8");
        return new BufferedReader(new InputStreamReader(events.body(), StandardCharsets.UTF_8));
    }

    private static String next(BufferedReader events, String name) throws IOException {
        for (String line = events.readLine(); line != null; line = events.readLine()) {
            if (line.equals("event: " + name)) {
                return events.readLine();
            }
        }
        throw new IOException("the events have ended");
    }

    @Test
    void whoWatchesIsToldOfWhatChangesAndOfTheEnd() throws Exception {
        try (BufferedReader events = watch()) {
            String before = next(events, "overview");
            assertThat(next(events, "upstreams")).contains("quiet.test");
            assertThat(next(events, "replication")).contains("to-eu");
            world.beRefused();
            assertThat(next(events, "overview")).isNotEqualTo(before).contains("\"refusals\":3");
            world.stop();
            assertThat(next(events, "end")).isEqualTo("data: {}");
        }
    }

    @Test
    void noMoreThanThirtyTwoWatch() throws Exception {
        List<BufferedReader> watching = new ArrayList<>();
        try {
            for (int i = 0; i < 32; i++) {
                BufferedReader events = watch();
                next(events, "overview");
                watching.add(events);
            }
            HttpResponse<String> refused = world.admin("/ui/api/events");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.body()).contains("watch already");
        } finally {
            for (BufferedReader events : watching) {
                events.close();
            }
        }
    }
}
