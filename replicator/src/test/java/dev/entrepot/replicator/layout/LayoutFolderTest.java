package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class LayoutFolderTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder.resolve("journal"));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Descriptor graph() {
        Descriptor root = shapes.index(List.of(shapes.image("amd64"), shapes.image("arm64")));
        shapes.tag("v1", root);
        shapes.referrer(shapes.referrer(root, "x/sbom", "sbom"), "x/sig", "signature of the sbom");
        shapes.tag(Shapes.stem(root) + ".sig", shapes.image("cosign"));
        return root;
    }

    private TargetRegistry target() {
        return new LayoutTargets().target("layout", folder.resolve("layout"));
    }

    private SourceRegistry source() {
        return new LayoutTargets().source("layout", folder.resolve("layout"));
    }

    @Test
    void graphGoesIntoALayoutAndOutOfItAgain() throws IOException {
        graph();
        Shapes other = new Shapes(source.repository("team/other"));
        other.tag("v2", other.image("two"));
        Rules in = new Rules(source).to(target());
        in.repositories = List.of(NamePattern.parse("**"));
        assertThat(engine.run(in).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
        Rules out = new Rules(source).to(target);
        out.name = "out";
        out.source = source();
        out.repositories = List.of(NamePattern.parse("**"));
        ReplicationReport report = engine.run(out);

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        Completeness.assertComplete(source.repository("app"), "v1", target, "mirror/mirror/app");
        Completeness.assertComplete(source.repository("team/other"), "v2", target, "mirror/mirror/team/other");
    }

    @Test
    void filesAreThoseOfTheSpecification() throws IOException {
        Descriptor root = graph();
        engine.run(new Rules(source).to(target()));
        Path app = folder.resolve("layout");

        assertThat(Files.readString(app.resolve("oci-layout"))).isEqualTo("{\"imageLayoutVersion\":\"1.0.0\"}");
        JsonNode index = OciJson.mapper().readTree(Files.readAllBytes(app.resolve("index.json")));
        assertThat(index.path("manifests").size()).isEqualTo(4);
        assertThat(index.toString()).contains("\"org.opencontainers.image.ref.name\":\"v1\"");
        byte[] stored =
                Files.readAllBytes(app.resolve("blobs/sha256/" + root.digest().encoded()));
        assertThat(Digest.sha256(stored)).isEqualTo(root.digest());
        try (var files = Files.walk(app)) {
            assertThat(files.filter(path -> path.getFileName().toString().startsWith(".incoming-")))
                    .isEmpty();
        }
    }

    @Test
    void layoutOfAnotherToolIsRead() throws IOException {
        Descriptor root = graph();
        engine.run(new Rules(source).to(target()));
        Path index = folder.resolve("layout/index.json");
        String text = Files.readString(index)
                .replace(
                        "\"org.opencontainers.image.ref.name\":\"v1\",\"dev.entrepot.repository\":\"mirror/app\"",
                        "\"org.opencontainers.image.ref.name\":\"registry.test/mirror/app:v1\",\"io.containerd.image.name\":\"x\"");
        Files.write(index, text.getBytes(StandardCharsets.UTF_8));

        RepositorySource reread = source().repository(new RepositoryName("mirror/app"));

        assertThat(reread.resolve(new Tag("v1")).map(Descriptor::digest)).contains(root.digest());
        assertThat(reread.referrers(root.digest()).descriptors()).hasSize(1);
        assertThat(reread.listTags(Optional.empty()).tags()).hasSize(2);
    }
}
