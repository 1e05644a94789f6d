package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The trap of {@code docs/traps.md} that is set for copies: all of it in one image, from and to registries that have
 * fallback tags only.
 */
class ReplicationTrapTest {
    private static final String ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json";
    private static final List<String> COSIGN = List.of(".sig", ".att", ".sbom");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.NO_API);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private final MemoryRepository copy = target.repository("mirror/app");
    private final Digest foreign = Digest.sha256(new byte[] {9});
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Descriptor withForeignLayer() {
        Descriptor empty = shapes.blob(MediaType.OCI_EMPTY, "{}");
        return shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                empty,
                List.of(Descriptor.of(Shapes.FOREIGN, foreign, 1), empty),
                Optional.empty(),
                Optional.of("x/windows"));
    }

    private List<Descriptor> referrersAtTarget(Descriptor subject) throws IOException {
        return Manifest.parse(copy.find(subject.digest().referrersTag()).orElseThrow())
                .manifests();
    }

    private static void assertDescribed(List<Descriptor> referrers, Descriptor expected, String type) {
        assertThat(referrers).singleElement().satisfies(entry -> {
            assertThat(entry.digest()).isEqualTo(expected.digest());
            assertThat(entry.artifactType()).contains(type);
            assertThat(entry.annotations()).containsEntry("org.example.kind", type);
        });
    }

    @Test
    void trap18CopyHasEverythingThatBelongsToTheImageAndTheTagComesLast() throws Exception {
        Descriptor amd = shapes.image("amd64");
        Descriptor arm = shapes.image("arm64");
        Descriptor attestation = shapes.referrer(amd, ATTESTATION, "slsa");
        Descriptor index = shapes.index(List.of(amd, arm, attestation, withForeignLayer()));
        shapes.tag("v1", index);
        Descriptor sbom = shapes.referrer(index, "x/sbom", "sbom");
        Descriptor signature = shapes.referrer(sbom, "x/signature", "signature of the sbom");
        Descriptor ofChild = shapes.referrer(arm, "x/scan", "scan");
        for (String suffix : COSIGN) {
            shapes.tag(Shapes.stem(index) + suffix, shapes.image("cosign" + suffix));
        }

        ReplicationReport report = engine.run(new Rules(source).to(target));

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(copy.manifests.keySet())
                .contains(index.digest(), amd.digest(), arm.digest(), attestation.digest())
                .contains(sbom.digest(), signature.digest(), ofChild.digest());
        for (String suffix : COSIGN) {
            Tag tag = new Tag(Shapes.stem(index) + suffix);
            assertThat(copy.tags.get(tag))
                    .as(suffix)
                    .isEqualTo(source.repository("app").tags.get(tag));
        }
        assertDescribed(referrersAtTarget(index), sbom, "x/sbom");
        assertDescribed(referrersAtTarget(sbom), signature, "x/signature");
        assertDescribed(referrersAtTarget(arm), ofChild, "x/scan");
        assertDescribed(referrersAtTarget(amd), attestation, ATTESTATION);
        assertThat(copy.blobs).containsKey(Digest.sha256("{}".getBytes(StandardCharsets.UTF_8)));
        assertThat(copy.blobs).doesNotContainKey(foreign);
        assertThat(source.requests(line -> line.contains(foreign.toString()))).isEmpty();
        assertThat(target.requests(line -> line.contains(foreign.toString()))).isEmpty();
        assertThat(target.requests(line -> line.startsWith("PUT") || line.startsWith("MOUNT"))
                        .getLast())
                .isEqualTo("PUT manifest mirror/app v1");
    }
}
