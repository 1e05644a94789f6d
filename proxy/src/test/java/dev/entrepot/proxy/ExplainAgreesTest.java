package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import tools.jackson.databind.JsonNode;

/** What explain says is what the server then does: random rules, states of the cache, states of the upstream and requests. */
class ExplainAgreesTest {
    private static final TestRegistry REGISTRY = TestRegistry.started();
    private static final Images IMAGES = new Images(5);
    private static Optional<MirrorFixture> started = Optional.empty();
    private static int repositories;

    /** What is done before, with no rule in the way. */
    enum Step {
        /** The tag is pulled. */
        PULL,
        /** The tag moves, and is pulled when it is checked next. */
        MOVE,
        /** Time passes. */
        MINUTE,
        /** Much time passes. */
        HOURS,
        /** Very much time passes. */
        DAYS
    }

    /** How the upstream is when it is asked. */
    enum Upstream {
        UP(Optional.empty(), ""),
        LIMITED(Optional.of(Fault.status(429)), "rate-limited"),
        BROKEN(Optional.of(Fault.status(500)), "server-error"),
        SLOW(Optional.of(Fault.status(408)), "timeout"),
        GONE(Optional.of(Fault.reset()), "unreachable"),
        EMPTIED(Optional.of(Fault.status(404)), "deleted");

        private final Optional<Fault> fault;
        private final String cause;

        Upstream(Optional<Fault> fault, String cause) {
            this.fault = fault;
            this.cause = cause;
        }
    }

    /**
     * A case.
     *
     * @param rules rules in the order of the file
     * @param before what is done before the rules
     * @param failing how the upstream is at a request under the rules that comes before, if there is one
     * @param upstream how it is at the request that counts
     * @param later the time between the two, in seconds
     * @param byDigest whether that request is for the digest of the tag
     */
    record Case(
            List<String> rules,
            List<Step> before,
            Optional<Upstream> failing,
            Upstream upstream,
            int later,
            boolean byDigest) {}

    @BeforeContainer
    static void start() throws Exception {
        Path folder = Files.createTempDirectory("explain");
        started = Optional.of(MirrorFixture.started(folder, upstream()));
    }

    @AfterContainer
    static void stop() {
        started.ifPresent(MirrorFixture::close);
        REGISTRY.close();
    }

    private static String upstream() {
        return "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + REGISTRY.uri() + "\"}}\n";
    }

    @Provide
    Arbitrary<Case> cases() {
        Arbitrary<Optional<Upstream>> failing = Arbitraries.of(Upstream.class)
                .filter(state -> state != Upstream.UP)
                .optional(0.3);
        return Combinators.combine(
                        rule().list().ofMaxSize(3),
                        Arbitraries.of(Step.class).list().ofMaxSize(5),
                        failing,
                        Arbitraries.of(Upstream.class),
                        Arbitraries.of(0, 20, 40),
                        Arbitraries.frequencyOf(
                                Tuple.of(4, Arbitraries.just(false)), Tuple.of(1, Arbitraries.just(true))))
                .as(Case::new);
    }

    private static Arbitrary<String> rule() {
        return Combinators.combine(
                        settings(
                                "freshness",
                                "always",
                                "10m",
                                "immutable",
                                "offline-first",
                                "stale-while-revalidate 1h"),
                        settings("stale", "0s", "3h", "{deleted: 3h, timeout: 1m}"),
                        settings("negative", "{not-found: 30s, outage: 30s}"),
                        settings("min-age", "0s", "2h", "2h"),
                        Arbitraries.of(
                                "",
                                "",
                                "",
                                "",
                                "offline: true, ",
                                "offline: false, ",
                                "deny: \"no\", ",
                                "allow: true, "),
                        Arbitraries.of("", "", "tags: [\"1\"], ", "tags: {semver: \">=2\"}, "))
                .as((freshness, stale, negative, minAge, other, tags) ->
                        "{" + freshness + stale + negative + minAge + other + tags + "priority: 0}")
                .map(rule -> rule.contains("tags:") ? rule.replace(", priority: 0", "") : rule);
    }

    private static Arbitrary<String> settings(String name, String... values) {
        return Arbitraries.of(values)
                .map(value -> name + ": " + value + ", ")
                .optional(0.4)
                .map(text -> text.orElse(""));
    }

    @Property(tries = 100)
    void serverDoesWhatExplainSays(@ForAll("cases") Case given) throws Exception {
        answer(given);
    }

