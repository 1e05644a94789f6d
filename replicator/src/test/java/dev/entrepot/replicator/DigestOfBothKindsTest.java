package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is a manifest of an image, and the layer of what is attached to it: a copy of the manifest, as some keep. */
class DigestOfBothKindsTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void attachACopyOf(Descriptor manifest, Descriptor subject) {
        byte[] bytes = app.manifests.get(manifest.digest()).array();
        Descriptor layer = shapes.blob(new MediaType("application/json"), DigestAlgorithm.SHA256, bytes);
        shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(MediaType.OCI_EMPTY, "{}"),
                List.of(layer),
                Optional.of(Shapes.plain(subject)),
                Optional.of("x/copy"));
    }

    @ParameterizedTest(name = "attached later: {0}, target checks what manifests name: {1}")
    @CsvSource({"false, false", "false, true", "true, false", "true, true"})
    void arrivesAsBothAndAsThePlanSays(boolean later, boolean checks) throws IOException {
        MemoryRegistry target = new MemoryRegistry("target.test", new Abilities(true, false, true, true, true, checks));
        MemoryRepository mirror = target.repository("mirror/app");
        Rules rules = new Rules(source).to(target);
        Descriptor child = shapes.image("amd64");
        Descriptor index = shapes.index(List.of(child));
        shapes.tag("v1", index);
        if (later) {
            assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.COMPLETE);
            engine.clock.pass(Duration.ofDays(2));
        }
        attachACopyOf(child, index);
        ImagePlan plan =
                engine.runner.plan(rules.rule()).targets().getFirst().images().getFirst();

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(Outcome.COMPLETE);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        assertThat(mirror.manifests).containsKey(child.digest());
        assertThat(mirror.blobs).containsKey(child.digest());
        Tally done = report.targets().getFirst().tally();
        assertThat(done.blobsPushed()).isEqualTo(plan.count(false, ImagePlan.Step.PUSH));
        assertThat(done.manifestsPushed()).isEqualTo(plan.count(true, ImagePlan.Step.PUSH));
        assertThat(done.blobsRepaired()).isZero();
    }
}
