package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Of what a run that reads back finds in a tag that the journal knows as complete. */
class DeepVerificationTest {
    private static final Digest SHARED = Digest.sha256("shared base".getBytes(StandardCharsets.UTF_8));

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;
    private Descriptor sbom;

    @BeforeEach
    void copyAnImageWithItsSbom() throws IOException {
        engine = new Engine(folder);
        Descriptor index = shapes.index(List.of(shapes.image("amd64"), shapes.image("arm64")));
        shapes.tag("v1", index);
        sbom = shapes.referrer(index, "application/spdx+json", "sbom");
        engine.run(rules);
        target.forgetRequests();
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void zero(MemoryRepository repository) {
        repository.blobs.put(SHARED, new byte[repository.blobs.get(SHARED).length]);
    }

    private ReplicationReport deep() throws IOException {
        rules.verify = Verify.DEEP;
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        return report;
    }

    @Test
    void layerOfZerosIsFoundAndReplaced() throws IOException {
        zero(mirror);

        ReplicationReport report = deep();

        assertThat(report.tally().blobsPushed()).isEqualTo(1);
        assertThat(target.requests("PUT blob")).hasSize(1);
        assertThat(mirror.blobs.get(SHARED)).asString().isEqualTo("shared base");
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        target.forgetRequests();
        assertThat(deep().items())
                .singleElement()
                .satisfies(item -> assertThat(item.state()).isEqualTo(ItemReport.State.UP_TO_DATE));
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void sbomThatWasDeletedComesBack() throws IOException {
        mirror.manifests.remove(sbom.digest());

        assertThat(deep().tally().manifestsPushed()).isEqualTo(1);

        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void planSaysWhatIsReplaced() throws IOException {
        zero(mirror);
        rules.verify = Verify.DEEP;

        ReplicationPlan.TargetPlan plan =
                engine.runner.plan(rules.rule()).targets().getFirst();

        assertThat(plan.blobBytes()).isEqualTo("shared base".length());
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void damagedLayerIsSentAndNotMountedFromWhereItMayBeTheSame() throws IOException {
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
        rules.repositories = List.of(NamePattern.parse("*"));
        engine.run(rules);
        target.forgetRequests();
        zero(mirror);
        zero(target.repository("mirror/other"));

        assertThat(deep().tally().blobsPushed()).isEqualTo(2);

        assertThat(target.requests("MOUNT")).isEmpty();
        assertThat(target.repository("mirror/other").blobs.get(SHARED))
                .asString()
                .isEqualTo("shared base");
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        Completeness.assertComplete(source.repository("other"), "v1", target, "mirror/other");
    }

    @Test
    void layerThatIsMountedFromWhereItIsDamagedIsReplaced() throws IOException {
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
        rules.repositories = List.of(NamePattern.parse("other"));
        zero(mirror);

        ReplicationReport report = deep();

        assertThat(target.requests("MOUNT")).hasSize(1);
        assertThat(report.tally()).returns(1L, Tally::blobsMounted).returns(1L, Tally::blobsRepaired);
        Completeness.assertComplete(source.repository("other"), "v1", target, "mirror/other");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tagIsNotWrittenOnAManifestThatIsNotReadBackAsItWasSent(boolean sentBefore) throws IOException {
        Descriptor image = shapes.image("riscv64");
        if (sentBefore) {
            shapes.tag("before", image);
            engine.run(rules);
        }
        shapes.tag("v2", image);
        String write = "PUT manifest mirror/app " + image.digest();
        AtomicInteger reads = new AtomicInteger();
        target.gate((index, request) -> {
            // Found whole when both tags are compared, and damaged from then on.
            boolean sent = sentBefore || !target.requests(write).isEmpty();
            if (sent && request.equals("GET manifest mirror/app " + image.digest())) {
                if (!sentBefore || reads.incrementAndGet() > 2) {
                    throw new InvalidContentException("the manifest is not what its digest says");
                }
            }
        });
        rules.verify = Verify.DEEP;

        ReplicationReport report = engine.run(rules);

        assertThat(report.items())
                .filteredOn(item -> item.tag().equals("v2"))
                .singleElement()
                .satisfies(item -> {
                    assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
                    assertThat(item.failure().orElseThrow().cause()).contains("not what its digest says");
                });
        assertThat(mirror.tags).doesNotContainKey(new Tag("v2"));
    }

    @Test
    void targetThatKeepsTheDamageFailsTheTagWithARemedy() throws IOException {
        zero(mirror);
        target.gate((index, request) -> {
            if (request.equals("GET blob mirror/app " + SHARED)) {
                zero(mirror);
            }
        });
        rules.verify = Verify.DEEP;

        ReplicationReport report = engine.run(rules);

        assertThat(report.items()).singleElement().satisfies(item -> {
            assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
            assertThat(item.failure().orElseThrow().node()).isEqualTo(SHARED.toString());
            assertThat(item.failure().orElseThrow().cause()).contains("remove it from its storage");
        });
    }

    @Test
    void immutableTagIsLookedAtWhereDeepVerificationIsAskedForAndNotByTheKeyAlone() throws IOException {
        rules.immutable = List.of(NamePattern.parse("v*"));
        zero(mirror);
        deep();
        assertThat(target.requests()).isEmpty();

        rules.verify = Verify.HEAD;
        ReplicationReport report;
        try {
            report = engine.runner.run(rules.rule().verifying(Verify.DEEP), "test", ProgressListener.NONE);
        } catch (RuleBusyException e) {
            throw new AssertionError(e);
        }

        assertThat(report.tally().blobsPushed()).isEqualTo(1);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void withoutDeepVerificationARecordIsBelievedForADay(boolean young) throws IOException {
        mirror.manifests.remove(sbom.digest());
        engine.clock.pass(young ? Duration.ofHours(23) : Duration.ofHours(25));

        engine.run(rules);

        assertThat(mirror.manifests.containsKey(sbom.digest())).isEqualTo(!young);
    }
}