    /** The same on chosen cases, so that answers of every kind are among them whatever chance brings. */
    @Example
    void serverDoesWhatExplainSaysInCasesOfEveryKind() throws Exception {
        List<Step> pulled = List.of(Step.PULL);
        List<Step> old = List.of(Step.PULL, Step.MINUTE);
        List<Step> moved = List.of(Step.PULL, Step.HOURS, Step.MOVE);
        assertThat(answer(given("{freshness: always}", List.of(), Upstream.UP))).isEqualTo("200 miss");
        assertThat(answer(given("{freshness: 10m}", old, Upstream.BROKEN))).isEqualTo("200 hit");
        assertThat(answer(given("{freshness: always}", pulled, Upstream.UP))).isEqualTo("200 revalidated");
        assertThat(answer(given("{stale: 3h}", old, Upstream.LIMITED))).isEqualTo("200 stale");
        assertThat(answer(given("{stale: 0s}", old, Upstream.LIMITED))).isEqualTo("503");
        assertThat(answer(given("{stale: {deleted: 3h}}", old, Upstream.EMPTIED)))
                .isEqualTo("200 stale");
        assertThat(answer(given("{min-age: 2h}", moved, Upstream.UP))).isEqualTo("200 cooled");
        assertThat(answer(given("{min-age: 2h}", pulled, Upstream.UP))).isEqualTo("403");
        assertThat(answer(given("{min-age: 2h, stale: 3h}", moved, Upstream.GONE)))
                .isEqualTo("200 cooled");
        assertThat(answer(given("{offline: true}", List.of(Step.PULL, Step.DAYS), Upstream.UP)))
                .isEqualTo("200 hit");
        assertThat(answer(given("{offline: true}", List.of(), Upstream.UP))).isEqualTo("503");
        assertThat(answer(given("{deny: \"no\"}", pulled, Upstream.UP))).isEqualTo("403");
        assertThat(answer(given("{freshness: always}", List.of(), Upstream.EMPTIED)))
                .isEqualTo("404");
        Case remembered = new Case(
                List.of("{negative: {outage: 30s}}"), List.of(), Optional.of(Upstream.BROKEN), Upstream.UP, 20, false);
        assertThat(answer(remembered)).isEqualTo("502");
    }

    private static Case given(String rule, List<Step> before, Upstream upstream) {
        return new Case(List.of(rule), before, Optional.empty(), upstream, 0, false);
    }

    // The answer of the server, which is found to be what explain says.
    private static String answer(Case given) throws Exception {
        MirrorFixture mirror = started.orElseThrow();
        String name = "app-" + repositories++;
        String path = "/v2/" + name + "/manifests/";
        assertThat(mirror.reconfigure(upstream() + "rules: [{check-deadline: 0s}]\n"))
                .isTrue();
        Digest digest = REGISTRY.push(name, IMAGES.image(10), "1").digest();
        for (Step step : given.before()) {
            digest = take(step, mirror, name, digest);
        }
        String rules =
                String.join(", ", given.rules()) + (given.rules().isEmpty() ? "" : ", ") + "{check-deadline: 0s}";
        assertThat(mirror.reconfigure(upstream() + "rules: [" + rules + "]\n")).isTrue();
        String reference = given.byDigest() ? digest.toString() : "1";
        String explain = "/explain?ref=registry.test%2F" + name
                + (given.byDigest() ? "%40" + reference.replace(":", "%3A") : "%3A1");

        if (given.failing().isPresent()
                && !explanation(mirror, explain).path("asks").asString("").equals("behind")) {
            fail(name, given.failing().get());
            mirror.get(path + reference);
            REGISTRY.faults().clear();
            mirror.advance(Duration.ofSeconds(given.later()));
        }
        fail(name, given.upstream());
        JsonNode said = explanation(mirror, explain);
        JsonNode expected = given.upstream() == Upstream.UP
                ? said.path("now")
                : said.path("ifUpstreamIs").path(given.upstream().cause);
        HttpResponse<byte[]> answer = mirror.get(path + reference);
        REGISTRY.faults().clear();

        int status = expected.path("status").asInt();
        assertThat(answer.statusCode()).as("%s", said).isEqualTo(status);
        if (status == 200) {
            assertThat(MirrorFixture.verdict(answer))
                    .as("%s", said)
                    .isEqualTo(expected.path("verdict").asString(""));
            if (expected.has("digest")) {
                assertThat(MirrorFixture.header(answer, "Docker-Content-Digest"))
                        .as("%s", said)
                        .isEqualTo(expected.path("digest").asString(""));
            }
        } else {
            assertThat(expected.has("error")).isTrue();
        }
        return status == 200 ? "200 " + MirrorFixture.verdict(answer) : Integer.toString(status);
    }

    private static Digest take(Step step, MirrorFixture mirror, String name, Digest digest) throws Exception {
        return switch (step) {
            case PULL -> {
                mirror.get("/v2/" + name + "/manifests/1");
                yield digest;
            }
            case MOVE -> {
                Digest moved = REGISTRY.push(name, IMAGES.image(10), "1").digest();
                mirror.advance(Duration.ofMinutes(2));
                mirror.get("/v2/" + name + "/manifests/1");
                yield moved;
            }
            case MINUTE -> wait(mirror, Duration.ofMinutes(2), digest);
            case HOURS -> wait(mirror, Duration.ofHours(2), digest);
            case DAYS -> wait(mirror, Duration.ofDays(3), digest);
        };
    }

    private static Digest wait(MirrorFixture mirror, Duration time, Digest digest) {
        mirror.advance(time);
        return digest;
    }

    private static void fail(String name, Upstream upstream) {
        upstream.fault.ifPresent(fault -> REGISTRY.faults().always(Requests.repository(name), fault));
    }

    private static JsonNode explanation(MirrorFixture mirror, String path) throws Exception {
        return OciJson.mapper().readTree(mirror.admin(path).body());
    }
}
