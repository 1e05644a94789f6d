package dev.entrepot.replicator;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.status;
import static dev.entrepot.replicator.OddRegistry.error;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.http.Fault;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/**
 * What whole runs make of a target that lists no referrers, loses what is written into their fallback tag, or deletes
 * nothing.
 */
class OddTargetReferrersTest extends BetweenOddRegistries {
    private static final String INDEX = "application/vnd.oci.image.index.v1+json";
    private static final String EMPTY = "{\"schemaVersion\":2,\"mediaType\":\"" + INDEX + "\",\"manifests\":[]}";

    @Override
    Abilities ofTarget() {
        return Abilities.NO_API;
    }

    private static String fallback(Descriptor subject) {
        return manifest(subject.digest().referrersTag());
    }

    private List<Digest> listed(Descriptor subject) throws IOException {
        return Manifest.parse(world.mirror.find(subject.digest().referrersTag()).orElseThrow()).manifests().stream()
                .map(Descriptor::digest)
                .toList();
    }

    @Test
    void targetThatListsNothingAndTracksNothingGetsTheFallbackTag() throws IOException {
        world.tagged("v1");
        target.says("GET", ".*/referrers/.*", ok(EMPTY).withHeader("Content-Type", INDEX));

        world.completes();

        world.isComplete("v1");
    }

