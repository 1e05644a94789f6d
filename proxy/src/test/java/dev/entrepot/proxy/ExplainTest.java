package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code entrepot explain} and its counterpart on the admin API. */
class ExplainTest {
    private static final String RULES = """
                rules:
                  - tags: ["1"]
                    freshness: 5m
                    stale: {unreachable: 1h}
                    pin: {platforms: [linux/amd64]}
                    prefetch: true
            rules:
              - {priority: -7, share: 25%, max-size: 1GiB, min-age: 0s}
              - {check-deadline: 0s}
            """;

    @TempDir
    Path folder;

    private static JsonNode setting(JsonNode explanation, String name) {
        for (JsonNode setting : explanation.path("settings")) {
            if (setting.path("setting").asString("").equals(name)) {
                return setting;
            }
        }
        throw new AssertionError("no setting " + name);
    }

    private String config(TestRegistry registry) {
        return """
            default-upstream: registry.test
            upstreams:
              registry.test:
                url: "%s"
            """.formatted(registry.uri()) + RULES.indent(0).replaceFirst("(?s)^ +rules:", "    rules:");
    }

    @Test
    void nobodyIsSaidToBeAskedWhileAFailureIsRememberedOrTheBreakerIsOpen() throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            registry.push("app", new Images(1).image(10), "1");
            String rules = "rules: [{negative: {outage: 30s}, stale: {server-error: 1h}}, {check-deadline: 0s}]\n";
            try (MirrorFixture mirror = MirrorFixture.started(folder, upstream(registry) + rules)) {
                mirror.get("/v2/app/manifests/1");
                mirror.advance(Duration.ofMinutes(2));
                assertThat(explained(mirror).path("asks").asString("")).isEqualTo("before");
                registry.faults().always(Requests.repository("app"), Fault.status(500));
                mirror.get("/v2/app/manifests/1");
                Instant failed = mirror.now();
                mirror.advance(Duration.ofSeconds(29));
                assertNextCheck(mirror, failed.plusSeconds(30));
                assertThat(new CommandRunner(folder)
                                .run("explain", "registry.test/app:1")
                                .out())
                        .contains(
                                "at the first request from " + failed.plusSeconds(30) + " on",
                                ", without asking the upstream");
                mirror.advance(Duration.ofSeconds(1));
                assertThat(explained(mirror).path("asks").asString("")).isEqualTo("before");

                // With the one before, five outages in a row open the breaker for ten seconds; of the two what holds
                // for longer counts.
                assertThat(mirror.reconfigure(upstream(registry) + rules.replace("30s", "5s")))
                        .isTrue();
                for (int i = 0; i < 4; i++) {
                    mirror.advance(Duration.ofSeconds(5));
                    mirror.get("/v2/app/manifests/1");
                }
                assertNextCheck(mirror, mirror.now().plusSeconds(10));
                assertThat(mirror.reconfigure(upstream(registry) + rules.replace("30s", "20s")))
                        .isTrue();
                assertNextCheck(mirror, mirror.now().plusSeconds(20));
                registry.calls().clear();
                mirror.get("/v2/app/manifests/1");
                assertThat(registry.calls().all()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0s, 20", "5s, 20", "30s, 30"})
    void nobodyIsSaidToBeAskedWhileTheUpstreamWantsToBeLeftAlone(String remembered, int seconds) throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            registry.push("app", new Images(1).image(10), "1");
            String rules = "rules: [{negative: {outage: " + remembered + "}, check-deadline: 0s}]\n";
            try (MirrorFixture mirror = MirrorFixture.started(folder, upstream(registry) + rules)) {
                mirror.get("/v2/app/manifests/1");
                mirror.advance(Duration.ofMinutes(2));
                registry.faults()
                        .once(
                                Requests.repository("app"),
                                Fault.instead(Response.of(429).header("Retry-After", "20")));
                mirror.get("/v2/app/manifests/1");

                assertNextCheck(mirror, mirror.now().plusSeconds(seconds));
                registry.calls().clear();
                assertThat(mirror.get("/v2/app/manifests/1").statusCode()).isEqualTo(200);
                assertThat(registry.calls().all()).isEmpty();
                mirror.advance(Duration.ofSeconds(seconds));
                assertThat(explained(mirror).path("asks").asString("")).isEqualTo("before");
            }
        }
    }

