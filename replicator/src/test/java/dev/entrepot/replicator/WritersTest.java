package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.SemverRange;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class WritersTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;

    @BeforeEach
    void prepare() throws IOException {
        engine = new Engine(folder);
        shapes.tag("v1", shapes.image("one"));
        shapes.tag("latest", shapes.image("two"));
        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("v*")),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    @Test
    void planSaysWhyEachTagIsDroppedAndWhatEachTargetCosts() throws IOException {
        ReplicationPlan plan = engine.runner.plan(rules.rule());

        assertThat(PlanWriter.toText(plan))
                .contains("dropped app:latest  include: matches none of [v*]")
                .contains("  kept    app:v1  include: matches one of [v*]\n")
                .contains("copy    mirror/app:v1  the target does not have the tag; ")
                .contains("in 3 blobs, 0 mounted, 1 manifests")
                .contains("1 to copy, 0 up to date, 0 to skip, 0 cannot be copied");
        JsonNode json = OciJson.mapper().readTree(PlanWriter.toJson(plan));
        assertThat(json.at("/tags/0/condition").asString()).isEqualTo("include");
        assertThat(json.at("/targets/0/images/0/nodes").size()).isEqualTo(4);
        assertThat(json.at("/targets/0/images/0/nodes/0/step").asString()).isEqualTo("push");
        assertThat(json.at("/targets/0/blobBytes").asLong())
                .isEqualTo(plan.targets().getFirst().blobBytes());
    }

    @Test
    void planSaysWhyEachTagIsKeptAndThatItIsUpToDate() throws IOException {
        shapes.tag("v2.1", shapes.image("three"));
        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("v*")),
                List.of(),
                Optional.of(NamePattern.regex("v[0-9.]+")),
                Optional.of(new SemverRange(">=1")),
                Optional.of(new TagSelectionConfig.Newest(1, TagSelectionConfig.Order.VERSION)),
                Optional.of(Duration.ofDays(36_500)),
                List.of(NamePattern.parse("latest")),
                0);
        // The images tell no time, so that none is young.
        String text = PlanWriter.toText(engine.runner.plan(rules.rule()));
        assertThat(text)
                .contains("  kept    app:latest  always: matches one of [latest]\n")
                .contains("  dropped app:v2.1  younger-than: does not tell when it was created\n")
                .contains("  dropped app:v1  newest: is not among the newest 1\n");

        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("v*")),
                List.of(),
                Optional.of(NamePattern.regex("v[0-9.]+")),
                Optional.of(new SemverRange(">=1")),
                Optional.of(new TagSelectionConfig.Newest(1, TagSelectionConfig.Order.VERSION)),
                Optional.empty(),
                List.of(),
                0);
        engine.run(rules);
        assertThat(PlanWriter.toText(engine.runner.plan(rules.rule())))
                .contains("  kept    app:v2.1  include: matches one of [v*], matches /v[0-9.]+/, is in >=1,"
                        + " is among the newest 1 by version\n")
                .contains("  up to date  mirror/app:v2.1  complete since ");
    }

    @Test
    void reportNamesSideNodeAndCauseOfEachFailure() throws IOException {
        target.gate((index, request) -> {
            if (request.startsWith("PUT blob")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500 from target.test");
            }
        });
        ReplicationReport report = engine.run(rules);

        assertThat(ReportWriter.toText(report))
                .contains("run 1 of rule: failed in 0.0s (test)")
                .contains("FAILED  target.test/mirror/app:v1  at the target, sha256:")
                .contains("500 from target.test")
                .contains("target.test: 0 copied, 0 up to date, 0 skipped, 0 pruned, 1 failed");
        JsonNode json = OciJson.mapper().readTree(ReportWriter.toJson(report));
        assertThat(json.at("/outcome").asString()).isEqualTo("failed");
        assertThat(json.at("/items/0/failure/side").asString()).isEqualTo("target");
        assertThat(json.at("/items/0/failure/node").asString()).startsWith("sha256:");
    }

    private MemoryRegistry deadTarget(int tags) {
        MemoryRegistry dead = new MemoryRegistry("dead.test", Abilities.ALL);
        dead.gate((index, request) -> {
            throw new OutageException(
                    OutageException.Reason.UNREACHABLE, request + ": dead.test refused the connection");
        });
        rules.to(dead);
        for (int i = 2; i <= tags; i++) {
            shapes.tag("v" + i, shapes.image("image " + i));
        }
        return dead;
    }

    private static List<String> lines(String text, String start) {
        return text.lines().filter(line -> line.startsWith(start)).toList();
    }

    @Test
    void deadTargetIsToldOnceWithTheFirstOfItsTags() throws IOException {
        deadTarget(9);
        ReplicationReport report = engine.run(rules);
        String text = ReportWriter.toText(report);

        assertThat(lines(text, "  FAILED  "))
                .containsExactly("  FAILED  dead.test: 9 tags (mirror/app:v1, mirror/app:v2, mirror/app:v3, ...)"
                        + "  at the target, v1: asking dead.test for v1: HEAD manifest mirror/app v1:"
                        + " dead.test refused the connection");
        assertThat(lines(text, "  copied  ")).hasSize(9);
        JsonNode items = OciJson.mapper().readTree(ReportWriter.toJson(report)).path("items");
        assertThat(items.valueStream().map(item -> item.at("/failure/node").asString("")))
                .contains("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9");
        assertThat(items.valueStream()
                        .filter(item -> item.has("failure"))
                        .map(item -> item.at("/failure/fault").asString()))
                .hasSize(9)
                .containsOnly("outage: unreachable");
        assertThat(lines(PlanWriter.toText(engine.runner.plan(rules.rule())), "  CANNOT  "))
                .singleElement()
                .asString()
                .startsWith(
                        "  CANNOT  9 tags (mirror/app:v1, mirror/app:v2, mirror/app:v3, ...)  asking dead.test for");
    }

    @Test
    void fewFailuresAreToldOneByOneAndDifferentCausesApart() throws IOException {
        MemoryRegistry ill = deadTarget(8);
        Shapes there = new Shapes(ill.repository("mirror/app"));
        there.image("so that the repository is known, and each tag is asked for");
        ill.gate((index, request) -> {
            if (request.endsWith(" v1") || request.endsWith(" v2")) {
                throw new OutageException(OutageException.Reason.UNREACHABLE, "no connection");
            }
            if (request.startsWith("PUT manifest")) {
                throw new RefusedException(405, "UNSUPPORTED", "refused " + request);
            }
        });
        List<String> failed = lines(ReportWriter.toText(engine.run(rules)), "  FAILED  ");

        assertThat(failed).hasSize(3);
        assertThat(failed.get(0)).startsWith("  FAILED  dead.test/mirror/app:v1  at the target, v1: ");
        assertThat(failed.get(1)).startsWith("  FAILED  dead.test/mirror/app:v2  at the target, v2: ");
        assertThat(failed.get(2)).startsWith("  FAILED  dead.test: 6 tags (mirror/app:v3, ");
    }

    @Test
    void progressShowsImagesBytesRateAndTheTimeLeft() {
        ProgressLine line = new ProgressLine(engine.clock);
        assertThat(line.draw()).startsWith("[" + "-".repeat(20) + "] 0/0 images");
        line.planned("a", 2, 10 << 20);
        line.planned("b", 2, 10 << 20);
        line.moved("a", 5 << 20);
        engine.clock.pass(Duration.ofSeconds(5));
        assertThat(line.draw()).isEqualTo("[#####---------------] 0/4 images, 5.0 MiB/20.0 MiB, 1.0 MiB/s, 15.0s left");
        assertThat(line.plain()).isEqualTo("0/4 images, 5.0 MiB/20.0 MiB, 1.0 MiB/s, 15.0s left");
        assertThat(line.progress().bytesPerSecond()).isEqualTo(1 << 20);
        assertThat(line.progress().left()).contains(Duration.ofSeconds(15));
    }

    @Test
    void progressOfARealRunEndsFull() throws IOException {
        ProgressLine line = new ProgressLine(engine.clock);
        engine.run(rules, line);
        assertThat(line.draw()).startsWith("[" + "#".repeat(20) + "] 1/1 images");
    }
}
