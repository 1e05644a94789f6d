package dev.entrepot.replicator;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.status;
import static dev.entrepot.replicator.OddRegistry.error;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What whole runs make of a source that fails, goes round in circles or sends what is not so: a tag fails, and never
 * arrives without what belongs to it. Long, because each odd answer is one short case between the same two registries.
 */
class OddSourceTest extends BetweenOddRegistries {
    private static final String TAGS = "/v2/app/tags/list.*";
    private static final String INDEX = "application/vnd.oci.image.index.v1+json";
    private static final String EMPTY = "{\"schemaVersion\":2,\"mediaType\":\"" + INDEX + "\",\"manifests\":[]}";
    private static final Tag V1 = new Tag("v1");

    private static String referrers(Descriptor subject) {
        return "/v2/app/referrers/" + subject.digest() + ".*";
    }

    private static String atSource(Object reference) {
        return "/v2/app/manifests/" + reference;
    }

    private static ResponseDefinitionBuilder list(String body) {
        return ok(body).withHeader("Content-Type", INDEX);
    }

    // Referrers

    /** What is wrong with a list of referrers that is none, and never is. */
    enum Wrong {
        ERROR(status(500)),
        UNAVAILABLE(status(503)),
        TOO_MANY(error(429, "TOOMANYREQUESTS")),
        DENIED(error(403, "DENIED")),
        UNAUTHORIZED(error(401, "UNAUTHORIZED")),
        BROKEN_JSON(list("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vn")),
        SHORT(list("{\"schemaVersion\":2,").withHeader("Content-Length", "5000")),
        MALFORMED_ENTRY(list("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:1\"}]}")),
        RESET(aResponse().withFault(Fault.CONNECTION_RESET_BY_PEER)),
        GARBAGE(aResponse().withFault(Fault.MALFORMED_RESPONSE_CHUNK)),
        ELSEWHERE(list(EMPTY).withHeader("Link", "<http://elsewhere.test/v2/app/referrers/x>; rel=\"next\"")),
        NEXT_IS_MISSING(list(EMPTY).withHeader("Link", "</v2/app/referrers/gone?n=2>; rel=\"next\""));

        private final ResponseDefinitionBuilder answer;

        Wrong(ResponseDefinitionBuilder answer) {
            this.answer = answer;
        }
    }

    @ParameterizedTest
    @EnumSource(Wrong.class)
    void tagWhoseReferrersAreNotToBeHadStaysAsItWas(Wrong wrong) throws IOException {
        Descriptor first = world.tagged("v1");
        world.completes();
        Descriptor second = world.shapes.image("second");
        world.shapes.referrer(second, "x/signature", "signature of second");
        world.shapes.tag("v1", second);
        source.says("GET", referrers(second), wrong.answer);
        source.says("GET", "/v2/app/referrers/gone.*", error(404, "NOT_FOUND"));

        ItemReport.Failure failure = failureOfV1();

        assertThat(failure.side()).isEqualTo(Side.SOURCE);
        assertThat(failure.node()).isEqualTo(second.digest().toString());
        assertThat(world.mirror.tags).containsEntry(V1, first.digest());
        world.completesOnceNobodyIsOdd("v1");
        assertThat(world.mirror.tags).containsEntry(V1, second.digest());
    }

