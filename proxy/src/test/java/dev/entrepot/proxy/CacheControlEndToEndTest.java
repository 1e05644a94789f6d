package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.header;
import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What caches between this server and its clients may keep, and for whom. */
class CacheControlEndToEndTest {
    private static final String YEAR = "max-age=31536000, immutable";

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Bundle image = registry.push(APP, new Images(2).image(100), "1");

    @AfterEach
    void stop() {
        registry.close();
    }

    private Map<String, String> cacheControl(String configuration, String... headers) throws Exception {
        try (MirrorFixture mirror = MirrorFixture.started(
                folder, "default-upstream: registry.test\n" + configuration.formatted(registry.uri()))) {
            Map<String, String> found = new LinkedHashMap<>();
            Map.of(
                            "tag", "manifests/1",
                            "digest", "manifests/" + image.digest(),
                            "blob", "blobs/" + image.blobs().keySet().iterator().next(),
                            "tags", "tags/list",
                            "referrers", "referrers/" + image.digest())
                    .forEach((what, path) -> found.put(what, asked(mirror, path, headers)));
            return found;
        }
    }

    private static String asked(MirrorFixture mirror, String path, String... headers) {
        try {
            HttpResponse<byte[]> answer = mirror.get("/v2/" + APP + "/" + path, headers);
            assertThat(answer.statusCode()).as(path).isIn(200, 404);
            return header(answer, "Cache-Control");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatEverybodyMayHaveMayBeKeptByAll() throws Exception {
        Map<String, String> found = cacheControl("upstreams: {registry.test: {url: \"%s\"}}\n");
        assertThat(found)
                .containsEntry("digest", "public, " + YEAR)
                .containsEntry("blob", "public, " + YEAR)
                .containsEntry("tag", "no-cache")
                .containsEntry("tags", "no-cache");
    }

    @Test
    void whatIsReadWithCredentialsOfThisServerIsForItsClientsAlone() throws Exception {
        registry.open(new Access.Basic("me", "a-secret"));
        Map<String, String> found = cacheControl(
                "upstreams: {registry.test: {url: \"%s\", credentials: {username: me, password: a-secret}}}\n");
        assertThat(found)
                .containsEntry("digest", "private, " + YEAR)
                .containsEntry("blob", "private, " + YEAR)
                .containsEntry("tag", "private, no-cache")
                .containsEntry("tags", "private, no-cache")
                .containsEntry("referrers", "private, no-cache");
    }

    @Test
    void whatIsGivenToThoseWhoSayWhoTheyAreIsForThemAlone() throws Exception {
        String hash = BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, "password".toCharArray());
        Files.writeString(folder.resolve("users"), "alice:" + hash + "\n");
        Map<String, String> found = cacheControl("""
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s, authentication: {htpasswd: users}}
                upstreams: {registry.test: {url: "%s"}}
                """, "Authorization", Access.basic("alice", "password"));
        assertThat(found).containsEntry("digest", "private, " + YEAR).containsEntry("tag", "private, no-cache");
    }
}