    @Test
    void whatIsOfflineOrDeniedIsNeverAskedFor() throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            for (String rule : List.of("offline: true", "deny: \"no\"")) {
                try (MirrorFixture mirror =
                        MirrorFixture.started(folder, upstream(registry) + "rules: [{" + rule + "}]\n")) {
                    JsonNode explained = explained(mirror);
                    assertThat(explained.path("asks").asString("")).isEqualTo("not");
                    assertThat(explained.has("nextCheck")).isFalse();
                    assertThat(new CommandRunner(folder)
                                    .run("explain", "registry.test/app:1")
                                    .out())
                            .contains("next check   never", ", without asking the upstream");
                }
            }
        }
    }

    @Test
    void itIsSaidWhatAccessMakesOfClientsThatDoNotSayWhoTheyAre() throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            registry.push("app", new Images(1).image(10), "1");
            String denied = upstream(registry)
                    + "access:\n  - {anonymous: true, deny: \"not from here\"}\n  - {anonymous: true}\n";
            try (MirrorFixture mirror = MirrorFixture.started(folder, denied)) {
                assertThat(mirror.get("/v2/app/manifests/1").statusCode()).isEqualTo(403);
                JsonNode explained = explained(mirror);
                assertThat(explained.path("now").path("status").asInt()).isEqualTo(403);
                assertThat(explained.path("nowIfLetIn").path("status").asInt()).isEqualTo(200);
                assertThat(explained.path("access").toString())
                        .isEqualTo("{\"anonymous\":\"refused\",\"rule\":\"access[0]\",\"dependsOnClient\":false}");

                // A file that was read again knows its lines.
                assertThat(mirror.reconfigure(denied.replace("not from", "never from")))
                        .isTrue();
                long line = line("never from");
                assertThat(explained(mirror).path("access").path("where").asString(""))
                        .endsWith("entrepot.yaml:" + line);
                assertThat(explainedHere()).contains("403 ", "never from here (access[0])", "if let in      200 miss");
            }
            long line = line("never from");
            assertThat(explainedHere())
                    .contains(
                            "access       who does not say who he is: refused by access[0] (entrepot.yaml:" + line
                                    + ")\n",
                            "a request now  403 clients without a name may not pull registry.test/app: never from here (access[0])\n",
                            "\n  deny                 none ")
                    .doesNotContain("a request now  200", "\n  access ");
        }
    }

    @Test
    void itIsSaidWhereTheAnswerDependsOnWhoAsks() throws Exception {
        Path users = Files.writeString(
                folder.resolve("users"), "alice:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n");
        try (TestRegistry registry = TestRegistry.started()) {
            String asked = upstream(registry) + "access: [{users: [\"*\"]}]\n"
                    + "server: {listen: \"127.0.0.1:0\", admin: \"127.0.0.1:0\", drain: 1s, authentication: {htpasswd: \""
                    + users + "\"}}\n";
            try (MirrorFixture mirror = MirrorFixture.started(folder, asked)) {
                assertThat(mirror.get("/v2/app/manifests/1").statusCode()).isEqualTo(401);
                JsonNode explained = explained(mirror);
                assertThat(explained.path("now").path("status").asInt()).isEqualTo(401);
                assertThat(explained.path("access").path("dependsOnClient").asBoolean())
                        .isTrue();
                assertThat(explainedHere())
                        .contains("refused by no rule that lets him in; for others it depends on who they are\n");
            }
        }
    }

    private long line(String text) throws Exception {
        List<String> lines = Files.readAllLines(folder.resolve("entrepot.yaml"));
        return 1L
                + lines.indexOf(
                        lines.stream().filter(l -> l.contains(text)).findFirst().orElseThrow());
    }

    private String explainedHere() throws Exception {
        return new CommandRunner(folder).run("explain", "registry.test/app:1").out();
    }

    private static void assertNextCheck(MirrorFixture mirror, Instant next) throws Exception {
        JsonNode explained = explained(mirror);
        assertThat(explained.path("asks").asString("")).isEqualTo("not");
        assertThat(Instant.parse(explained.path("nextCheck").asString(""))).isEqualTo(next);
        assertThat(explained.path("now").path("verdict").asString("")).isEqualTo("stale");
    }

    private static JsonNode explained(MirrorFixture mirror) throws Exception {
        return OciJson.mapper()
                .readTree(mirror.admin("/explain?ref=registry.test%2Fapp%3A1").body());
    }

    private static String upstream(TestRegistry registry) {
        return "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri() + "\"}}\n";
    }

    @Test
    void serverAndCommandSayWhatIsKeptWhichRuleDecidesAndWhatWouldHappen() throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            Bundle image = registry.push("app", new Images(1).image(1000), "1");
            JsonNode served;
            try (MirrorFixture mirror = MirrorFixture.started(folder, config(registry))) {
                mirror.get("/v2/app/manifests/1");
                // What is pinned is completed behind the client.
                MirrorFixture.await(() -> mirror.metric("entrepot_pin_checks_total{outcome=\"complete\"}") == 1
                        && mirror.metric("entrepot_prefetch_graphs_total{outcome=\"complete\"}") == 1);
                mirror.advance(Duration.ofMinutes(6));
                registry.calls().clear();
                served = OciJson.mapper()
                        .readTree(mirror.admin("/explain?ref=registry.test%2Fapp%3A1")
                                .body());
                assertThat(registry.calls().all()).isEmpty();
                assertThat(mirror.admin("/explain?ref=elsewhere.test%2Fapp").statusCode())
                        .isEqualTo(404);
                assertThat(mirror.admin("/explain?ref=registry.test%2FAPP").statusCode())
                        .isEqualTo(400);
                CommandRunner.Result asked = new CommandRunner(folder).run("explain", "--json", "registry.test/app:1");
                assertThat(asked.code()).as(asked.err()).isZero();
                assertThat(OciJson.mapper().readTree(asked.out()).path("kept")).isEqualTo(served.path("kept"));
                Instant confirmed =
                        Instant.parse(served.path("kept").path("confirmedAt").asString(""));
                Instant next = Instant.parse(served.path("nextCheck").asString(""));
                assertThat(next).isEqualTo(confirmed.plus(Duration.ofMinutes(5)));
                assertThat(new CommandRunner(folder)
                                .run("explain", "registry.test/app:1")
                                .out())
                        .contains(
                                "confirmed    " + confirmed + ", 360 s ago",
                                "at the first request from " + next + " on",
                                "a request now  200 revalidated " + image.digest() + ", after asking the upstream",
                                "if the upstream were down now\n  rate-limited ",
                                "  unreachable    200 stale " + image.digest(),
                                "  deleted        404 ");
            }
            assertThat(served.path("kept").path("digest").asString(""))
                    .isEqualTo(image.digest().toString());
            assertThat(served.path("kept").path("ageSeconds").asLong()).isEqualTo(360);
            assertThat(served.path("kept").path("blobs").asInt()).isEqualTo(2);
            assertThat(served.path("kept").path("blobsKept").asInt()).isEqualTo(2);
            assertThat(served.path("asks").asString("")).isEqualTo("before");
            assertThat(served.path("now").path("verdict").asString("")).isEqualTo("revalidated");
            assertThat(served.path("ifUpstreamIs")
                            .path("unreachable")
                            .path("verdict")
                            .asString(""))
                    .isEqualTo("stale");
            assertThat(served.path("ifUpstreamIs")
                            .path("deleted")
                            .path("status")
                            .asInt())
                    .isEqualTo(404);
            assertThat(setting(served, "freshness").path("rule").asString(""))
                    .isEqualTo("upstreams[registry.test].rules[0]");
            assertThat(setting(served, "stale.unreachable").path("value").asString(""))
                    .isEqualTo("1h");
            assertThat(setting(served, "pin").path("value").asString("")).isEqualTo("linux/amd64 with referrers");
            assertThat(setting(served, "prefetch").path("value").asString(""))
                    .isEqualTo("all platforms with referrers");
            assertThat(setting(served, "priority").path("value").asString("")).isEqualTo("-7");
            assertThat(setting(served, "share").path("value").asString("")).isEqualTo("25%");
            assertThat(setting(served, "max-size").path("value").asString("")).isEqualTo("1073741824 bytes");
            assertThat(setting(served, "stale.timeout").path("rule").asString(""))
                    .isEqualTo("default");

            CommandRunner.Result own = new CommandRunner(folder).run("explain", "registry.test/app:1");
            assertThat(own.code()).as(own.err()).isZero();
            long line = Files.readAllLines(folder.resolve("entrepot.yaml")).indexOf("      - tags: [\"1\"]") + 1L;
            assertThat(own.out())
                    .contains(
                            image.digest().toString(),
                            "upstreams[registry.test].rules[0] (entrepot.yaml:" + line + ")");
        }
    }
}