    @Test
    void targetThatSaysThatItTracksAndListsNothingGetsTheFallbackTag(@TempDir Path another) throws IOException {
        world.close();
        world = new OddWorld(another, source, Abilities.ALL, target, Abilities.PRETENDS);
        world.tagged("v1");

        world.completes();

        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 404, 405, 406})
    void targetWithoutAnApiGetsTheFallbackTagHoweverItSaysSo(int status) throws IOException {
        world.tagged("v1");
        target.says("GET", ".*/referrers/.*", status(status));

        world.completes();

        world.isComplete("v1");
    }

    @Test
    void fallbackTagThatIsReadBackWithoutTheEntryIsWrittenAgain() throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", fallback(image), status(201));

        world.completes();

        assertThat(target.requests("PUT", fallback(image))).hasSize(2);
        world.isComplete("v1");
    }

    @Test
    void entriesThatAnotherWritesMeanwhileStay() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        String other = "{\"schemaVersion\":2,\"mediaType\":\"" + INDEX + "\",\"manifests\":[{\"mediaType\":\""
                + theirs.mediaType() + "\",\"digest\":\"" + theirs.digest() + "\",\"size\":" + theirs.sizeBytes()
                + "}]}";
        // Nothing before the first write, and another's index in its place after that.
        target.saysFirst(
                "GET",
                fallback(image),
                error(404, "MANIFEST_UNKNOWN"),
                ok(other).withHeader("Content-Type", INDEX));

        world.completes();

        assertThat(target.requests("PUT", fallback(image))).hasSize(2);
        assertThat(listed(image)).contains(theirs.digest()).hasSize(2);
        world.isComplete("v1");
    }

    private ManifestBytes index(Descriptor... entries) throws IOException {
        ObjectNode index = (ObjectNode) OciJson.mapper().readTree(EMPTY);
        List.of(entries).forEach(entry -> index.withArray("manifests").add(DescriptorJson.write(entry)));
        return ManifestBytes.of(MediaType.OCI_INDEX, index.toString().getBytes(StandardCharsets.UTF_8));
    }

    // Another client's write, of which nobody is told.
    private void lists(Descriptor subject, Descriptor... entries) throws IOException {
        ManifestBytes index = index(entries);
        world.mirror.manifests.put(index.digest(), index);
        world.mirror.tags.put(subject.digest().referrersTag(), index.digest());
    }

    private void once(String request, Meanwhile meanwhile) {
        AtomicBoolean done = new AtomicBoolean();
        target.content().gate((index, line) -> {
            if (line.startsWith(request) && done.compareAndSet(false, true)) {
                meanwhile.happens();
            }
        });
    }

    // Before it is read back.
    private void afterTheFirstWrite(Descriptor subject, Meanwhile meanwhile) {
        AtomicInteger puts = new AtomicInteger();
        String tag = subject.digest().referrersTag().value();
        target.content().gate((index, line) -> {
            if (line.startsWith("PUT manifest ") && line.endsWith(" " + tag)) {
                puts.incrementAndGet();
            } else if (line.endsWith(" " + tag) && puts.compareAndSet(1, 2)) {
                meanwhile.happens();
            }
        });
    }

    private interface Meanwhile {
        void happens() throws IOException;
    }

    @Test
    void entryThatComesBetweenReadingAndWritingStaysWhereTheTargetCanTell() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        Descriptor later = world.shapes.image("later");
        target.content().knowsConditions = true;
        lists(image, theirs);
        once("CHECK manifest " + image.digest().referrersTag(), () -> lists(image, theirs, later));

        world.completes();

        assertThat(listed(image)).hasSize(3).contains(theirs.digest(), later.digest());
        assertThat(target.requests("PUT", fallback(image)))
                .hasSize(2)
                .extracting(request -> request.getHeader("If-Match"))
                .containsExactly(
                        "\"" + index(theirs).digest() + "\"",
                        "\"" + index(theirs, later).digest() + "\"");
        world.isComplete("v1");
    }

    @Test
    void firstEntryThatAnotherWritesMeanwhileStaysWhereTheTargetCanTell() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        target.content().knowsConditions = true;
        once("CHECK manifest " + image.digest().referrersTag(), () -> lists(image, theirs));

        world.completes();

        assertThat(listed(image)).hasSize(2).contains(theirs.digest());
        assertThat(target.requests("PUT", fallback(image)).getFirst().getHeader("If-None-Match"))
                .isEqualTo("*");
        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(ints = {412, 400, 501, 304})
    void conditionThatIsRefusedThoughNobodyWroteIsLeftOut(int status) throws IOException {
        Descriptor image = world.tagged("v1");
        target.content().knowsConditions = true;
        target.saysFirst("PUT", fallback(image), status(status));

        world.completes();

        assertThat(target.requests("PUT", fallback(image)))
                .hasSize(2)
                .extracting(request -> request.containsHeader("If-None-Match"))
                .containsExactly(true, false);
        world.isComplete("v1");
    }

    @Test
    void targetWithoutValidatorsIsSentNoConditions() throws IOException {
        Descriptor image = world.tagged("v1");
        lists(image, world.shapes.image("theirs"));

        world.completes();

        assertThat(target.requests("PUT", ".*/manifests/.*"))
                .noneMatch(request -> request.containsHeader("If-Match") || request.containsHeader("If-None-Match"));
    }

    @Test
    void entriesOfOthersThatAreGoneAfterOurWriteArePutBack() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        Descriptor own = world.app.referrers(image.digest()).descriptors().getFirst();
        lists(image, theirs);
        afterTheFirstWrite(image, () -> lists(image, own));

        world.completes();

        assertThat(listed(image)).containsExactlyInAnyOrder(theirs.digest(), own.digest());
        assertThat(target.requests("PUT", fallback(image))).hasSize(2);
    }

    @Test
    void entryThatAnotherTakesOutAfterOurWriteStaysOutWhereTheTargetTakesConditions() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        Descriptor own = world.app.referrers(image.digest()).descriptors().getFirst();
        target.content().knowsConditions = true;
        lists(image, theirs);
        afterTheFirstWrite(image, () -> lists(image, own));

        world.completes();

        assertThat(listed(image)).containsExactly(own.digest());
        assertThat(target.requests("PUT", fallback(image))).hasSize(1);
    }

    @Test
    void ownEntryThatAnotherWritesOverIsPutBackAloneWhereTheTargetTakesConditions() throws IOException {
        Descriptor image = world.tagged("v1");
        Descriptor theirs = world.shapes.image("theirs");
        Descriptor later = world.shapes.image("later");
        Descriptor own = world.app.referrers(image.digest()).descriptors().getFirst();
        target.content().knowsConditions = true;
        lists(image, theirs);
        afterTheFirstWrite(image, () -> lists(image, later));

        world.completes();

        assertThat(listed(image)).containsExactlyInAnyOrder(later.digest(), own.digest());
        assertThat(target.requests("PUT", fallback(image))).hasSize(2);
    }

    @Test
    void fallbackTagThatIsNeverReadBackWithTheEntryFailsTheTag() throws IOException {
        Descriptor image = world.tagged("v1");
        world.tagged("v2");
        target.says("PUT", fallback(image), status(201));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.cause())
                .contains("does not list 1 referrers of " + image.digest())
                .contains("3 writes");
        assertThat(target.requests("PUT", fallback(image))).hasSize(3);
        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1");
    }

    @ParameterizedTest
    @CsvSource({"400, TAG_INVALID", "409, TAG_IMMUTABLE", "403, DENIED"})
    void fallbackTagThatIsRefusedFailsTheTag(int status, String code) throws IOException {
        Descriptor image = world.tagged("v1");
        target.says("PUT", fallback(image), error(status, code));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.node()).isEqualTo(image.digest().toString());
        world.completesOnceNobodyIsOdd("v1");
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void connectionThatBreaksInThePutOfAFallbackTagIsSurvived(Fault fault) throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", fallback(image), aResponse().withFault(fault));

        world.completes();

        world.isComplete("v1");
    }

    @Test
    void referrerThatIsRefusedFailsTheTagOfItsSubject() throws IOException {
        Descriptor image = world.shapes.image("one");
        Descriptor sbom = world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.tag("v1", image);
        target.says("PUT", manifest(sbom.digest()), error(400, "MANIFEST_INVALID"));

        assertThat(world.failsToCopy("v1").node()).isEqualTo(sbom.digest().toString());

        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void listOfReferrersThatIsAnOutageAtTheTargetFailsTheTag() throws IOException {
        world.tagged("v1");
        world.completes();
        Descriptor image = world.shapes.image("two");
        world.shapes.referrer(image, "x/sbom", "sbom");
        world.shapes.tag("v2", image);
        target.says("GET", ".*/referrers/" + image.digest(), status(500));
        target.says("GET", fallback(image), status(500));

        assertThat(world.failsToCopy("v2").fault()).isEqualTo("outage: server-error");

        world.completesOnceNobodyIsOdd("v2");
    }

    // Deletes

    private Descriptor oneOfTwoIsGone() throws IOException {
        Descriptor gone = world.tagged("v1");
        world.tagged("v2");
        world.rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        world.completes();
        world.app.tags.remove(new Tag("v1"));
        world.app.manifests.remove(gone.digest());
        return gone;
    }

    @ParameterizedTest
    @CsvSource({"405, UNSUPPORTED", "400, DIGEST_INVALID", "404, MANIFEST_UNKNOWN"})
    void whereTagsAreNotDeletedTheirManifestsAre(int status, String code) throws IOException {
        Descriptor gone = oneOfTwoIsGone();
        target.says("DELETE", manifest("(?!sha256:).*"), error(status, code));

        ReplicationReport report = world.completes();

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(world.mirror.tags).doesNotContainKey(new Tag("v1")).containsKey(new Tag("v2"));
        assertThat(world.mirror.manifests).doesNotContainKey(gone.digest());
        world.isComplete("v2");
    }

    @Test
    void whereNothingIsDeletedTheReportSaysWhatToDoAndNothingIsHalfGone() throws IOException {
        oneOfTwoIsGone();
        int manifests = world.mirror.manifests.size();
        target.says("DELETE", ".*", error(405, "UNSUPPORTED"));

        ReplicationReport report = world.run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(report.targets().getFirst().pruned()).isZero();
        assertThat(ReportWriter.toText(report)).contains("REGISTRY_STORAGE_DELETE_ENABLED");
        assertThat(world.mirror.tags).containsKey(new Tag("v1"));
        assertThat(world.mirror.manifests).hasSize(manifests);
        target.beAsOthers();
        assertThat(world.completes().targets().getFirst().pruned()).isEqualTo(1);
        world.isComplete("v2");
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 401})
    void deleteThatFailsIsReportedAndDoneByTheNextRun(int status) throws IOException {
        oneOfTwoIsGone();
        target.says("DELETE", ".*", status(status));

        ReplicationReport report = world.run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(world.mirror.tags).containsKey(new Tag("v1"));
        target.beAsOthers();
        world.engine.clock.pass(Duration.ofHours(1));
        assertThat(world.completes().targets().getFirst().pruned()).isEqualTo(1);
    }
}
