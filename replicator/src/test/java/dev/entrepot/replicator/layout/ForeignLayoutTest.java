package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReportWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What other tools have put into a layout stays as it is, and is read as they mean it. */
class ForeignLayoutTest {
    private static final RepositoryName APP = LayoutWorld.APP;

    @TempDir
    private Path folder;

    private LayoutWorld world;

    @BeforeEach
    void open() throws IOException {
        world = new LayoutWorld(folder);
    }

    @AfterEach
    void close() throws IOException {
        world.close();
    }

    @Test
    void fullNameOfContainerdSaysWhichImageATagIs() throws IOException {
        Descriptor alpha = world.shapes.image("alpha");
        Descriptor beta = world.shapes.image("beta");
        world.putForeign(
                alpha,
                Map.of("org.opencontainers.image.ref.name", "v1", "io.containerd.image.name", "docker.io/x/alpha:v1"));
        world.putForeign(
                beta,
                Map.of("org.opencontainers.image.ref.name", "v1", "io.containerd.image.name", "docker.io/x/beta:v1"));

        assertThat(world.reader("images", new RepositoryName("x/alpha")).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(alpha.digest());
        assertThat(world.reader("images", new RepositoryName("x/beta")).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(beta.digest());
        assertThat(world.reader("images", new RepositoryName("x/other")).resolve(new Tag("v1")))
                .isEmpty();
    }

    @Test
    void oneNameForSeveralManifestsIsNone() throws IOException {
        Descriptor one = world.shapes.image("one");
        Descriptor two = world.shapes.image("two");
        world.putForeign(one, Map.of("org.opencontainers.image.ref.name", "docker.io/x/img:v1"));
        world.putForeign(two, Map.of("org.opencontainers.image.ref.name", "quay.io/x/img:v1"));
        RepositoryName repository = new RepositoryName("x/img");

        assertThatThrownBy(() -> world.reader("images", repository).resolve(new Tag("v1")))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(one.digest().toString())
                .hasMessageContaining(two.digest().toString());
        RepositoryTarget into =
                world.server.target("images", folder.resolve("images")).target(repository);
        assertThatThrownBy(() -> into.pushManifest(world.bytes(one), new Tag("v1")))
                .isInstanceOf(InvalidContentException.class);
        assertThat(world.names("images")).containsExactlyInAnyOrder("docker.io/x/img:v1", "quay.io/x/img:v1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatAnotherToolWroteStaysAsItIs(boolean tar) throws IOException {
        Descriptor odd = world.shapes.image("odd name");
        Descriptor bare = world.shapes.image("no name");
        Descriptor alone = world.shapes.referrer(world.shapes.image("not there"), "x/alone", "of what is not there");
        Descriptor full = world.shapes.image("full name");
        world.putForeign(odd, Map.of("org.opencontainers.image.ref.name", "rel+1"));
        world.putForeign(bare, Map.of("org.example.note", "kept"));
        world.putForeign(alone, Map.of());
        world.putForeign(
                full,
                Map.of("org.opencontainers.image.ref.name", "quay.io/x/full:v1", "io.containerd.image.created", "now"));
        world.change(index -> index.putObject("annotations").put("org.example.index", "kept"));
        JsonNode before = world.index("images").path("manifests");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            world.pack();
        }
        world.signed("v1");

        world.run(world.server, file, Outcome.COMPLETE);

        assertThat(world.index(file)
                        .path("annotations")
                        .path("org.example.index")
                        .asString())
                .isEqualTo("kept");
        assertThat(world.index(file).path("manifests")).containsAll(before);
        for (Descriptor manifest : List.of(odd, bare, alone, full)) {
            assertThat(world.reader(file, APP).fetchManifest(manifest.digest()).array())
                    .isEqualTo(world.bytes(manifest).array());
            for (Descriptor blob : Manifest.parse(world.bytes(manifest)).blobs()) {
                assertThat(world.reader(file, APP).statBlob(blob.digest())).isPresent();
            }
        }
        assertThat(world.reader(file, APP).resolve(new Tag("v1"))).isPresent();
    }

    @Test
    void tagOfAnotherToolThatMovesKeepsItsName() throws IOException {
        Descriptor old = world.shapes.image("old");
        world.putForeign(old, Map.of("org.opencontainers.image.ref.name", "registry.test/mirror/app:v1"));
        Descriptor moved = world.signed("v1");

        world.run(world.server, "images", Outcome.COMPLETE);

        assertThat(world.names("images")).containsExactly("registry.test/mirror/app:v1");
        assertThat(world.reader("images", APP).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(moved.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bundleIsNotWrittenTo(boolean tar) throws IOException {
        world.putForeign(world.shapes.image("exported"), Map.of("org.opencontainers.image.ref.name", "v1"));
        Files.createDirectories(folder.resolve("images/entrepot"));
        Files.writeString(folder.resolve("images").resolve(LayoutFormat.VOLUME), "{}");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            world.pack();
        }
        world.signed("v2");

        ReplicationReport report = world.run(world.server, file, Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains("it is a volume of a bundle");
        assertThat(world.names(file)).containsExactly("v1");
    }

    @Test
    void imageThatNobodyNamedInTheLayoutIsNotLostByDigest() throws IOException {
        Descriptor bare = world.shapes.image("no name");
        world.putForeign(bare, Map.of());
        RepositoryTarget into =
                world.server.target("images", folder.resolve("images")).target(APP);

        assertThat(into.deleteManifest(bare.digest())).isFalse();

        Digest kept = bare.digest();
        assertThat(world.reader("images", APP).resolve(kept)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "{}"})
    void indexThatIsNoneIsNotTakenForAnEmptyOne(String content) throws IOException {
        world.signed("v1");
        world.run(world.server, "images", Outcome.COMPLETE);
        Files.writeString(world.indexFile(), content);
        world.signed("v2");

        ReplicationReport report = world.run(world.server, "images", Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains("no list of manifests");
        assertThat(world.indexFile()).hasContent(content);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsNoManifestStaysWhereItIs(boolean tar) throws IOException {
        byte[] text = "<xml/>".getBytes(StandardCharsets.UTF_8);
        Descriptor xml = Descriptor.of(new MediaType("application/xml"), Digest.sha256(text), text.length);
        world.putForeign(world.shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        Files.write(folder.resolve("images/blobs/sha256").resolve(xml.digest().encoded()), text);
        world.change(index -> index.withArray("manifests").add(world.entry(xml, Map.of())));
        JsonNode before = world.index("images").path("manifests");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            world.pack();
        }
        world.signed("v1");

        world.run(world.server, file, Outcome.COMPLETE);

        assertThat(world.index(file).path("manifests")).containsAll(before);
        assertThat(world.reader(file, APP).statBlob(xml.digest())).isPresent();
    }

    @Test
    void indexOfNoManifestsMaySayNullAsSomeToolsDo() throws IOException {
        Files.createDirectories(folder.resolve("images"));
        Files.writeString(folder.resolve("images/oci-layout"), LayoutFormat.MARKER_TEXT);
        Files.writeString(world.indexFile(), "{\"schemaVersion\":2,\"manifests\":null}");
        world.signed("v1");

        world.run(world.server, "images", Outcome.COMPLETE);

        assertThat(world.names("images")).containsExactly("v1");
    }
}
