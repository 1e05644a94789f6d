package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.WriteLock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Layouts that are not ours alone: other tools and other processes write to them, or carry them away. */
class SharedLayoutTest {
    private static final RepositoryName APP = new RepositoryName("mirror/app");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private final LayoutTargets server = new LayoutTargets();
    private final LayoutTargets command = new LayoutTargets();
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder.resolve("journal"));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Descriptor signed(String tag) {
        Descriptor image = shapes.image("content of " + tag);
        shapes.tag(tag, image);
        shapes.referrer(image, "x/signature", "signature of " + tag);
        return image;
    }

    private ReplicationReport run(LayoutTargets process, String file, Outcome outcome) throws IOException {
        Rules rules = new Rules(source).to(process.target(file, folder.resolve(file)));
        rules.repositories = List.of(NamePattern.parse("**"));
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(outcome);
        return report;
    }

    private ManifestBytes bytes(Descriptor manifest) throws IOException {
        return source.repository("app").fetchManifest(manifest.digest());
    }

    /** Puts an image in as a command does. */
    private void put(LayoutTargets process, String file, String repository, String tag, Descriptor image)
            throws IOException {
        TargetRegistry target = process.target(file, folder.resolve(file));
        RepositoryTarget into = target.target(new RepositoryName(repository));
        target.begin();
        for (Descriptor blob : Manifest.parse(bytes(image)).blobs()) {
            into.pushBlob(blob, source.repository("app"));
        }
        into.pushManifest(bytes(image), new Tag(tag));
        target.end(true);
    }

    private RepositorySource reader(String file, RepositoryName repository) {
        return new LayoutTargets().source(file, folder.resolve(file)).repository(repository);
    }

    private Path indexFile() {
        return folder.resolve("images/index.json");
    }

    private ObjectNode index(String file) throws IOException {
        byte[] json = Files.isDirectory(folder.resolve(file))
                ? Files.readAllBytes(folder.resolve(file).resolve("index.json"))
                : read(LayoutTar.open(folder.resolve(file)));
        return (ObjectNode) OciJson.mapper().readTree(json);
    }

    private static byte[] read(LayoutTar tar) throws IOException {
        LayoutTar.Slice slice = tar.entries().get("index.json");
        byte[] all = Files.readAllBytes(tar.file());
        byte[] index = new byte[(int) slice.bytes()];
        System.arraycopy(all, (int) slice.offset(), index, 0, index.length);
        return index;
    }

    private List<String> names(String file) throws IOException {
        List<String> names = new ArrayList<>();
        for (JsonNode entry : index(file).path("manifests")) {
            String name = entry.path("annotations")
                    .path("org.opencontainers.image.ref.name")
                    .asString("");
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
        return names;
    }

    /** Changes the index of a folder as another tool does, which knows nothing of us. */
    private void change(Consumer<ObjectNode> change) throws IOException {
        ObjectNode index = index("images");
        change.accept(index);
        Files.write(indexFile(), index.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode entry(Descriptor manifest, Map<String, String> annotations) {
        ObjectNode entry = DescriptorJson.write(manifest);
        ObjectNode json = entry.putObject("annotations");
        annotations.forEach(json::put);
        return entry;
    }

    private void putForeign(Descriptor image, Map<String, String> annotations) throws IOException {
        Path blobs = Files.createDirectories(folder.resolve("images/blobs/sha256"));
        for (Descriptor blob : Manifest.parse(bytes(image)).blobs()) {
            try (var body = source.repository("app").openBlob(blob.digest(), ByteRange.ALL)) {
                Files.write(
                        blobs.resolve(blob.digest().encoded()), body.stream().readAllBytes());
            }
        }
        Files.write(blobs.resolve(image.digest().encoded()), bytes(image).array());
        if (Files.notExists(indexFile())) {
            Files.writeString(folder.resolve("images/oci-layout"), LayoutFormat.MARKER_TEXT);
            Files.writeString(indexFile(), "{\"schemaVersion\":2,\"manifests\":[]}");
        }
        change(index -> index.withArray("manifests").add(entry(image, annotations)));
    }

    @Test
    void whatAnotherProcessPutThereStaysWhenTheServerGoesOn() throws IOException {
        signed("v1");
        run(server, "images", Outcome.COMPLETE);
        put(command, "images", "team/imported", "v7", shapes.image("imported"));
        signed("v2");

        run(server, "images", Outcome.COMPLETE);

        assertThat(names("images")).containsExactlyInAnyOrder("mirror/app:v1", "mirror/app:v2", "team/imported:v7");
    }

    @Test
    void whatAnotherToolPutsThereInTheMiddleOfARunStays() throws IOException {
        Descriptor first = signed("v1");
        TargetRegistry target = server.target("images", folder.resolve("images"));
        RepositoryTarget into = target.target(APP);
        target.begin();
        into.pushManifest(bytes(first), new Tag("v1"));
        change(index ->
                index.withArray("manifests").add(entry(first, Map.of("org.opencontainers.image.ref.name", "by-hand"))));
        into.pushManifest(bytes(first), new Tag("v2"));
        target.end(true);

        assertThat(names("images")).contains("by-hand").hasSize(3);
    }

    @Test
    void folderThatWasCarriedAwayIsWrittenAgain() throws IOException {
        Descriptor image = signed("v1");
        run(server, "images", Outcome.COMPLETE);
        Files.move(folder.resolve("images"), folder.resolve("taken"));

        run(server, "images", Outcome.COMPLETE);

        assertThat(names("images")).containsExactly("v1");
        assertThat(reader("images", APP).referrers(image.digest()).descriptors())
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"images", "images.tar"})
    void twoProcessesDoNotWriteAtOneTime(String file) throws IOException {
        signed("v1");
        TargetRegistry other = command.target(file, folder.resolve(file));
        other.begin();

        ReplicationReport report = run(server, file, Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains(file + ": another process is writing to it");
        other.end(true);
        assertThat(folder.resolve(file)).doesNotExist();
        run(server, file, Outcome.COMPLETE);
        assertThat(names(file)).containsExactly("v1");
        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(path -> path.toString().endsWith(".lock"))).isEmpty();
        }
    }

    @Test
    void whatAKilledProcessHasLeftIsSweptAndFilesAreForAllWhoMayReadOthers() throws IOException {
        signed("v1");
        Path left =
                Files.createDirectories(folder.resolve("images/blobs/sha256")).resolve(".incoming-1234");
        Files.writeString(left, "half a blob");
        Path plain = Files.writeString(folder.resolve("plain"), "");

        run(server, "images", Outcome.COMPLETE);

        assertThat(left).doesNotExist();
        assertThat(Files.getPosixFilePermissions(indexFile())).isEqualTo(Files.getPosixFilePermissions(plain));
    }

    @Test
    void tagThatCouldNotBeWrittenIsNotTakenForWritten() throws IOException {
        Descriptor image = signed("v1");
        RepositoryTarget into =
                server.target("images", folder.resolve("images")).target(APP);
        Path inTheWay = Files.createDirectories(indexFile().resolve("in the way"));
        assertThatThrownBy(() -> into.pushManifest(bytes(image), new Tag("v1"))).isInstanceOf(IOException.class);
        Files.delete(inTheWay);
        Files.delete(indexFile());

        into.pushManifest(bytes(image), new Tag("v1"));

        assertThat(names("images")).containsExactly("v1");
    }

    @Test
    void fullNameOfContainerdSaysWhichImageATagIs() throws IOException {
        Descriptor alpha = shapes.image("alpha");
        Descriptor beta = shapes.image("beta");
        putForeign(
                alpha,
                Map.of("org.opencontainers.image.ref.name", "v1", "io.containerd.image.name", "docker.io/x/alpha:v1"));
        putForeign(
                beta,
                Map.of("org.opencontainers.image.ref.name", "v1", "io.containerd.image.name", "docker.io/x/beta:v1"));

        assertThat(reader("images", new RepositoryName("x/alpha")).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(alpha.digest());
        assertThat(reader("images", new RepositoryName("x/beta")).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(beta.digest());
        assertThat(reader("images", new RepositoryName("x/other")).resolve(new Tag("v1")))
                .isEmpty();
    }

    @Test
    void oneNameForSeveralManifestsIsNone() throws IOException {
        Descriptor one = shapes.image("one");
        Descriptor two = shapes.image("two");
        putForeign(one, Map.of("org.opencontainers.image.ref.name", "docker.io/x/img:v1"));
        putForeign(two, Map.of("org.opencontainers.image.ref.name", "quay.io/x/img:v1"));
        RepositoryName repository = new RepositoryName("x/img");

        assertThatThrownBy(() -> reader("images", repository).resolve(new Tag("v1")))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(one.digest().toString())
                .hasMessageContaining(two.digest().toString());
        RepositoryTarget into =
                server.target("images", folder.resolve("images")).target(repository);
        assertThatThrownBy(() -> into.pushManifest(bytes(one), new Tag("v1")))
                .isInstanceOf(InvalidContentException.class);
        assertThat(names("images")).containsExactlyInAnyOrder("docker.io/x/img:v1", "quay.io/x/img:v1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatAnotherToolWroteStaysAsItIs(boolean tar) throws IOException {
        Descriptor odd = shapes.image("odd name");
        Descriptor bare = shapes.image("no name");
        Descriptor alone = shapes.referrer(shapes.image("not there"), "x/alone", "of what is not there");
        Descriptor full = shapes.image("full name");
        putForeign(odd, Map.of("org.opencontainers.image.ref.name", "rel+1"));
        putForeign(bare, Map.of("org.example.note", "kept"));
        putForeign(alone, Map.of());
        putForeign(
                full,
                Map.of("org.opencontainers.image.ref.name", "quay.io/x/full:v1", "io.containerd.image.created", "now"));
        change(index -> index.putObject("annotations").put("org.example.index", "kept"));
        JsonNode before = index("images").path("manifests");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            pack();
        }
        signed("v1");

        run(server, file, Outcome.COMPLETE);

        assertThat(index(file).path("annotations").path("org.example.index").asString())
                .isEqualTo("kept");
        assertThat(index(file).path("manifests")).containsAll(before);
        for (Descriptor manifest : List.of(odd, bare, alone, full)) {
            assertThat(reader(file, APP).fetchManifest(manifest.digest()).array())
                    .isEqualTo(bytes(manifest).array());
            for (Descriptor blob : Manifest.parse(bytes(manifest)).blobs()) {
                assertThat(reader(file, APP).statBlob(blob.digest())).isPresent();
            }
        }
        assertThat(reader(file, APP).resolve(new Tag("v1"))).isPresent();
    }

    /** Makes a tar of the folder, as tar does. */
    private void pack() throws IOException {
        try (var out = new TarArchiveOutputStream(Files.newOutputStream(folder.resolve("images.tar")));
                Stream<Path> files = Files.walk(folder.resolve("images"))) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                String name = folder.resolve("images").relativize(file).toString();
                out.putArchiveEntry(out.createArchiveEntry(file, name));
                Files.copy(file, out);
                out.closeArchiveEntry();
            }
            out.finish();
        }
    }

    @Test
    void tagOfAnotherToolThatMovesKeepsItsName() throws IOException {
        Descriptor old = shapes.image("old");
        putForeign(old, Map.of("org.opencontainers.image.ref.name", "registry.test/mirror/app:v1"));
        Descriptor moved = signed("v1");

        run(server, "images", Outcome.COMPLETE);

        assertThat(names("images")).containsExactly("registry.test/mirror/app:v1");
        assertThat(reader("images", APP).resolve(new Tag("v1")))
                .map(Descriptor::digest)
                .contains(moved.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bundleIsNotWrittenTo(boolean tar) throws IOException {
        putForeign(shapes.image("exported"), Map.of("org.opencontainers.image.ref.name", "v1"));
        Files.createDirectories(folder.resolve("images/entrepot"));
        Files.writeString(folder.resolve("images").resolve(LayoutFormat.VOLUME), "{}");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            pack();
        }
        signed("v2");

        ReplicationReport report = run(server, file, Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains("it is a volume of a bundle");
        assertThat(names(file)).containsExactly("v1");
    }

    @Test
    void tarThatAnotherProgramHasChangedMeanwhileIsNotReplaced() throws IOException {
        Descriptor first = signed("v1");
        putForeign(shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        TargetRegistry target = server.target("images.tar", folder.resolve("images.tar"));
        target.begin();
        RepositoryTarget into = target.target(APP);
        for (Descriptor blob : Manifest.parse(bytes(first)).blobs()) {
            into.pushBlob(blob, source.repository("app"));
        }
        into.pushManifest(bytes(first), new Tag("v1"));
        pack();

        assertThatThrownBy(() -> target.end(true))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("another program has changed it");
        assertThat(names("images.tar")).containsExactly("theirs");

        run(server, "images.tar", Outcome.COMPLETE);
        assertThat(names("images.tar")).containsExactlyInAnyOrder("theirs", "mirror/app:v1");
        assertThat(folder.resolve(".images.tar.parts")).doesNotExist();
    }

    @Test
    void imageThatNobodyNamedInTheLayoutIsNotLostByDigest() throws IOException {
        Descriptor bare = shapes.image("no name");
        putForeign(bare, Map.of());
        RepositoryTarget into =
                server.target("images", folder.resolve("images")).target(APP);

        assertThat(into.deleteManifest(bare.digest())).isFalse();

        Digest kept = bare.digest();
        assertThat(reader("images", APP).resolve(kept)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "{}"})
    void indexThatIsNoneIsNotTakenForAnEmptyOne(String content) throws IOException {
        signed("v1");
        run(server, "images", Outcome.COMPLETE);
        Files.writeString(indexFile(), content);
        signed("v2");

        ReplicationReport report = run(server, "images", Outcome.FAILED);

        assertThat(ReportWriter.toText(report)).contains("no list of manifests");
        assertThat(indexFile()).hasContent(content);
    }

    @Test
    void tagThatAnotherToolTakesAwayIsNotCalledComplete() throws IOException {
        Descriptor image = signed("v1");
        putForeign(shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        byte[] before = Files.readAllBytes(indexFile());
        TargetRegistry target = server.target("images", folder.resolve("images"));
        target.begin();
        target.target(APP).pushManifest(bytes(image), new Tag("v1"));
        Files.write(indexFile(), before);

        assertThatThrownBy(() -> target.end(true)).hasMessageContaining("taken mirror/app:v1 out of the index");

        run(server, "images", Outcome.COMPLETE);
        assertThat(names("images")).containsExactlyInAnyOrder("theirs", "mirror/app:v1");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsNoManifestStaysWhereItIs(boolean tar) throws IOException {
        byte[] text = "<xml/>".getBytes(StandardCharsets.UTF_8);
        Descriptor xml = Descriptor.of(new MediaType("application/xml"), Digest.sha256(text), text.length);
        putForeign(shapes.image("of others"), Map.of("org.opencontainers.image.ref.name", "theirs"));
        Files.write(folder.resolve("images/blobs/sha256").resolve(xml.digest().encoded()), text);
        change(index -> index.withArray("manifests").add(entry(xml, Map.of())));
        JsonNode before = index("images").path("manifests");
        String file = tar ? "images.tar" : "images";
        if (tar) {
            pack();
        }
        signed("v1");

        run(server, file, Outcome.COMPLETE);

        assertThat(index(file).path("manifests")).containsAll(before);
        assertThat(reader(file, APP).statBlob(xml.digest())).isPresent();
    }

    @Test
    void runThatCouldListNothingAndWriteNothingIsNotComplete() throws IOException {
        signed("v1");
        TargetRegistry other = command.target("images", folder.resolve("images"));
        other.begin();
        source.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "broken");
            }
        });

        ReplicationReport report = run(server, "images", Outcome.FAILED);

        assertThat(report.targets().getFirst().failed()).isPositive();
        other.end(true);
    }

    @Test
    void whoIsRefusedDoesNotTakeTheLockAwayFromWhoHasIt() throws IOException {
        Path file = folder.resolve("lock");
        WriteLock first = WriteLock.of(file).orElseThrow();

        assertThat(WriteLock.of(file)).isEmpty();
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        assertThat(WriteLock.of(link)).isEmpty();

        String lock = " " + Files.getAttribute(file, "unix:ino") + " ";
        assertThat(Files.readString(Path.of("/proc/locks")).replace(':', ' ')).contains(lock);
        first.close();
        WriteLock.of(file).orElseThrow().close();
    }

    @Test
    void indexThatWasWrittenSinceItWasReadIsNotReplaced() throws IOException {
        putForeign(shapes.image("one"), Map.of("org.opencontainers.image.ref.name", "one"));
        LayoutFolder layout = new LayoutFolder(folder.resolve("images"));
        Optional<FileStamp> read = layout.stamp();
        LayoutIndex index = layout.index();
        FileStamp written = layout.write(index, read);
        assertThat(layout.stamp()).contains(written);
        putForeign(shapes.image("two"), Map.of("org.opencontainers.image.ref.name", "two"));

        assertThatThrownBy(() -> layout.write(index, Optional.of(written)))
                .isInstanceOf(ChangedMeanwhileException.class);

        assertThat(names("images")).containsExactly("one", "two");
        try (Stream<Path> files = Files.list(folder.resolve("images"))) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".incoming")))
                    .isEmpty();
        }
    }

    @Test
    void indexOfNoManifestsMaySayNullAsSomeToolsDo() throws IOException {
        Files.createDirectories(folder.resolve("images"));
        Files.writeString(folder.resolve("images/oci-layout"), LayoutFormat.MARKER_TEXT);
        Files.writeString(indexFile(), "{\"schemaVersion\":2,\"manifests\":null}");
        signed("v1");

        run(server, "images", Outcome.COMPLETE);

        assertThat(names("images")).containsExactly("v1");
    }

    @Test
    void tarThatAnotherProcessHasReplacedIsReadAnew() throws IOException {
        signed("v1");
        run(server, "images.tar", Outcome.COMPLETE);
        SourceRegistry source = server.source("images.tar", folder.resolve("images.tar"));
        assertThat(source.repository(APP).resolve(new Tag("v1"))).isPresent();
        put(command, "images.tar", "mirror/app", "v9", shapes.image("of another process"));

        assertThat(source.repository(APP).resolve(new Tag("v9"))).isPresent();
    }
}
