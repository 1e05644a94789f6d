package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.text;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What clients see of rules: a mirror whose every setting is decided by one, between real sockets. Each repository has
 * a rule of its own. Long, because all of them share that mirror.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RulesEndToEndTest {
    private static final String SIGNATURE = "application/vnd.dev.sigstore.bundle.v0.3+json";
    private static final Bundle EXEMPT = new Images(99).image(10);
    private static final String RULES = """
            rules:
              - {repositories: ["denied/**"], deny: "not reviewed"}
              - {repositories: [some/allowed], allow: true}
              - {repositories: ["some/**"], deny: "all but one"}
              - {repositories: [tags], tags: {semver: "<2"}, deny: "too old"}
              - {repositories: [always], freshness: always}
              - {repositories: [timed], freshness: 10m}
              - {repositories: [fixed], tags: ["v*"], freshness: immutable}
              - {repositories: [offline-first], freshness: offline-first}
              - {repositories: [swr], freshness: stale-while-revalidate 1h}
              - {repositories: [slow], check-deadline: 50ms}
              - {repositories: ["causes/**"], stale: {rate-limited: 1h, server-error: 2h, timeout: 3h, unreachable: 4h, deleted: 5h}}
              - {repositories: ["never/**"], stale: 0s}
              - {repositories: ["negative/**"], negative: {not-found: 30s, denied: 20s, outage: 10s}}
              - {repositories: [young/exempt], min-age: {time: 3d, except-digests: ["EXEMPT"]}}
              - {repositories: ["young/**"], min-age: {time: 3d, except-signed: ["application/vnd.dev.sigstore.*"]}}
              - {repositories: [sized], max-size: 100KB}
              - {repositories: [{regex: "costly/(a|aa)+\\\\1-x"}], deny: "by a costly expression"}
              - {repositories: ["**/malware"], deny: "malware"}
              - {check-deadline: 0s}
            """;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(11);
    private MirrorFixture mirror;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(
                folder,
                """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri())
                        + RULES.replace("EXEMPT", EXEMPT.digest().toString()));
    }

    @AfterEach
    void clear() {
        registry.faults().clear();
    }

    @AfterAll
    void stop() {
        mirror.close();
        registry.close();
    }

    private HttpResponse<byte[]> manifest(String name, Object reference) throws Exception {
        return mirror.get("/v2/" + name + "/manifests/" + reference);
    }

    private Bundle push(String name, String tag) {
        return registry.push(name, images.image(1000), tag);
    }

    @Test
    void whatARuleRefusesIsNoMissAndAnAnswerThatIsRememberedIsAHit() throws Exception {
        push("denied/verdict", "v1");
        assertThat(MirrorFixture.verdict(manifest("denied/verdict", "v1"))).isEqualTo("none");
        String layer = "/v2/sized/blobs/" + registry.pushBlob("sized", new byte[200_000]);
        assertThat(mirror.get(layer).statusCode()).isEqualTo(403);
        assertThat(MirrorFixture.verdict(mirror.get(layer))).isEqualTo("none");

        assertThat(MirrorFixture.verdict(manifest("negative/verdict", "v1"))).isEqualTo("miss");
        int asked = asked("negative/verdict");
        assertThat(MirrorFixture.verdict(manifest("negative/verdict", "v1"))).isEqualTo("hit");
        assertThat(asked("negative/verdict")).isEqualTo(asked);
    }

    private int asked(String name) {
        return registry.calls().count(Requests.repository(name));
    }

    private static Predicate<Request> of(String name) {
        return Requests.repository(name);
    }

    private static String digest(HttpResponse<?> response) {
        return header(response, "Docker-Content-Digest");
    }

    @Test
    void deniedRepositoryIsRefusedWithReasonAndRuleAndTheUpstreamIsNotAsked() throws Exception {
        Bundle image = push("denied/app", "1");
        Digest blob = List.copyOf(image.blobs().keySet()).getFirst();
        for (String path : List.of(
                "manifests/1",
                "manifests/" + image.digest(),
                "blobs/" + blob,
                "tags/list",
                "referrers/" + image.digest())) {
            HttpResponse<byte[]> answer = mirror.get("/v2/denied/app/" + path);
            assertThat(answer.statusCode()).as(path).isEqualTo(403);
            assertThat(code(answer)).isEqualTo("DENIED");
            assertThat(text(answer)).contains("not reviewed", "rules[0]");
        }
        assertThat(mirror.head("/v2/denied/app/blobs/" + blob).statusCode()).isEqualTo(403);
        assertThat(asked("denied/app")).isZero();
        assertThat(mirror.metric("entrepot_rule_events_total{event=\"denied\"}"))
                .isGreaterThanOrEqualTo(6);
    }

    @Test
    void firstRuleThatSaysSomethingDecides() throws Exception {
        push("some/allowed", "1");
        push("some/other", "1");
        assertThat(manifest("some/allowed", "1").statusCode()).isEqualTo(200);
        assertThat(text(manifest("some/other", "1"))).contains("all but one");
    }

    @Test
    void nameThatIsHardToMatchIsDeniedAndHoldsUpNobody() throws Exception {
        String hard = "costly/" + "a".repeat(60) + "-b";
        push("costly/fine", "1");
        assertThat(text(manifest(hard, "1"))).contains("by a costly expression");
        assertThat(manifest("costly/fine", "1").statusCode()).isEqualTo(200);
        assertThat(asked(hard)).isZero();
    }

    @Test
    void twoStarsAndASlashAtTheStartMeanTheTopToo() throws Exception {
        for (String name : List.of("malware", "team/malware", "a/b/malware")) {
            push(name, "1");
            assertThat(manifest(name, "1").statusCode()).as(name).isEqualTo(403);
        }
        push("notmalware", "1");
        assertThat(manifest("notmalware", "1").statusCode()).isEqualTo(200);
    }

    @Test
    void ruleWithTagsDeniesThoseTagsAndNotTheDigests() throws Exception {
        Bundle old = push("tags", "v1.9");
        push("tags", "2.0");
        assertThat(text(manifest("tags", "v1.9"))).contains("too old");
        assertThat(manifest("tags", "2.0").statusCode()).isEqualTo(200);
        assertThat(manifest("tags", old.digest()).statusCode()).isEqualTo(200);
    }

    @Test
    void alwaysAsksEachTimeAndATimeAsksWhenItHasPassed() throws Exception {
        push("always", "1");
        push("timed", "1");
        manifest("always", "1");
        manifest("timed", "1");
        assertThat(verdict(manifest("always", "1"))).isEqualTo("revalidated");
        mirror.advance(Duration.ofMinutes(9));
        assertThat(verdict(manifest("timed", "1"))).isEqualTo("hit");
        mirror.advance(Duration.ofMinutes(2));
        assertThat(verdict(manifest("timed", "1"))).isEqualTo("revalidated");
    }

    @Test
    void immutableTagIsNeverAskedForAgainButTheTagListIs() throws Exception {
        Bundle first = push("fixed", "v1");
        manifest("fixed", "v1");
        mirror.get("/v2/fixed/tags/list");
        push("fixed", "v1");
        push("fixed", "v2");
        mirror.advance(Duration.ofDays(300));
        HttpResponse<byte[]> again = manifest("fixed", "v1");
        assertThat(verdict(again)).isEqualTo("hit");
        assertThat(digest(again)).isEqualTo(first.digest().toString());
        assertThat(text(mirror.get("/v2/fixed/tags/list"))).contains("v2");
    }

    @Test
    void offlineFirstServesWhatIsKeptWhateverItsAgeAndAsksBehind() throws Exception {
        push("offline-first", "1");
        manifest("offline-first", "1");
        Bundle second = push("offline-first", "1");
        mirror.advance(Duration.ofDays(30));
        registry.calls().clear();
        HttpResponse<byte[]> old = manifest("offline-first", "1");
        assertThat(verdict(old)).isEqualTo("hit");
        assertThat(header(old, "Age")).isEqualTo("2592000");
        await(() ->
                digest(manifest("offline-first", "1")).equals(second.digest().toString()));
    }

    @Test
    void staleWhileRevalidateAsksBehindForAnHourAndThenBefore() throws Exception {
        push("swr", "1");
        manifest("swr", "1");
        mirror.advance(Duration.ofMinutes(59));
        assertThat(verdict(manifest("swr", "1"))).isEqualTo("hit");
        await(() -> header(manifest("swr", "1"), "Age").isEmpty());
        mirror.advance(Duration.ofMinutes(61));
        assertThat(verdict(manifest("swr", "1"))).isEqualTo("revalidated");
    }

    @Test
    void slowCheckServesWhatIsKeptAndGoesOnBehind() throws Exception {
        push("slow", "1");
        manifest("slow", "1");
        Bundle second = push("slow", "1");
        mirror.advance(Duration.ofMinutes(2));
        Gate gate = new Gate();
        registry.faults().always(of("slow"), Fault.hold(gate));
        HttpResponse<byte[]> kept = manifest("slow", "1");
        assertThat(verdict(kept)).isEqualTo("stale");
        assertThat(header(kept, "Warning")).contains("within 50 ms");
        assertThat(header(kept, "Age")).isEqualTo("120");
        gate.open();
        await(() -> digest(manifest("slow", "1")).equals(second.digest().toString()));
        assertThat(mirror.metric("entrepot_stale_total{cause=\"timeout\"}")).isPositive();
    }

    @Test
    void checkDeadlineIs300MillisecondsWhereNoRuleSaysOtherwise(@TempDir Path folder) throws Exception {
        push("unruled", "1");
        try (MirrorFixture plain = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [{repositories: [another], freshness: always}]
                """.formatted(registry.uri()))) {
            plain.get("/v2/unruled/manifests/1");
            plain.advance(Duration.ofMinutes(2));
            Gate gate = new Gate();
            registry.faults().always(of("unruled"), Fault.hold(gate));
            HttpResponse<byte[]> kept = plain.get("/v2/unruled/manifests/1");
            gate.open();
            assertThat(verdict(kept)).isEqualTo("stale");
            assertThat(header(kept, "Warning")).contains("within 300 ms");
        }
    }

    @ParameterizedTest
    @CsvSource({"429, rate-limited, 1, 503", "500, server-error, 2, 502", "408, timeout, 3, 504", "404, deleted, 5, 404"
    })
    void eachCauseHasItsOwnTime(int status, String cause, int hours, int then) throws Exception {
        String name = "causes/" + cause;
        push(name, "1");
        manifest(name, "1");
        registry.faults().always(of(name), Fault.status(status));
        mirror.advance(Duration.ofHours(hours));
        HttpResponse<byte[]> stale = manifest(name, "1");
        assertThat(verdict(stale)).isEqualTo("stale");
        assertThat(header(stale, "Warning")).startsWith("299 - \"stale: ");
        mirror.advance(Duration.ofSeconds(1));
        assertThat(manifest(name, "1").statusCode()).isEqualTo(then);
        assertThat(mirror.metric("entrepot_stale_total{cause=\"" + cause + "\"}"))
                .isPositive();
    }

    @Test
    void whatIsUnreachableHasATimeOfItsOwnToo() throws Exception {
        push("causes/unreachable", "1");
        manifest("causes/unreachable", "1");
        registry.faults().always(of("causes/unreachable"), Fault.reset());
        mirror.advance(Duration.ofHours(4));
        assertThat(verdict(manifest("causes/unreachable", "1"))).isEqualTo("stale");
        mirror.advance(Duration.ofSeconds(1));
        assertThat(manifest("causes/unreachable", "1").statusCode()).isEqualTo(502);
    }

    @Test
    void zeroServesNothingStale() throws Exception {
        push("never/stale", "1");
        manifest("never/stale", "1");
        mirror.advance(Duration.ofMinutes(2));
        registry.faults().always(of("never/stale"), Fault.status(500));
        assertThat(manifest("never/stale", "1").statusCode()).isEqualTo(502);
    }

    @ParameterizedTest
    @CsvSource({"404, 30, 404", "403, 20, 403", "401, 20, 401", "500, 10, 502", "408, 10, 504", "0, 10, 502"})
    void failureIsRememberedForItsTimeAndForItsRepositoryOnly(int status, int seconds, int expected) throws Exception {
        String name = "negative/of-" + status;
        // 0: the connection is reset.
        registry.faults().always(of(name), status == 0 ? Fault.reset() : Fault.status(status));
        String blob = "/v2/" + name + "/blobs/" + Digest.sha256(new byte[] {7});
        assertThat(manifest(name, "1").statusCode()).isEqualTo(expected);
        assertThat(mirror.get(blob).statusCode()).isEqualTo(expected);
        registry.faults().clear();
        registry.calls().clear();
        push(name, "1");
        push("negative/other-" + status, "1");
        registry.pushBlob(name, new byte[] {7});
        assertThat(manifest(name, "1").statusCode()).isEqualTo(expected);
        assertThat(mirror.get(blob).statusCode()).isEqualTo(expected);
        assertThat(asked(name)).isZero();
        assertThat(manifest("negative/other-" + status, "1").statusCode()).isEqualTo(200);
        mirror.advance(Duration.ofSeconds(seconds));
        assertThat(manifest(name, "1").statusCode()).isEqualTo(200);
        assertThat(mirror.get(blob).statusCode()).isEqualTo(200);
    }

    @Test
    void digestIsServedUnderATagWhenItIsOldEnoughAndUntilThenTheOneBeforeIt() throws Exception {
        Bundle first = push("young/app", "1");
        HttpResponse<byte[]> refused = manifest("young/app", "1");
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(code(refused)).isEqualTo("DENIED");
        assertThat(header(refused, "Retry-After")).isEqualTo("259200");
        assertThat(text(refused)).contains("rules[14]", first.digest().toString());
        assertThat(registry.calls().count(of("young/app").and(Requests.get()).and(Requests.manifests())))
                .isZero();

        mirror.advance(Duration.ofDays(3));
        HttpResponse<byte[]> served = manifest("young/app", "1");
        assertThat(digest(served)).isEqualTo(first.digest().toString());
        assertThat(verdict(served)).isEqualTo("miss");

        Bundle second = push("young/app", "1");
        mirror.advance(Duration.ofMinutes(2));
        HttpResponse<byte[]> cooled = manifest("young/app", "1");
        assertThat(digest(cooled)).isEqualTo(first.digest().toString());
        assertThat(verdict(cooled)).isEqualTo("cooled");
        assertThat(header(cooled, "Warning"))
                .startsWith("299 - \"cooled: ")
                .contains(second.digest().toString());
        assertThat(manifest("young/app", second.digest()).statusCode()).isEqualTo(200);

        mirror.advance(Duration.ofDays(3));
        assertThat(digest(manifest("young/app", "1"))).isEqualTo(second.digest().toString());
        registry.tag("young/app", "1", first.digest());
        mirror.advance(Duration.ofMinutes(2));
        assertThat(digest(manifest("young/app", "1"))).isEqualTo(first.digest().toString());
    }

    @Test
    void youngDigestWithASignatureIsServedAtOnce() throws Exception {
        Bundle image = push("young/signed", "1");
        registry.push("young/signed", images.referrer(image.descriptor(), SIGNATURE, Map.of()));
        Bundle other = push("young/other", "1");
        registry.push("young/other", images.referrer(other.descriptor(), "application/vnd.other", Map.of()));
        assertThat(manifest("young/signed", "1").statusCode()).isEqualTo(200);
        assertThat(manifest("young/other", "1").statusCode()).isEqualTo(403);
    }

    @Test
    void youngDigestThatIsListedIsServedAtOnce() throws Exception {
        registry.push("young/exempt", EXEMPT, "1");
        push("young/exempt", "2");
        assertThat(manifest("young/exempt", "1").statusCode()).isEqualTo(200);
        assertThat(manifest("young/exempt", "2").statusCode()).isEqualTo(403);
    }

    @Test
    void digestThatIsExemptStandsInForOneThatIsTooYoung() throws Exception {
        registry.push("young/exempt", EXEMPT, "moving");
        assertThat(manifest("young/exempt", "moving").statusCode()).isEqualTo(200);
        push("young/exempt", "moving");
        Bundle signed = push("young/moving", "1");
        registry.push("young/moving", images.referrer(signed.descriptor(), SIGNATURE, Map.of()));
        assertThat(manifest("young/moving", "1").statusCode()).isEqualTo(200);
        push("young/moving", "1");
        mirror.advance(Duration.ofMinutes(2));

        HttpResponse<byte[]> listed = manifest("young/exempt", "moving");
        assertThat(verdict(listed)).isEqualTo("cooled");
        assertThat(digest(listed)).isEqualTo(EXEMPT.digest().toString());
        HttpResponse<byte[]> before = manifest("young/moving", "1");
        assertThat(verdict(before)).isEqualTo("cooled");
        assertThat(digest(before)).isEqualTo(signed.digest().toString());
    }

    @Test
    void slowUpstreamIsWaitedForWhereNothingIsKept() throws Exception {
        Bundle image = push("slow", "new");
        Gate gate = new Gate();
        registry.faults().always(of("slow"), Fault.hold(gate));
        CompletableFuture<HttpResponse<byte[]>> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return manifest("slow", "new");
            } catch (Exception e) {
                throw new CompletionException(e);
            }
        });
        gate.awaitArrivals(1);
        assertThat(answer).isNotDone();
        gate.open();
        assertThat(answer.get(20, TimeUnit.SECONDS).body())
                .isEqualTo(image.root().array());
    }

    @Test
    void blobThatIsTooLargeIsRefusedWithTheLimit() throws Exception {
        Bundle image = registry.push("sized", images.image(300_000, 50_000), "1");
        manifest("sized", "1");
        List<Digest> blobs = List.copyOf(image.blobs().keySet());
        int refused = 0;
        for (Digest blob : blobs) {
            HttpResponse<byte[]> answer = mirror.get("/v2/sized/blobs/" + blob);
            assertThat(mirror.head("/v2/sized/blobs/" + blob).statusCode()).isEqualTo(answer.statusCode());
            if (answer.statusCode() == 403) {
                refused++;
                assertThat(text(answer)).contains("300000 bytes", "100000", "rules[15]");
            }
        }
        assertThat(refused).isEqualTo(1);
    }

    @Test
    void blobThatStatesNoSizeIsCutWhereItBecomesTooLarge() throws Exception {
        byte[] bytes = images.randomBytes(300_000);
        Digest blob = registry.pushBlob("sized", bytes);
        registry.faults().always(Requests.blob(blob), Fault.chunked());
        HttpResponse<InputStream> answer = mirror.open("/v2/sized/blobs/" + blob);
        try (InputStream body = answer.body()) {
            if (answer.statusCode() == 403) {
                // All of it was there before the answer began.
                assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8))
                        .contains("states no size and has more than 100000 bytes");
            } else {
                assertThat(answer.statusCode()).isEqualTo(200);
                ByteArrayOutputStream received = new ByteArrayOutputStream();
                assertThatThrownBy(() -> body.transferTo(received)).isInstanceOf(IOException.class);
                assertThat(received.size()).isLessThanOrEqualTo(100_000);
                assertThat(received.toByteArray()).isEqualTo(Arrays.copyOf(bytes, received.size()));
            }
        }
        mirror.awaitFills();
        registry.faults().clear();
        // Nothing of it was kept as a blob: the upstream is asked, and states the size now.
        registry.calls().clear();
        assertThat(text(mirror.get("/v2/sized/blobs/" + blob))).contains("300000 bytes", "rules[15]");
        assertThat(asked("sized")).isPositive();
        assertThat(mirror.head("/v2/sized/blobs/" + blob).statusCode()).isEqualTo(403);
    }

    @Test
    void offlineUpstreamIsNeverContactedAndWhatIsKeptIsServed(@TempDir Path folder) throws Exception {
        String upstream = """
                default-upstream: registry.test
                upstreams:
                  registry.test:
                    url: "%s"
                """.formatted(registry.uri());
        Bundle image = registry.push("cold/app", images.image(5000), "1");
        Digest blob = List.copyOf(image.blobs().keySet()).getFirst();
        try (MirrorFixture before = MirrorFixture.started(folder, upstream)) {
            before.get("/v2/cold/app/manifests/1");
            before.get("/v2/cold/app/blobs/" + blob);
            before.get("/v2/cold/app/referrers/" + image.digest());
            before.awaitFills();
        }
        registry.calls().clear();
        try (MirrorFixture after = MirrorFixture.started(folder, upstream + "    rules: [{offline: true}]\n")) {
            after.advance(Duration.ofDays(20));
            HttpResponse<byte[]> kept = after.get("/v2/cold/app/manifests/1");
            assertThat(kept.body()).isEqualTo(image.root().array());
            assertThat(verdict(kept)).isEqualTo("hit");
            assertThat(after.get("/v2/cold/app/blobs/" + blob).statusCode()).isEqualTo(200);
            assertThat(after.get("/v2/cold/app/referrers/" + image.digest()).statusCode())
                    .isEqualTo(200);
            for (String path : List.of(
                    "cold/app/manifests/2",
                    "cold/app/tags/list",
                    "cold/app/referrers/" + blob,
                    "cold/app/blobs/" + Digest.sha256(new byte[] {1}),
                    "cold/other/blobs/" + blob)) {
                HttpResponse<byte[]> refused = after.get("/v2/" + path);
                assertThat(refused.statusCode()).as(path).isEqualTo(503);
                assertThat(text(refused)).contains("offline", "upstreams[registry.test].rules[0]");
            }
        }
        assertThat(asked("cold/app")).isZero();
        assertThat(asked("cold/other")).isZero();
    }
}