    private ItemReport.Failure failureOfV1() throws IOException {
        ReplicationReport report = world.run();
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.FAILED);
        return report.items().getFirst().failure().orElseThrow();
    }

    private void v1IsOfSchema1(Digest stated) {
        for (String method : List.of("GET", "HEAD")) {
            source.says(
                    method,
                    atSource("v1"),
                    ok("{\"schemaVersion\":1}")
                            .withHeader("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
                            .withHeader("Docker-Content-Digest", stated.toString()));
        }
    }

    @Test
    void schema1TagDoesNotTellItsAgeAndKeepsNoOtherFromBeingChosen() throws IOException {
        world.tagged("v1");
        Descriptor dated = world.shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                world.shapes.blob(Shapes.CONFIG, "{\"created\":\"" + world.engine.clock.instant() + "\"}"),
                List.of(),
                Optional.empty(),
                Optional.empty());
        world.shapes.tag("v2", dated);
        v1IsOfSchema1(dated.digest());
        world.rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("*")),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(Duration.ofDays(1)),
                List.of(),
                0);

        world.completes();

        assertThat(world.mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    @Test
    void schema1TagFailsAlone() throws IOException {
        world.tagged("v1");
        v1IsOfSchema1(world.tagged("v2").digest());

        ItemReport.Failure failure = world.run().items().stream()
                .flatMap(item -> item.failure().stream())
                .findFirst()
                .orElseThrow();

        assertThat(failure.side()).isEqualTo(Side.SOURCE);
        assertThat(failure.cause()).contains("it is a Docker schema 1 image", "skopeo copy --format oci");
        assertThat(failure.fault()).isEmpty();
        assertThat(world.mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    /** What looks as if there was no referrers API, where there is one. */
    enum LikeNone {
        PAGE(ok("<html>Please log in").withHeader("Content-Type", "text/html")),
        REDIRECT(status(302).withHeader("Location", "https://login.test/")),
        NOT_ALLOWED(status(405)),
        EMPTY(ok()),
        OBJECT(ok("{}").withHeader("Content-Type", "application/json"));

        private final ResponseDefinitionBuilder answer;

        LikeNone(ResponseDefinitionBuilder answer) {
            this.answer = answer;
        }
    }

    /** A signed index, whose children are asked about after it. */
    private Descriptor signedIndex() {
        Descriptor index = world.shapes.index(List.of(world.shapes.image("amd64"), world.shapes.image("arm64")));
        world.shapes.referrer(index, "x/signature", "signature");
        world.shapes.tag("v1", index);
        return index;
    }

    @ParameterizedTest
    @EnumSource(LikeNone.class)
    void firstManifestOfWhichThereSeemsToBeNoApiIsAskedAboutAgainWhereOthersAreListed(LikeNone none)
            throws IOException {
        source.saysFirst("GET", referrers(signedIndex()), none.answer);
        world.rules.immutable = List.of(NamePattern.parse("v*"));

        world.completes();

        world.isComplete("v1");
    }

    @ParameterizedTest
    @EnumSource(LikeNone.class)
    void tagFailsWhereThereSeemsToBeNoApiForItsIndexAloneWhicheverAnswerCameFirst(LikeNone none) throws IOException {
        Descriptor index = signedIndex();
        source.says("GET", referrers(index), none.answer);

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.SOURCE);
        assertThat(failure.node()).isEqualTo(index.digest().toString());
        source.beAsOthers();
        world.completes();
        world.isComplete("v1");
    }

    @Test
    void tagFailsWhereThereSeemsToBeNoApiForItAloneAndAnotherTagsReferrersAreListed() throws IOException {
        world.tagged("v2");
        Descriptor image = world.tagged("v1");
        source.says("GET", referrers(image), LikeNone.PAGE.answer);

        assertThat(world.failsToCopy("v1").side()).isEqualTo(Side.SOURCE);

        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1", "v2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"400 UNSUPPORTED", "404 MANIFEST_UNKNOWN", "404 NAME_UNKNOWN"})
    void answerAboutTheManifestIsAskedForOnceMoreAndThenBelieved(String answer) throws IOException {
        String[] parts = answer.split(" ");
        Descriptor index = signedIndex();
        source.saysFirst("GET", referrers(index), error(Integer.parseInt(parts[0]), parts[1]));
        world.completes();
        world.isComplete("v1");

        Descriptor other = world.shapes.index(List.of(world.shapes.image("amd64"), world.shapes.image("other")));
        world.shapes.tag("v2", other);
        source.says("GET", referrers(other), error(Integer.parseInt(parts[0]), parts[1]));
        world.completes();
        assertThat(source.requests("GET", referrers(other))).hasSize(2);
        world.isComplete("v2");
    }

    @Test
    void tagThatSeemsAsItWasIsAskedAboutAgainWhereOthersAreListed() throws IOException {
        Descriptor image = world.shapes.image("unsigned");
        world.shapes.tag("v1", image);
        world.completes();
        world.shapes.referrer(image, "x/signature", "late signature");
        source.saysFirst("GET", referrers(image), error(404, "MANIFEST_UNKNOWN"));
        world.tagged("v2");

        world.completes();

        world.isComplete("v1");
    }

    @Test
    void tagIsNotCopiedWithoutTheReferrersOfItsReferrers() throws IOException {
        Descriptor image = world.shapes.image("one");
        Descriptor sbom = world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.referrer(sbom, "x/signature", "signature");
        world.shapes.tag("v1", image);
        source.says("GET", referrers(sbom), status(500));

        assertThat(world.failsToCopy("v1").node()).isEqualTo(sbom.digest().toString());

        assertThat(target.requests("PUT", ".*/manifests/.*")).isEmpty();
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void signatureThatCameLateAndIsNotToBeListedLeavesTheTagAsItWasUntilItIs() throws IOException {
        Descriptor image = world.tagged("v1");
        world.completes();
        Descriptor late = world.shapes.referrer(image, "x/signature", "late");
        source.says("GET", referrers(image), status(500));

        failureOfV1();

        assertThat(world.mirror.tags).containsEntry(V1, image.digest());
        assertThat(world.mirror.manifests).doesNotContainKey(late.digest());
        world.completesOnceNobodyIsOdd("v1");
    }

    /** Pages of referrers that name one another as the next, in a circle of this length. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void pagesOfReferrersThatGoRoundInCirclesFailTheTagAndEnd(int length) throws IOException {
        Descriptor image = world.shapes.image("one");
        world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.tag("v1", image);
        for (int page = 0; page < length; page++) {
            String next = "</v2/app/referrers/page?n=" + (page + 1) % length + ">; rel=\"next\"";
            source.says("GET", "/v2/app/referrers/page.n=" + page, list(EMPTY).withHeader("Link", next));
        }
        source.says(
                "GET", referrers(image), list(EMPTY).withHeader("Link", "</v2/app/referrers/page?n=0>; rel=\"next\""));

        assertThat(world.failsToCopy("v1").side()).isEqualTo(Side.SOURCE);

        assertThat(source.requests("GET", "/v2/app/referrers/.*").size()).isLessThan(10);
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void fallbackTagThatIsNotToBeHadFailsTheTag(@TempDir Path another) throws IOException {
        world.close();
        world = new OddWorld(another, source, Abilities.NO_API, target, Abilities.ALL);
        Descriptor image = world.tagged("v1");
        source.says("GET", atSource(image.digest().referrersTag()), status(500));
        source.says("HEAD", atSource(image.digest().referrersTag()), status(500));

        assertThat(world.failsToCopy("v1").node()).isEqualTo(image.digest().toString());

        world.completesOnceNobodyIsOdd("v1");
    }

    /** With the referrers API turned off at the source. */
    private void withoutApi(Path another) throws IOException {
        world.close();
        world = new OddWorld(another, source, Abilities.NO_API, target, Abilities.ALL);
    }

    private ReplicationReport copiesWithout(Descriptor gone) throws IOException {
        source.says("ANY", atSource(gone.digest()), error(404, "MANIFEST_UNKNOWN"));
        ReplicationReport report = world.completes();
        assertThat(world.mirror.manifests).doesNotContainKey(gone.digest());
        return report;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void referrerThatAFallbackTagListsAndThatIsGoneIsNamedAndBroughtOnceItIsThere(
            boolean immutable, @TempDir Path another) throws IOException {
        withoutApi(another);
        Descriptor image = world.shapes.image("one");
        Descriptor sbom = world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.tag("v1", image);
        world.rules.immutable = immutable ? List.of(NamePattern.parse("v*")) : List.of();

        ReplicationReport report = copiesWithout(sbom);

        String warning = "the fallback tag of " + image.digest() + " lists " + sbom.digest();
        assertThat(report.warnings()).singleElement().asString().contains(warning);
        assertThat(ReportWriter.toText(report)).contains("WARNING").contains(warning);
        assertThat(ReportWriter.toJson(report)).contains(warning);
        source.beAsOthers();
        assertThat(world.completes().warnings()).isEmpty();
        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void referrerThatStaysGoneIsAskedForInEachRunAndNothingElseIsCompared(boolean immutable, @TempDir Path another)
            throws IOException {
        withoutApi(another);
        Descriptor image = world.shapes.image("one");
        Descriptor sbom = world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.tag("v1", image);
        world.rules.immutable = immutable ? List.of(NamePattern.parse("v*")) : List.of();
        copiesWithout(sbom);
        int before = source.requests("GET", atSource(sbom.digest())).size();

        ReplicationReport report = world.completes();

        assertThat(report.items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(ItemReport.State.UP_TO_DATE));
        assertThat(report.warnings())
                .singleElement()
                .asString()
                .contains(sbom.digest().toString());
        assertThat(source.requests("GET", atSource(sbom.digest())))
                .as("to complete an entry that says too little, and to see whether it is there")
                .hasSize(before + 2);
        assertThat(report.targets().getFirst().requests()).isEqualTo(1);
    }

    @Test
    void immutableTagOfWhichAllIsThereIsNotAskedForAgain(@TempDir Path another) throws IOException {
        withoutApi(another);
        world.tagged("v1");
        world.rules.immutable = List.of(NamePattern.parse("v*"));
        world.completes();

        assertThat(world.completes().targets().getFirst().requests()).isZero();
    }

    @Test
    void cosignTagThatIsNotToBeAskedForFailsTheTag() throws IOException {
        Descriptor image = world.tagged("v1");
        Tag signature = new Tag(Shapes.stem(image) + ".sig");
        world.shapes.tag(signature.value(), world.shapes.image("cosign"));
        source.says("HEAD", atSource(signature), status(500));
        source.says("GET", atSource(signature), status(500));

        assertThat(world.failsToCopy("v1").side()).isEqualTo(Side.SOURCE);

        world.completesOnceNobodyIsOdd("v1");
        assertThat(world.mirror.tags).containsKey(signature);
    }

    private Tag signed() {
        Descriptor image = world.tagged("v1");
        Tag signature = new Tag(Shapes.stem(image) + ".sig");
        world.shapes.tag(signature.value(), world.shapes.image("cosign"));
        world.rules.immutable = List.of(NamePattern.parse("v*"));
        return signature;
    }

    @Test
    void cosignTagThatIsListedAndNotThereOnceIsAskedForAgain() throws IOException {
        Tag signature = signed();
        source.saysFirst("HEAD", atSource(signature), error(404, "MANIFEST_UNKNOWN"));

        world.completes();

        assertThat(world.mirror.tags).containsKey(signature);
        world.isComplete("v1");
    }

    @Test
    void cosignTagThatIsListedTwiceAndIsNotThereFailsTheTag() throws IOException {
        Tag signature = signed();
        source.says("HEAD", atSource(signature), error(404, "MANIFEST_UNKNOWN"));
        source.says("GET", atSource(signature), error(404, "MANIFEST_UNKNOWN"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.SOURCE);
        assertThat(failure.cause()).contains("lists the tag " + signature);
        source.beAsOthers();
        world.completes();
        assertThat(world.mirror.tags).containsKey(signature);
        world.isComplete("v1");
    }

    @Test
    void cosignTagThatWasDeletedAfterTheListWasReadIsNone() throws IOException {
        Tag signature = signed();
        source.saysFirst("GET", TAGS, tags("v1", signature.value()));
        world.app.tags.remove(signature);

        world.completes();

        assertThat(world.mirror.tags).containsOnlyKeys(V1);
        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void fallbackTagThatIsListedAndNotThereIsAskedForAgainAndFailsTheTag(boolean once, @TempDir Path another)
            throws IOException {
        withoutApi(another);
        Descriptor image = world.tagged("v1");
        String fallback = atSource(image.digest().referrersTag());
        world.rules.immutable = List.of(NamePattern.parse("v*"));
        if (once) {
            source.saysFirst("GET", fallback, error(404, "MANIFEST_UNKNOWN"));
        } else {
            source.says("GET", fallback, error(404, "MANIFEST_UNKNOWN"));
            source.says("HEAD", fallback, error(404, "MANIFEST_UNKNOWN"));
            assertThat(world.failsToCopy("v1").node()).isEqualTo(image.digest().toString());
            source.beAsOthers();
        }

        world.completes();

        world.isComplete("v1");
    }

    // Lists of tags

    private void byPattern() {
        world.rules.tags = TagSelectionConfig.including(List.of(NamePattern.parse("v*")));
    }

    private static ResponseDefinitionBuilder tags(String... tags) {
        return ok("{\"name\":\"app\",\"tags\":[" + (tags.length == 0 ? "" : "\"" + String.join("\",\"", tags) + "\"")
                        + "]}")
                .withHeader("Content-Type", "application/json");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void listOfTagsThatGoesRoundInCirclesFailsTheRepositoryAndEnds(int length) throws IOException {
        world.tagged("v1");
        byPattern();
        for (int page = 0; page < length; page++) {
            String next = "</v2/app/tags/list?n=1&last=" + (page + 1) % length + ">; rel=\"next\"";
            source.says("GET", "/v2/app/tags/list.n=1&last=" + page, tags("v1").withHeader("Link", next));
        }
        source.saysFirst("GET", TAGS, tags("v1").withHeader("Link", "</v2/app/tags/list?n=1&last=0>; rel=\"next\""));

        ReplicationReport report = world.run();

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(world.mirror.tags).isEmpty();
        assertThat(source.requests("GET", TAGS).size()).isLessThan(10);
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void listOfTagsOfWhichTheSecondPageFailsIsNotTakenForAList() throws IOException {
        world.tagged("v1");
        world.tagged("v2");
        byPattern();
        source.says("GET", TAGS, tags("v1").withHeader("Link", "</v2/app/tags/list?n=1&last=v1>; rel=\"next\""));
        source.says("GET", "/v2/app/tags/list.n=1&last=v1", status(500));

        assertThat(world.run().outcome()).isEqualTo(Outcome.FAILED);

        assertThat(world.mirror.tags).isEmpty();
        world.completesOnceNobodyIsOdd("v1", "v2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "null"})
    void listOfTagsThatIsSuddenlyEmptyPrunesNothing(String empty) throws IOException {
        world.tagged("v1");
        byPattern();
        world.rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        world.completes();
        source.says(
                "GET",
                TAGS,
                ok("{\"name\":\"app\",\"tags\":" + empty + "}").withHeader("Content-Type", "application/json"));

        ReplicationReport report = world.completes();

        assertThat(report.targets().getFirst().pruned()).isZero();
        assertThat(ReportWriter.toText(report)).contains("selected nothing");
        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}", "{\"name\":\"app\",\"tags\":null}"})
    void pageOfTagsWithoutAListIsNoEndAndPrunesNothing(String page) throws IOException {
        world.tagged("v1");
        world.tagged("v2");
        byPattern();
        world.rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        world.completes();
        source.says("GET", TAGS, tags("v1").withHeader("Link", "</v2/app/tags/list?n=1&last=v1>; rel=\"next\""));
        source.says("GET", "/v2/app/tags/list.n=1&last=v1", ok(page).withHeader("Content-Type", "application/json"));

        assertThat(world.run().outcome()).isEqualTo(Outcome.FAILED);

        world.isComplete("v1");
        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1", "v2");
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 500})
    void listOfTagsThatIsRefusedPrunesNothingAndFails(int status) throws IOException {
        world.tagged("v1");
        byPattern();
        world.rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        world.completes();
        source.says("GET", TAGS, status(status));

        assertThat(world.run().outcome()).isNotEqualTo(Outcome.COMPLETE);

        world.isComplete("v1");
    }

    @Test
    void sourceThatSaysWhenToComeAgainIsNotAskedBefore() throws IOException {
        world.tagged("v1");
        byPattern();
        source.saysFirst("GET", TAGS, error(429, "TOOMANYREQUESTS").withHeader("Retry-After", "37"));
        source.saysFirst(
                "GET",
                "/v2/app/manifests/sha256:.*",
                error(429, "TOOMANYREQUESTS").withHeader("Retry-After", "31"));

        world.completes();

        assertThat(world.waits())
                .anyMatch(wait -> wait.toSeconds() >= 37)
                .anyMatch(wait -> wait.toSeconds() >= 31 && wait.toSeconds() < 37);
        world.isComplete("v1");
    }

    // Content

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 500})
    void blobThatIsNotToBeHadFailsItsTagAloneAtTheSource(int status) throws IOException {
        world.tagged("v1");
        world.tagged("v2");
        source.says("GET", "/v2/app/blobs/" + layerOf("v1"), status(status));
        source.says("HEAD", "/v2/app/blobs/" + layerOf("v1"), status(status));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.SOURCE);
        assertThat(failure.node()).isEqualTo(layerOf("v1").toString());
        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void blobOfOtherBytesNeverArrives() throws IOException {
        world.tagged("v1");
        Digest layer = layerOf("v1");
        byte[] other = world.app.blobs.get(layer).clone();
        other[0]++;
        source.says("GET", "/v2/app/blobs/" + layer, aResponse().withBody(other));

        assertThat(world.failsToCopy("v1").side()).isEqualTo(Side.SOURCE);

        assertThat(world.mirror.blobs).doesNotContainKey(layer);
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void manifestOfOtherBytesFailsTheTag() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor other = world.shapes.image("other");
        source.says(
                "GET",
                atSource(image.digest()),
                ok().withHeader("Content-Type", image.mediaType().value())
                        .withBody(world.app.manifests.get(other.digest()).array()));

        assertThat(world.failsToCopy("v1").node()).isEqualTo(image.digest().toString());

        world.completesOnceNobodyIsOdd("v1");
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void connectionsThatBreakAreSurvived(Fault fault) throws IOException {
        Descriptor image = world.tagged("v1");
        source.saysFirst("HEAD", atSource("v1"), aResponse().withFault(fault));
        source.saysFirst("GET", atSource(image.digest()), aResponse().withFault(fault));
        source.saysFirst("GET", referrers(image), aResponse().withFault(fault));
        source.saysFirst("GET", "/v2/app/blobs/" + layerOf("v1"), aResponse().withFault(fault));

        world.completes();

        world.isComplete("v1");
    }
}
