package dev.entrepot.proxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.proxy.ExplainWorld.State;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
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

/**
 * What explain says is what the server then does: random rules, states of the cache, states of the upstream and
 * requests. Long, because one property draws all of them.
 */
class ExplainAgreesTest {
    private static final Images IMAGES = new Images(5);
    private static final String SIGNATURE = "application/vnd.test.signature";
    /** Stands for the digest that the tag names when the rules come into effect. */
    private static final String NAMED = "sha256:@named";

    private static final String EXCEPT = "{time: 2h, except-digests: [\"" + NAMED + "\"]}";
    private static final String SIGNED = "{time: 2h, except-signed: [\"" + SIGNATURE + "\"]}";
    private static final Map<State, ExplainWorld> WORLDS = new EnumMap<>(State.class);
    private static ExplainWorld world;
    private static int repositories;

    /** What is done before, with no rule in the way. */
    enum Step {
        /** The tag is pulled. */
        PULL,
        /** The tag moves, and is pulled when it is checked next. */
        MOVE,
        /** The tag moves, and is asked for by HEAD alone when it is checked next. */
        MOVE_TOLD,
        /** What the tag names is signed. */
        SIGN,
        /** The referrers of what the tag names are asked for. */
        REFERRERS,
        /** A blob of what the tag names is pulled. */
        BLOB,
        /** Time passes. */
        MINUTE,
        /** Much time passes. */
        HOURS,
        /** Very much time passes. */
        DAYS
    }

    /** How the upstream is when it is asked; explain does not imagine the last three, of which two refuse us. */
    enum Upstream {
        UP(Optional.empty(), ""),
        LIMITED(Optional.of(Fault.status(429)), "rate-limited"),
        BROKEN(Optional.of(Fault.status(500)), "server-error"),
        /** Of a web server before the registry. */
        PAGE(
                Optional.of(
                        Fault.instead(Response.of(400, "text/html", Content.of("<html>400</html>".getBytes(UTF_8))))),
                "server-error"),
        SLOW(Optional.of(Fault.status(408)), "timeout"),
        GONE(Optional.of(Fault.reset()), "unreachable"),
        EMPTIED(Optional.of(Fault.error(404, "NAME_UNKNOWN")), "deleted"),
        /** Under a deadline that is over before anything is said. */
        LATE(Optional.of(Fault.status(408)), "timeout"),
        FORBIDDEN(Optional.of(Fault.status(403)), ""),
        UNKNOWN(Optional.of(Fault.status(401)), "");

        private final Optional<Fault> fault;
        private final String cause;

        boolean refusesUs() {
            return this == FORBIDDEN || this == UNKNOWN;
        }

        Upstream(Optional<Fault> fault, String cause) {
            this.fault = fault;
            this.cause = cause;
        }
    }

    /** How long something is fresh, and served while the upstream is out, if no rule says so. */
    enum Times {
        /** The defaults. */
        UNSAID("", ""),
        /** Those of the cache. */
        OF_THE_CACHE("cache: {directory: ./data, min-free: 1MiB, fresh-for: 5m, stale-for: 1h}\n", ""),
        /** Those of the upstream, before those of the cache. */
        OF_THE_UPSTREAM(OF_THE_CACHE.cache, ", fresh-for: 3h, stale-for: 1d");

        private final String cache;
        private final String upstream;

        Times(String cache, String upstream) {
            this.cache = cache;
            this.upstream = upstream;
        }
    }

    /**
     * Where things stand in the file.
     *
     * @param under how many of the rules, the first ones, stand under the upstream and not at the top; more than there
     *     are means all
     * @param times which times stand beside them
     */
    record Written(int under, Times times) {
        /** All at the top, and no times. */
        static final Written PLAINLY = new Written(0, Times.UNSAID);
    }

    /** What is asked for. */
    enum Asked {
        /** The tag. */
        TAG,
        /** The digest of the tag. */
        DIGEST,
        /** A blob of the image. */
        BLOB
    }

