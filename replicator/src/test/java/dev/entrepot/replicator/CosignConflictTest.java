package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.graph.CosignTags;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of signatures that a region has put beside those that it was sent. */
class CosignConflictTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private final Descriptor image = shapes.image("amd64");
    private final Tag signatures = new Tag(Shapes.stem(image) + ".sig");
    private Engine engine;

    @BeforeEach
    void copyASignedImage() throws IOException {
        engine = new Engine(folder);
        shapes.tag("v1", image);
        sign(app, "release");
        engine.run(rules);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    // As cosign does: one layer for each signature, the signature itself in its annotation, and the payload the same
    // for all.
    private Digest sign(MemoryRepository where, String... keys) {
        Shapes in = new Shapes(where);
        Descriptor payload = in.blob(new MediaType("application/vnd.dev.cosign.simplesigning.v1+json"), "payload");
        List<Descriptor> layers = Stream.of(keys)
                .map(key -> payload.asReferrer(Optional.empty(), Map.of("dev.cosignproject.cosign/signature", key)))
                .toList();
        Descriptor manifest = in.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                in.blob(Shapes.CONFIG, "{\"signatures\":\"" + String.join(",", keys) + "\"}"),
                layers,
                Optional.empty(),
                Optional.empty());
        in.tag(signatures.value(), manifest);
        return manifest.digest();
    }

    private ItemReport nextFullComparison() throws IOException {
        engine.clock.pass(Duration.ofDays(2));
        ReplicationReport report = engine.run(rules);
        assertThat(report.items()).hasSize(1);
        return report.items().getFirst();
    }

    @Test
    void signatureThatTheTargetHasBesideAllOfTheSourceStays() throws IOException {
        Digest both = sign(mirror, "release", "region");

        assertThat(nextFullComparison().state()).isEqualTo(ItemReport.State.UP_TO_DATE);

        assertThat(mirror.tags).containsEntry(signatures, both);
    }

    @Test
    void signatureOfTheSourceThatCameLaterArrives() throws IOException {
        Digest more = sign(app, "release", "auditor");
        assertThat(engine.run(rules).items().getFirst().state()).isEqualTo(ItemReport.State.COPIED);
        assertThat(mirror.tags).containsEntry(signatures, more);

        Digest other = sign(app, "only this");
        assertThat(engine.run(rules).items().getFirst().state()).isEqualTo(ItemReport.State.COPIED);
        assertThat(mirror.tags)
                .as("what was brought moves with the source")
                .containsEntry(signatures, other)
                .hasSize(2);
    }

    @Test
    void signatureOfTheSourceArrivesAlsoWhereTheJournalIsLost() throws IOException {
        Digest more = sign(app, "release", "auditor");
        engine.journal
                .tags()
                .forget(engine.journal
                        .tags()
                        .completed("target.test", mirror.repository().name(), new Tag("v1"))
                        .getFirst());

        assertThat(engine.run(rules).items().getFirst().state()).isEqualTo(ItemReport.State.COPIED);

        assertThat(mirror.tags).containsEntry(signatures, more).hasSize(2);
    }

    @Test
    void signaturesThatAreReplacedStayUnderABackupTag() throws IOException {
        Digest theirs = sign(mirror, "release", "region");
        Digest ours = sign(app, "release", "auditor");

        ItemReport item = nextFullComparison();

        Tag backup = new Tag(signatures + "-was-" + theirs.shortForm());
        assertThat(item.state()).isEqualTo(ItemReport.State.COPIED);
        assertThat(item.reason()).contains("keeps it as " + backup);
        assertThat(mirror.tags).containsEntry(signatures, ours).containsEntry(backup, theirs);
        assertThat(CosignTags.isAttached(backup)).isTrue();
    }

    @Test
    void signaturesThatAreReplacedStayAlsoWhereSeveralTagsAreOnTheImage() throws IOException {
        for (int i = 2; i < 10; i++) {
            shapes.tag("v" + i, image);
        }
        engine.run(rules);
        Digest theirs = sign(mirror, "release", "region");
        Digest ours = sign(app, "release", "auditor");
        engine.clock.pass(Duration.ofDays(2));

        assertThat(engine.run(rules).items()).allMatch(item -> item.state() == ItemReport.State.COPIED);

        assertThat(mirror.tags)
                .containsEntry(signatures, ours)
                .containsEntry(new Tag(signatures + "-was-" + theirs.shortForm()), theirs);
    }

    @Test
    void conflictOfSignaturesMayBeKeptAndIsReported() throws IOException {
        rules.onConflict = OnConflict.KEEP;
        Digest theirs = sign(mirror, "release", "region");
        sign(app, "release", "auditor");

        ItemReport item = nextFullComparison();

        assertThat(item.reason()).contains("kept " + signatures);
        assertThat(mirror.tags).containsEntry(signatures, theirs);
    }

    @Test
    void conflictOfSignaturesMayFail() throws IOException {
        rules.onConflict = OnConflict.FAIL;
        Digest theirs = sign(mirror, "release", "region");
        sign(app, "release", "auditor");

        ItemReport item = nextFullComparison();

        assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
        assertThat(item.failure().orElseThrow().cause()).contains(signatures.value());
        assertThat(mirror.tags).containsEntry(signatures, theirs);
    }
}
