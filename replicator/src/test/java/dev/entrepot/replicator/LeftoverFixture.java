package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A source and a target in memory, a rule that prunes, and what tests of leftovers ask of them. */
abstract class LeftoverFixture {
    static final Duration PAST = Duration.ofDays(8);

    @TempDir
    Path folder;

    final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    final MemoryRepository app = source.repository("app");
    final Shapes shapes = new Shapes(app);
    MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    MemoryRepository mirror = target.repository("mirror/app");
    Rules rules = new Rules(source).to(target);
    Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        prune(100);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    void prune(int share) {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(share));
    }

    void use(Abilities abilities) {
        target = new MemoryRegistry("target.test", abilities);
        mirror = target.repository("mirror/app");
        rules = new Rules(source).to(target);
        prune(100);
    }

    ReplicationReport complete() throws IOException {
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        return report;
    }

    List<PruneStep> planned() throws IOException {
        return engine.runner.plan(rules.rule()).targets().getFirst().pruning();
    }

    /** Runs, and holds the plan to what was deleted by digest. */
    ReplicationReport asPlanned() throws IOException {
        List<String> planned = new ArrayList<>();
        planned().forEach(step -> step.manifests().forEach(digest -> planned.add("mirror/app " + digest)));
        target.forgetRequests();
        ReplicationReport report = engine.run(rules);
        assertThat(target.requests("DELETE manifest ").stream()
                        .map(line -> line.substring("DELETE manifest ".length()))
                        .filter(line -> line.contains(" sha256:")))
                .containsExactlyInAnyOrderElementsOf(planned);
        return report;
    }

    static Stream<Abilities> abilities() {
        return Stream.of(Abilities.ALL, Abilities.NO_API, Abilities.PRETENDS);
    }

    static List<Digest> listed(MemoryRepository repository, Descriptor subject) throws IOException {
        Digest index = repository.tags.get(subject.digest().referrersTag());
        ManifestBytes bytes = index == null ? null : repository.manifests.get(index);
        return bytes == null
                ? List.of()
                : Manifest.parse(bytes).manifests().stream()
                        .map(Descriptor::digest)
                        .toList();
    }

    void refuseDeletes() {
        target.gate((index, request) -> {
            if (request.startsWith("DELETE")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });
    }

    void refuseTagDeletes() {
        target.gate((index, request) -> {
            if (request.startsWith("DELETE") && !request.contains(" sha256:")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });
    }

    static TagSelectionConfig named(String tag) {
        return new TagSelectionConfig(
                List.of(NamePattern.parse(tag)),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
    }
}