    /**
     * A case.
     *
     * @param rules rules in the order of the file
     * @param before what is done before the rules
     * @param during what is done under the rules, by an upstream that answers; nothing if a blob is asked for
     * @param failing how the upstream is at a request under the rules that comes before, if there is one
     * @param upstream how it is at the request that counts
     * @param times how often it fails, more than five times opening the circuit breaker
     * @param later the time between the two, in seconds
     * @param asked what is asked for; a blob only of an image that was pulled
     * @param written where the rules stand, and which times stand elsewhere
     */
    record Case(
            List<String> rules,
            List<Step> before,
            List<Step> during,
            Optional<Upstream> failing,
            Upstream upstream,
            int times,
            int later,
            Asked asked,
            Written written) {
        // The configuration of the rules, with one behind them that waits for the upstream; the digest that some of
        // them except is what the tag names then.
        private String configuration(Digest named, boolean late) {
            int split = Math.min(written.under(), rules.size());
            List<String> first = new ArrayList<>(rules.subList(0, split));
            if (late) {
                first.addFirst("{check-deadline: 1ms}");
            }
            List<String> top = new ArrayList<>(rules.subList(split, rules.size()));
            top.add("{check-deadline: 0s}");
            String text = upstreamOf(written.times(), first) + "rules: [" + String.join(", ", top) + "]\n";
            return text.replace(NAMED, named.toString());
        }
    }

    @BeforeContainer
    static void start() throws Exception {
        for (State first : List.of(State.PLAIN, State.COUNTED, State.MIRRORED)) {
            WORLDS.put(first, ExplainWorld.forStatesLike(first));
        }
        begin(State.PLAIN);
    }

    @AfterContainer
    static void stop() {
        WORLDS.values().forEach(ExplainWorld::close);
    }

    private static void begin(State state) {
        State like = state.counts() ? State.COUNTED : state.mirrors() ? State.MIRRORED : State.PLAIN;
        world = Objects.requireNonNull(WORLDS.get(like));
        world.begin(state);
    }

    private static String upstream(List<String> rules) {
        return upstreamOf(Times.UNSAID, rules);
    }

    private static String upstreamOf(Times times, List<String> rules) {
        return times.cache + world.upstream(times.upstream, String.join(", ", rules));
    }

    @Provide
    Arbitrary<Case> cases() {
        Arbitrary<Optional<Upstream>> failing = Arbitraries.of(Upstream.class)
                .filter(state -> state != Upstream.UP && state != Upstream.LATE)
                .optional(0.3);
        return Combinators.combine(
                        rule().list().ofMaxSize(3),
                        Combinators.combine(
                                        Arbitraries.of(Step.class).list().ofMaxSize(5),
                                        Arbitraries.of(
                                                        Step.MOVE,
                                                        Step.MOVE,
                                                        Step.PULL,
                                                        Step.SIGN,
                                                        Step.MINUTE,
                                                        Step.HOURS)
                                                .list()
                                                .ofMaxSize(4))
                                .as(List::of),
                        failing,
                        Arbitraries.of(Upstream.class).filter(state -> !state.refusesUs()),
                        Arbitraries.of(1, 1, 6),
                        Arbitraries.of(0, 20, 40),
                        Arbitraries.frequencyOf(
                                Tuple.of(4, Arbitraries.just(Asked.TAG)),
                                Tuple.of(1, Arbitraries.of(Asked.DIGEST, Asked.BLOB))),
                        Combinators.combine(
                                        Arbitraries.of(0, 0, 1, 3),
                                        Arbitraries.of(
                                                Times.UNSAID, Times.UNSAID, Times.OF_THE_CACHE, Times.OF_THE_UPSTREAM))
                                .as(Written::new))
                .as((rules, steps, fails, upstream, times, later, asked, written) -> new Case(
                        rules,
                        steps.getFirst(),
                        asked == Asked.BLOB ? List.of() : steps.getLast(),
                        fails,
                        upstream,
                        times,
                        later,
                        asked,
                        written));
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
                        settings(
                                "stale",
                                "0s",
                                "3h",
                                "{rate-limited: 1m}",
                                "{deleted: 3h, timeout: 1m, server-error: 0s}",
                                "{unreachable: 0s}"),
                        settings("negative", "{not-found: 30s, outage: 30s}", "{denied: 30s}"),
                        settings("min-age", "0s", "2h", "2h", SIGNED, SIGNED, EXCEPT),
                        Arbitraries.of(
                                "",
                                "",
                                "",
                                "",
                                "offline: true, ",
                                "offline: false, ",
                                "deny: \"no\", ",
                                "allow: true, ",
                                "max-size: 5, ",
                                "check-deadline: 5s, "),
                        Arbitraries.of(
                                "",
                                "",
                                "",
                                "tags: [\"1\"], ",
                                "tags: {semver: \">=1\"}, ",
                                "tags: {semver: \">=2\"}, ",
                                "tags: {include: [\"*\"], exclude: [\"2*\"]}, ",
                                "tags: {include: [{regex: \"[0-9]\"}], exclude: [{regex: \"1\"}]}, "),
                        // Of the last two the one is about every other repository of the test, the other about none.
                        Arbitraries.of(
                                "",
                                "",
                                "repositories: [\"app-*\"], ",
                                "repositories: [{regex: \"app-[0-9]*[02468]\"}], ",
                                "repositories: [\"other/**\"], "))
                .as((freshness, stale, negative, minAge, other, tags, repositories) ->
                        "{" + repositories + freshness + stale + negative + minAge + other + tags + "priority: 0}")
                // Neither a priority nor the size of a blob is about tags.
                .map(rule -> rule.contains("tags:")
                        ? rule.replace(", priority: 0", "").replace("max-size: 5, ", "")
                        : rule);
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

