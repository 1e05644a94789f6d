package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.SemverRange;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rule whose patterns find nothing ends complete, and says so. */
class SelectionWarningsTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        for (String name : List.of("team/app", "team/tool", "other")) {
            Shapes shapes = new Shapes(source.repository(name));
            shapes.tag("v1.0.0", shapes.image(name));
            shapes.tag("latest", shapes.image(name));
            shapes.tag(Shapes.stem(shapes.image(name)) + ".sig", shapes.image("cosign"));
        }
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void repositories(String... patterns) {
        rules.repositories = patterns(patterns);
    }

    private static List<NamePattern> patterns(String... patterns) {
        return Stream.of(patterns).map(NamePattern::parse).toList();
    }

    private List<String> warnings() throws IOException {
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(engine.runner.plan(rules.rule()).warnings()).isEqualTo(report.warnings());
        return report.warnings();
    }

    @Test
    void ruleOfWhichNoRepositoryIsThereSelectsNothing() throws IOException {
        repositories("taem/*", "mcr/**");
        assertThat(warnings())
                .containsExactly("rule rule selected nothing: 3 repositories in the catalog of source.test,"
                        + " none matches taem/*, mcr/**");
    }

    @Test
    void starThatIsToMatchASlashIsExplained() throws IOException {
        repositories("t*");
        assertThat(warnings())
                .containsExactly("rule rule selected nothing: 3 repositories in the catalog of source.test,"
                        + " none matches t* (* is any text without a slash, ** any text)");
    }

    @Test
    void onePatternOfSeveralThatMatchesNothingIsNamed() throws IOException {
        repositories("team/*", "mcr/*", "other");
        assertThat(warnings())
                .containsExactly("rule rule: 3 repositories in the catalog of source.test, none matches mcr/*");
    }

    @Test
    void ruleOfWhichNoTagIsThereSelectsNothing() throws IOException {
        repositories("team/*");
        rules.tags = TagSelectionConfig.including(patterns("w*", "x*"));
        assertThat(warnings())
                .containsExactly("rule rule selected nothing: 4 tags in 2 repositories, none matches w*, x*");
    }

    @Test
    void conditionsThatTogetherLeaveNoTagAreCounted() throws IOException {
        repositories("team/*");
        rules.tags = new TagSelectionConfig(
                patterns("v*"),
                List.of(),
                Optional.empty(),
                Optional.of(new SemverRange(">=2.0")),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
        assertThat(warnings())
                .containsExactly(
                        "rule rule selected nothing: 4 tags in 2 repositories, none is kept (include 2, semver 2);"
                                + " the plan says why of each");
    }

    @Test
    void repositoryWithoutTagsSelectsNothing() throws IOException {
        repositories("other");
        source.repository("other").tags.clear();
        assertThat(warnings()).containsExactly("rule rule selected nothing: 0 tags in 1 repositories, none is kept");
    }

    @Test
    void oneTagPatternOfSeveralThatMatchesNothingIsNamed() throws IOException {
        repositories("team/*");
        rules.tags = TagSelectionConfig.including(patterns("v*", "w*"));
        assertThat(warnings()).containsExactly("rule rule: 4 tags in 2 repositories, none matches w*");
    }

    @Test
    void ruleThatFindsSomethingForEachPatternWarnsOfNothing() throws Exception {
        repositories("team/*", "other");
        rules.tags = TagSelectionConfig.including(patterns("v*", "latest"));
        assertThat(warnings()).isEmpty();
        rules.tags = TagSelectionConfig.including(patterns("latest"));
        assertThat(warnings()).isEmpty();
        ReplicationReport copy = engine.runner.copy(
                rules.rule(),
                source.repository("other").repository().name(),
                new Tag("latest"),
                new Tag("v9"),
                ProgressListener.NONE);
        assertThat(copy.warnings()).isEmpty();
    }

    @Test
    void warningIsALineOfPlanAndReportAndAnEntryInJson() throws IOException {
        repositories("mcr/*");
        String warning = "rule rule selected nothing: 3 repositories in the catalog of source.test, none matches mcr/*";
        ReplicationReport report = engine.run(rules);
        ReplicationPlan plan = engine.runner.plan(rules.rule());

        assertThat(ReportWriter.toText(report)).contains("complete in ", "\n  WARNING " + warning + "\n");
        assertThat(PlanWriter.toText(plan)).contains("\nWARNING " + warning + "\n");
        for (String json : List.of(ReportWriter.toJson(report), PlanWriter.toJson(plan))) {
            assertThat(OciJson.mapper().readTree(json).at("/warnings/0").asString())
                    .isEqualTo(warning);
        }
    }

    @Test
    void ruleThatAsksForTagsFailsWhereNoRepositoryIsSelected() throws IOException {
        repositories("mcr/*");
        rules.tags = new TagSelectionConfig(
                patterns("*"),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                2);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.failure().orElseThrow().cause())
                .isEqualTo("rule rule asks for at-least 2 tags, and no repository of source.test is selected;"
                        + " none is copied and none is deleted");
        assertThat(report.warnings()).hasSize(1);
        assertThat(target.requests()).isEmpty();
        assertThatThrownBy(() -> engine.runner.plan(rules.rule())).hasMessageContaining("at-least 2 tags");
    }
}
