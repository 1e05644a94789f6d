package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a tag names at a registry that takes manifests by SHA-512 and names them by SHA-256 in its tags, as most do. */
class NamedDigestTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));

    private ReplicationReport copyTo(TestRegistry registry) throws IOException {
        try (HttpRegistries http = new HttpRegistries();
                Engine engine = new Engine(folder)) {
            return engine.run(new Rules(source).to(http.target(registry.uri())));
        }
    }

    private Descriptor image(DigestAlgorithm algorithm) {
        Descriptor image = shapes.manifest(
                algorithm,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{}"),
                List.of(shapes.blob(Shapes.LAYER, "layer")),
                Optional.empty(),
                Optional.empty());
        shapes.tag("v1", image);
        return image;
    }

    @Test
    void tagIsNotWrittenWhereItWouldNameAnotherDigestThanTheSources() throws IOException {
        Descriptor image = image(DigestAlgorithm.SHA512);
        try (TestRegistry registry = TestRegistry.started()) {
            Digest before =
                    registry.push("mirror/app", new Images(1).image(1), "v1").digest();

            ReplicationReport report = copyTo(registry);

            assertThat(report.items()).singleElement().satisfies(item -> {
                assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
                ItemReport.Failure failure = item.failure().orElseThrow();
                assertThat(failure.side()).isEqualTo(Side.TARGET);
                assertThat(failure.node()).isEqualTo(image.digest().toString());
                assertThat(failure.cause()).contains("digests by sha512", "the tag is as it was, and names " + before);
            });
            assertThat(registry.resolve("mirror/app", "v1")).contains(before);
        }
    }

    @Test
    void tagNamesTheDigestOfTheSourceWhereTheRegistryPutsTagsOnIt() throws IOException {
        Descriptor image = image(DigestAlgorithm.SHA512);
        try (TestRegistry registry =
                TestRegistry.started(dev.entrepot.oci.testing.Abilities.DEFAULT.with(Feature.TAG_PARAMETER))) {
            assertThat(copyTo(registry).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

            assertThat(registry.resolve("mirror/app", "v1")).contains(image.digest());
        }
    }

    @Test
    void usualDigestCostsNoRequestForThat() throws IOException {
        image(DigestAlgorithm.SHA256);
        try (TestRegistry registry = TestRegistry.started()) {
            assertThat(copyTo(registry).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(registry.requests(request ->
                            request.method().equals("HEAD") && request.path().endsWith("/manifests/v1")))
                    .as("neither before, because the repository is not known there, nor after")
                    .isEmpty();
        }
    }
}
