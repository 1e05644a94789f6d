package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tag of which a rule wants no platform is dropped, by name of the condition, and nothing of it is published. */
class UnwantedPlatformsTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Rules wanting(MemoryRegistry target, String platform) {
        Rules rules = new Rules(source).to(target);
        rules.platforms = List.of(Platform.parse(platform));
        rules.onSparseRefused = OnSparseRefused.TRIM;
        return rules;
    }

    private static Descriptor on(Descriptor descriptor, String platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    private Descriptor twoPlatforms() {
        return shapes.index(
                List.of(on(shapes.image("amd64"), "linux/amd64"), on(shapes.image("arm64"), "linux/arm64")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void indexWithNoneOfThePlatformsIsDroppedAndSaysWhich(boolean sparse) throws IOException {
        MemoryRegistry target = new MemoryRegistry("target.test", sparse ? Abilities.ALL : Abilities.NO_SPARSE);
        shapes.tag("v1", twoPlatforms());
        Rules rules = wanting(target, "linux/s390x");

        String plan = PlanWriter.toText(engine.runner.plan(rules.rule()));
        ReplicationReport report = engine.run(rules);

        String reason =
                "dropped by platforms: the rule wants linux/s390x, and the index has only linux/amd64, linux/arm64";
        assertThat(plan).contains("skip    mirror/app:v1  " + reason);
        assertThat(ReportWriter.toText(report)).contains(reason);
        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(report.items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED));
        assertThat(target.repository("mirror/app").tags).isEmpty();
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void nestedIndexWithNoneOfThePlatformsIsDroppedToo() throws IOException {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        shapes.tag("v1", shapes.index(List.of(twoPlatforms())));

        ReplicationReport report = engine.run(wanting(target, "linux/s390x"));

        assertThat(report.items())
                .singleElement()
                .satisfies(item -> assertThat(item.reason()).startsWith("dropped by platforms"));
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void tagThatWasCopiedStaysWhenTheSourceMovesItToOtherPlatforms() throws IOException {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        Descriptor before = twoPlatforms();
        shapes.tag("v1", before);
        Rules rules = wanting(target, "linux/arm64");
        engine.run(rules);
        shapes.tag("v1", shapes.index(List.of(on(shapes.image("other"), "linux/amd64"))));

        assertThat(engine.run(rules).items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED));

        assertThat(target.repository("mirror/app").tags).containsEntry(new Tag("v1"), before.digest());
    }

    @Test
    void imageThatIsNoIndexIsCopiedWhateverItsPlatform() throws IOException {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        shapes.tag("v1", shapes.image("amd64"));
        shapes.tag("v2", shapes.index(List.of(shapes.image("unstated"))));

        assertThat(engine.run(wanting(target, "linux/s390x")).outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(target.repository("mirror/app").tags).containsOnlyKeys(new Tag("v1"), new Tag("v2"));
    }

    private SourceGraphs exports() {
        return new SourceGraphs(engine.clock.time(), Engine.NO_RETRIES);
    }

    @Test
    void exportOfARuleLeavesSuchATagOutWithAWarning() throws IOException {
        shapes.tag("v1", twoPlatforms());
        shapes.tag("v2", shapes.index(List.of(on(shapes.image("mainframe"), "linux/s390x"))));
        Rules rules = wanting(new MemoryRegistry("target.test", Abilities.ALL), "linux/s390x");

        SourceGraphs.Found found = exports().ofRule(rules.rule(), "bundle");

        assertThat(found.images())
                .singleElement()
                .satisfies(image -> assertThat(image.tag()).isEqualTo(new Tag("v2")));
        assertThat(found.report().warnings())
                .singleElement()
                .asString()
                .contains("app:v1 is dropped by platforms")
                .contains("linux/amd64");
    }

    @Test
    void exportByNameOfSuchAnImageFails() throws IOException {
        shapes.tag("v1", twoPlatforms());
        Rules rules = wanting(new MemoryRegistry("target.test", Abilities.ALL), "linux/s390x");
        Tag tag = new Tag("v1");

        SourceGraphs.Found found = exports()
                .named(
                        rules.rule(),
                        List.of(new SourceGraphs.Named(
                                source.repository("app").repository().name(), tag, tag)),
                        "bundle");

        assertThat(found.images()).isEmpty();
        assertThat(found.report().outcome()).isEqualTo(Outcome.FAILED);
    }
}