    /** Where pulls are counted, and fewer are left than are reserved or none, and where mirrors are asked first. */
    @Property(tries = 100)
    void serverDoesWhatExplainSaysUnderQuotasAndWithMirrors(@ForAll("cases") Case given, @ForAll("states") State state)
            throws Exception {
        answer(given, state);
    }

    @Provide
    Arbitrary<State> states() {
        return Arbitraries.of(State.class).filter(state -> state != State.PLAIN);
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
                List.of("{negative: {outage: 30s}}"),
                List.of(),
                List.of(),
                Optional.of(Upstream.BROKEN),
                Upstream.UP,
                1,
                20,
                Asked.TAG,
                Written.PLAINLY);
        assertThat(answer(remembered)).isEqualTo("502");
    }

    /** Of failures that are remembered, of refusals, of late answers, and by the times of the upstream. */
    @Example
    void serverDoesWhatExplainSaysOfRefusalsLateAnswersAndTimes() throws Exception {
        List<Step> old = List.of(Step.PULL, Step.MINUTE);
        for (Upstream refusal : List.of(Upstream.FORBIDDEN, Upstream.UNKNOWN)) {
            assertThat(answer(refused("{negative: {denied: 30s}}", refusal, 20)))
                    .startsWith("40");
            assertThat(answer(refused("{negative: {denied: 30s}}", refusal, 40)))
                    .startsWith("200");
            assertThat(answer(refused("{negative: {outage: 30s}}", refusal, 20)))
                    .startsWith("200");
        }
        assertThat(answer(given("{stale: 3h}", old, Upstream.LATE))).isEqualTo("200 stale");
        assertThat(answer(given("{stale: {timeout: 1m, unreachable: 3h}}", old, Upstream.LATE)))
                .isEqualTo("504");
        assertThat(answer(given("{freshness: offline-first}", old, Upstream.LATE)))
                .isEqualTo("200 hit");
        assertThat(answer(given("{min-age: " + EXCEPT + "}", old, Upstream.UP))).isEqualTo("200 revalidated");
        assertThat(answer(given("{min-age: " + EXCEPT + "}", old, List.of(Step.MOVE), Upstream.UP)))
                .isEqualTo("200 cooled");
        assertThat(answer(given("{tags: {include: [\"*\"], exclude: [\"1\"]}, deny: \"no\"}", old, Upstream.UP)))
                .isEqualTo("200 revalidated");
        List<Step> hours = List.of(Step.PULL, Step.HOURS);
        assertThat(answer(timed(Times.OF_THE_UPSTREAM, hours, Upstream.BROKEN))).isEqualTo("200 hit");
        assertThat(answer(timed(Times.OF_THE_CACHE, hours, Upstream.BROKEN))).isEqualTo("502");
        assertThat(answer(timed(Times.UNSAID, hours, Upstream.BROKEN))).isEqualTo("200 stale");
    }

    /** Where a pull is too dear, or cannot be made. */
    @Example
    void serverDoesWhatExplainSaysOfReservedAndSpentPulls() throws Exception {
        List<Step> old = List.of(Step.PULL, Step.HOURS);
        List<Step> matured = List.of(Step.MOVE, Step.HOURS);
        Case unseen = given("{freshness: always}", List.of(), Upstream.UP);
        Case confirmed = given("{freshness: always}", old, Upstream.UP);
        Case mature = given("{min-age: 2h, stale: 3h}", old, matured, Upstream.UP);
        Case forgotten = new Case(
                List.of("{freshness: always}"),
                old,
                List.of(),
                Optional.of(Upstream.EMPTIED),
                Upstream.UP,
                1,
                0,
                Asked.TAG,
                Written.PLAINLY);
        Case digest = new Case(
                List.of(), List.of(), List.of(), Optional.empty(), Upstream.UP, 1, 0, Asked.DIGEST, Written.PLAINLY);
        assertThat(answer(unseen, State.RESERVED)).isEqualTo("200 miss");
        assertThat(answer(unseen, State.SPENT)).isEqualTo("503");
        assertThat(answer(confirmed, State.SPENT)).isEqualTo("200 revalidated");
        assertThat(answer(mature, State.COUNTED)).isEqualTo("200 miss");
        assertThat(answer(mature, State.RESERVED)).isEqualTo("200 stale");
        assertThat(answer(mature, State.SPENT)).isEqualTo("200 stale");
        assertThat(answer(given("{min-age: 2h, stale: 0s}", old, matured, Upstream.UP), State.RESERVED))
                .isEqualTo("200 miss");
        assertThat(answer(given("{min-age: 2h, stale: 0s}", old, matured, Upstream.UP), State.SPENT))
                .isEqualTo("503");
        assertThat(answer(forgotten)).isEqualTo("200 miss");
        assertThat(answer(forgotten, State.SPENT)).isEqualTo("200 revalidated");
        assertThat(answer(digest, State.RESERVED)).isEqualTo("200 miss");
        assertThat(answer(digest, State.SPENT)).isEqualTo("503");
    }

    /** Where the request before has left a failure that is remembered, which the next one is answered with. */
    @Example
    void serverDoesWhatExplainSaysWhileAPullThatWasNotLeftIsRemembered() throws Exception {
        Case refusedBefore = new Case(
                List.of(
                        "{repositories: [\"other/**\"], min-age: " + SIGNED + "}",
                        "{stale: 3h, negative: {not-found: 30s, outage: 30s}}"),
                List.of(Step.MOVE, Step.PULL, Step.MINUTE),
                List.of(Step.MINUTE, Step.MOVE, Step.SIGN, Step.SIGN),
                Optional.empty(),
                Upstream.GONE,
                1,
                0,
                Asked.TAG,
                Written.PLAINLY);
        assertThat(answer(refusedBefore, State.SPENT)).isEqualTo("200 stale");
    }

    /** Where a pull that was not left has left no more than what the tag names. */
    @Example
    void serverDoesWhatExplainSaysOfATagThatIsKnownByNameOnly() throws Exception {
        assertThat(answer(namedOnly("{stale: 3h}", Upstream.GONE), State.SPENT)).isEqualTo("502, and HEAD 200");
        assertThat(answer(namedOnly("{stale: {rate-limited: 3h}}", Upstream.LIMITED), State.SPENT))
                .isEqualTo("503, and HEAD 200");
        assertThat(answer(namedOnly("{stale: 1m}", Upstream.GONE), State.SPENT)).isEqualTo("502");
        assertThat(answer(namedOnly("{stale: {deleted: 3h}}", Upstream.EMPTIED), State.SPENT))
                .isEqualTo("404");
    }

    private static Case namedOnly(String rule, Upstream upstream) {
        return new Case(
                List.of(rule),
                List.of(),
                List.of(Step.PULL, Step.MINUTE),
                Optional.empty(),
                upstream,
                1,
                0,
                Asked.TAG,
                Written.PLAINLY);
    }

    /** Where clients have sent no more than HEAD since a tag has moved. */
    @Example
    void serverDoesWhatExplainSaysOfAMoveThatWasToldByHead() throws Exception {
        List<Step> told = List.of(Step.PULL, Step.MOVE_TOLD);
        List<Step> later = List.of(Step.PULL, Step.MOVE_TOLD, Step.MINUTE);
        assertThat(answer(given("{freshness: 1m}", told, Upstream.UP), State.COUNTED))
                .isEqualTo("200 hit");
        assertThat(answer(given("{freshness: 1m}", later, Upstream.UP), State.COUNTED))
                .isEqualTo("200 revalidated");
        assertThat(answer(given("{stale: 3h}", later, Upstream.GONE), State.COUNTED))
                .isEqualTo("200 stale");
        assertThat(answer(given("{stale: 3h}", later, Upstream.UP), State.SPENT))
                .isEqualTo("200 revalidated");
    }

    /** Where a mirror may have what the upstream does not give. */
    @Example
    void serverDoesWhatExplainSaysOfMirrors() throws Exception {
        List<Step> old = List.of(Step.PULL, Step.HOURS);
        List<Step> matured = List.of(Step.MOVE, Step.HOURS);
        Case fetched = given("{min-age: 2h, stale: 3h}", old, matured, Upstream.BROKEN);
        Case tag = given("{stale: 0s}", old, Upstream.BROKEN);
        assertThat(answer(fetched, State.MIRRORED)).isEqualTo("not known, 200");
        assertThat(answer(fetched, State.EMPTY_MIRROR)).isEqualTo("not known, 200");
        assertThat(answer(fetched)).isEqualTo("200 stale");
        for (State state : List.of(State.MIRRORED, State.EMPTY_MIRROR, State.LOST_MIRROR)) {
            assertThat(answer(tag, state)).isEqualTo("502");
            assertThat(answer(given("{freshness: always}", List.of(), Upstream.UP), state))
                    .isEqualTo("200 miss");
            assertThat(answer(blob("{freshness: 10m}", List.of(Step.PULL), Upstream.UP), state))
                    .isEqualTo("200 miss");
        }
        assertThat(answer(blob("{freshness: 10m}", List.of(Step.PULL), Upstream.BROKEN), State.MIRRORED))
                .isEqualTo("not known, 200");
    }

    private static Case refused(String rule, Upstream refusal, int later) {
        return new Case(
                List.of(rule),
                List.of(),
                List.of(),
                Optional.of(refusal),
                Upstream.UP,
                1,
                later,
                Asked.TAG,
                Written.PLAINLY);
    }

    private static Case timed(Times times, List<Step> before, Upstream upstream) {
        return new Case(
                List.of(), before, List.of(), Optional.empty(), upstream, 1, 0, Asked.TAG, new Written(0, times));
    }

    /** Where signatures exempt from a minimum age. */
    @Example
    void serverDoesWhatExplainSaysOfExemptions() throws Exception {
        List<Step> signed = List.of(Step.PULL, Step.SIGN, Step.REFERRERS);
        List<Step> old = List.of(Step.PULL, Step.SIGN, Step.REFERRERS, Step.MINUTE);
        List<Step> moved = List.of(Step.PULL, Step.SIGN, Step.REFERRERS, Step.MOVE);
        String fresh = "{freshness: 10m, min-age: " + SIGNED;
        assertThat(answer(given(fresh + "}", signed, Upstream.BROKEN))).isEqualTo("200 hit");
        assertThat(answer(given(fresh + ", stale: 0s}", old, Upstream.BROKEN))).isEqualTo("403");
        assertThat(answer(given(fresh + ", stale: 3h}", old, Upstream.BROKEN))).isEqualTo("200 hit");
        assertThat(answer(given(fresh + "}", old, Upstream.EMPTIED))).isEqualTo("403");
        assertThat(answer(given(fresh + ", stale: 3h}", moved, Upstream.BROKEN)))
                .isEqualTo("200 cooled");
        assertThat(answer(given(fresh + "}", List.of(Step.SIGN), Upstream.UP))).isEqualTo("not known, 200");
        assertThat(answer(given(fresh + "}", List.of(Step.PULL), Upstream.UP))).isEqualTo("not known, 403");
        assertThat(answer(given("{min-age: 2h}", List.of(Step.SIGN), Upstream.UP)))
                .isEqualTo("403");
    }

    /** Where rules are about some repositories, at the top and under the upstream. */
    @Example
    void serverDoesWhatExplainSaysOfRulesForSomeRepositories() throws Exception {
        for (int under : new int[] {0, 1}) {
            assertThat(answer(denying("\"app-*\"", under))).isEqualTo("403");
            assertThat(answer(denying("{regex: \"app-[0-9]+\"}", under))).isEqualTo("403");
            assertThat(answer(denying("\"other/**\"", under))).isEqualTo("200 miss");
            assertThat(answer(denying("{regex: \"[0-9]+\"}", under))).isEqualTo("200 miss");
        }
    }

    private static Case denying(String repositories, int under) {
        List<String> rules = List.of("{repositories: [" + repositories + "], deny: \"no\"}", "{freshness: always}");
        Written written = new Written(under, Times.UNSAID);
        return new Case(rules, List.of(), List.of(), Optional.empty(), Upstream.UP, 1, 0, Asked.TAG, written);
    }

    /** Of blobs, and while a circuit breaker is open. */
    @Example
    void serverDoesWhatExplainSaysOfBlobsAndOpenBreakers() throws Exception {
        List<Step> kept = List.of(Step.PULL, Step.BLOB);
        assertThat(answer(blob("{freshness: 10m}", kept, Upstream.BROKEN))).isEqualTo("200 hit");
        assertThat(answer(blob("{max-size: 5}", kept, Upstream.UP))).isEqualTo("403");
        assertThat(answer(blob("{max-size: 5}", List.of(Step.PULL), Upstream.UP)))
                .isEqualTo("403");
        assertThat(answer(blob("{freshness: 10m}", List.of(Step.PULL), Upstream.UP)))
                .isEqualTo("200 miss");
        assertThat(answer(blob("{freshness: 10m}", List.of(Step.PULL), Upstream.BROKEN)))
                .isEqualTo("502");
        assertThat(answer(broken("{stale: {server-error: 0s}}", 0))).isEqualTo("503");
        assertThat(answer(broken("{stale: {unreachable: 0s}}", 0))).isEqualTo("200 stale");
        assertThat(answer(broken("{stale: {server-error: 0s}}", 20))).isEqualTo("200 revalidated");
    }

    private static Case blob(String rule, List<Step> before, Upstream upstream) {
        return new Case(
                List.of(rule), before, List.of(), Optional.empty(), upstream, 1, 0, Asked.BLOB, Written.PLAINLY);
    }

    private static Case broken(String rule, int later) {
        List<Step> before = List.of(Step.PULL, Step.MINUTE);
        return new Case(
                List.of(rule),
                before,
                List.of(),
                Optional.of(Upstream.BROKEN),
                Upstream.UP,
                6,
                later,
                Asked.TAG,
                Written.PLAINLY);
    }

    private static Case given(String rule, List<Step> before, Upstream upstream) {
        return given(rule, before, List.of(), upstream);
    }

    private static Case given(String rule, List<Step> before, List<Step> during, Upstream upstream) {
        return new Case(List.of(rule), before, during, Optional.empty(), upstream, 1, 0, Asked.TAG, Written.PLAINLY);
    }

    /** Where a tag has moved under a minimum age, so that what it names has never been fetched. */
    @Example
    void serverDoesWhatExplainSaysOfWhatWasNeverFetched() throws Exception {
        List<Step> old = List.of(Step.PULL, Step.HOURS);
        List<Step> moved = List.of(Step.MOVE);
        List<Step> matured = List.of(Step.MOVE, Step.HOURS);
        List<Step> movedAgain = List.of(Step.MOVE, Step.HOURS, Step.MOVE);
        assertThat(answer(given("{min-age: 2h}", old, moved, Upstream.UP))).isEqualTo("200 cooled");
        assertThat(answer(given("{min-age: 2h}", old, matured, Upstream.UP))).isEqualTo("200 miss");
        assertThat(answer(given("{min-age: 2h, stale: 3h}", old, matured, Upstream.BROKEN)))
                .isEqualTo("200 stale");
        assertThat(answer(given("{min-age: 2h, stale: 1h}", old, matured, Upstream.BROKEN)))
                .isEqualTo("502");
        assertThat(answer(given("{min-age: 2h, stale: {deleted: 9h}}", old, matured, Upstream.EMPTIED)))
                .isEqualTo("200 stale");
        assertThat(answer(given("{min-age: 2h, stale: 3h}", old, matured, Upstream.LATE)))
                .isEqualTo("200 stale");
        assertThat(answer(given("{min-age: 2h, stale: 3h}", old, movedAgain, Upstream.GONE)))
                .isEqualTo("200 cooled");
        assertThat(answer(given("{tags: {semver: \">=1\"}, freshness: immutable}", old, moved, Upstream.UP)))
                .isEqualTo("200 hit");
    }

    // The answer of the server, which is found to be what explain says.
    private static String answer(Case given) throws Exception {
        return answer(given, State.PLAIN);
    }

    private static String answer(Case given, State state) throws Exception {
        begin(state);
        MirrorFixture mirror = world.mirror();
        String name = "app-" + repositories++;
        String path = "/v2/" + name + "/manifests/";
        assertThat(mirror.reconfigure(upstream(List.of()) + "rules: [{check-deadline: 0s}]\n"))
                .isTrue();
        closeBreakers(mirror, name);
        Bundle image = world.push(name, IMAGES.image(10), "1");
        if (given.asked() == Asked.BLOB) {
            image = take(Step.PULL, mirror, name, image);
        }
        for (Step step : given.before()) {
            image = take(step, mirror, name, image);
        }
        Digest named = image.digest();
        world.enter();
        assertThat(mirror.reconfigure(given.configuration(named, false))).isTrue();
        for (Step step : given.during()) {
            image = takeUnderRules(step, mirror, name, image);
        }
        String asked = switch (given.asked()) {
            case TAG -> path + "1";
            case DIGEST -> path + image.digest();
            case BLOB -> "/v2/" + name + "/blobs/" + blob(image);
        };
        String explain = "/explain?ref=registry.test%2F" + name
                + switch (given.asked()) {
                    case TAG -> "%3A1";
                    case DIGEST -> "%40" + image.digest().toString().replace(":", "%3A");
                    case BLOB -> "%40" + blob(image).toString().replace(":", "%3A");
                };

        if (given.failing().isPresent()
                && !explanation(mirror, explain).path("asks").asString("").equals("behind")) {
            fail(name, given.failing().get());
            // What is known of the circuit breaker of blobs is not explained.
            for (int i = 0; i < (given.asked() == Asked.BLOB ? 1 : given.times()); i++) {
                mirror.get(asked);
            }
            // Whoever asks a mirror for a blob may have all of it a moment before it is kept.
            mirror.awaitFills();
            world.registry().faults().clear();
            mirror.advance(Duration.ofSeconds(given.later()));
        }
        boolean late = given.upstream() == Upstream.LATE;
        if (late) {
            assertThat(mirror.reconfigure(given.configuration(named, true))).isTrue();
        }
        world.look();
        JsonNode said = explanation(mirror, explain);
        JsonNode expected = given.upstream() == Upstream.UP
                ? said.path("now")
                : said.path("ifUpstreamIs").path(given.upstream().cause);
        Gate gate = new Gate();
        // Who is said to get an answer gets it while the upstream says nothing; but signatures have no deadline where
        // they are not known.
        if (!late
                || expected.path("status").asInt() != 200
                || given.rules().toString().contains(SIGNATURE)) {
            gate.open();
        }
        if (late) {
            world.registry().faults().always(Requests.repository(name), Fault.hold(gate));
        }
        fail(name, given.upstream());
        int before = world.registry().calls().count(byTag(name));
        HttpResponse<byte[]> answer = mirror.get(asked);
        gate.open();
        if (given.asked() == Asked.TAG && said.has("nextCheck")) {
            assertAskedWhenDue(name, said, before, mirror.now());
        }
        if (expected.has("head")) {
            HttpResponse<byte[]> head = mirror.head(asked);
            assertThat(head.statusCode()).as("%s", said).isEqualTo(200);
            assertThat(MirrorFixture.verdict(head)).as("%s", said).isEqualTo("stale");
            assertThat(MirrorFixture.header(head, "Docker-Content-Digest"))
                    .as("%s", said)
                    .isEqualTo(expected.path("head").path("digest").asString(""));
        }
        world.registry().faults().clear();
        if (expected.path("notKnown").asString("").startsWith("whether it is at 127.0.0.1:")) {
            assertThat(state.mirrors()).isTrue();
            return "not known, " + answer.statusCode();
        }
        if (expected.has("notKnown")) {
            assertThat(isUnknowable(given, said)).as("%s", said).isTrue();
            // What may be served cannot be fetched with no pull left.
            assertThat(answer.statusCode()).as("%s", said).isIn(200, 403, state == State.SPENT ? 503 : 200);
            return "not known, " + answer.statusCode();
        }

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
        if (status == 200) {
            return "200 " + MirrorFixture.verdict(answer);
        }
        return expected.has("head") ? status + ", and HEAD 200" : Integer.toString(status);
    }

    // That the upstream is asked for the tag if its time has come, and that it is not before: nor is it after a failure
    // that is remembered, or has opened the circuit breaker.
    private static void assertAskedWhenDue(String name, JsonNode said, int before, Instant now)
            throws InterruptedException {
        boolean due = !now.isBefore(Instant.parse(said.path("nextCheck").asString("")));
        assertThat(!said.path("asks").asString("").equals("not")).as("%s", said).isEqualTo(due);
        if (!due) {
            assertThat(world.registry().calls().count(byTag(name)))
                    .as("%s", said)
                    .isEqualTo(before);
        } else {
            // Perhaps behind the answer.
            world.registry().calls().await(before + 1, byTag(name));
        }
    }

    private static Predicate<Request> byTag(String name) {
        return Requests.path("/" + name + "/manifests/1");
    }

    // Nobody can say without asking whether something is signed, nor what a tag names that nothing is known of, where
    // that may be exempt.
    private static boolean isUnknowable(Case given, JsonNode said) {
        String rules = given.rules().toString();
        boolean exceptions =
                rules.contains("except-digests") || !said.path("former").isEmpty();
        return given.asked() == Asked.TAG && (rules.contains("except-signed") || exceptions && !said.has("kept"));
    }

    // Time for a probe, and an answer to it, of either kind.
    private static void closeBreakers(MirrorFixture mirror, String name) throws Exception {
        mirror.advance(Duration.ofMinutes(3));
        mirror.get("/v2/none-" + name + "/manifests/1");
        mirror.get("/v2/none-" + name + "/blobs/" + Digest.sha256(new byte[] {1}));
    }

    private static Digest blob(Bundle image) {
        return List.copyOf(image.blobs().keySet()).getLast();
    }

    private static Bundle take(Step step, MirrorFixture mirror, String name, Bundle image) throws Exception {
        return switch (step) {
            case PULL -> {
                mirror.get("/v2/" + name + "/manifests/1");
                yield image;
            }
            case MOVE, MOVE_TOLD -> {
                Bundle moved = world.push(name, IMAGES.image(10), "1");
                mirror.advance(Duration.ofMinutes(2));
                if (step == Step.MOVE) {
                    mirror.get("/v2/" + name + "/manifests/1");
                } else {
                    mirror.head("/v2/" + name + "/manifests/1");
                }
                yield moved;
            }
            case SIGN -> {
                world.push(name, IMAGES.referrer(image, SIGNATURE));
                yield image;
            }
            case REFERRERS -> {
                mirror.get("/v2/" + name + "/referrers/" + image.digest());
                yield image;
            }
            case BLOB -> {
                mirror.get("/v2/" + name + "/blobs/" + blob(image));
                mirror.awaitFills();
                yield image;
            }
            case MINUTE -> wait(mirror, Duration.ofMinutes(2), image);
            case HOURS -> wait(mirror, Duration.ofHours(2), image);
            case DAYS -> wait(mirror, Duration.ofDays(3), image);
        };
    }

    // What is asked behind a client's back is known nobody knows when; and a move that nobody has seen is explained as
    // none.
    private static Bundle takeUnderRules(Step step, MirrorFixture mirror, String name, Bundle image) throws Exception {
        String explain = "/explain?ref=registry.test%2F" + name + "%3A1";
        boolean moves = step == Step.MOVE || step == Step.MOVE_TOLD;
        if (moves) {
            mirror.advance(Duration.ofMinutes(2));
        }
        boolean behind = explanation(mirror, explain).path("asks").asString("").equals("behind");
        if (behind && (step == Step.PULL || moves)) {
            return image;
        }
        Bundle after = take(step, mirror, name, image);
        String known = explanation(mirror, explain).path("kept").path("digest").asString("");
        if (!moves || known.equals(after.digest().toString())) {
            return after;
        }
        world.registry().tag(name, "1", image.digest());
        return image;
    }

    private static Bundle wait(MirrorFixture mirror, Duration time, Bundle image) {
        mirror.advance(time);
        return image;
    }

    private static void fail(String name, Upstream upstream) {
        upstream.fault.ifPresent(fault -> world.registry().faults().always(Requests.repository(name), fault));
    }

    private static JsonNode explanation(MirrorFixture mirror, String path) throws Exception {
        return OciJson.mapper().readTree(mirror.admin(path).body());
    }
}
