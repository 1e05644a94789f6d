package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
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
import dev.entrepot.replicator.Completeness;
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
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Rules whose target is a layout. Long, because all are cases over the same source and folder. */
class LayoutTargetsTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes shapes = new Shapes(source.repository("app"));
    private final LayoutTargets layouts = new LayoutTargets();
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder.resolve("journal"));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private static Descriptor graph(Shapes shapes, String tag) {
        Descriptor root = shapes.index(List.of(shapes.image("amd64 " + tag), shapes.image("arm64 " + tag)));
        shapes.tag(tag, root);
        shapes.referrer(shapes.referrer(root, "x/sbom", "sbom " + tag), "x/sig", "signature of the sbom " + tag);
        shapes.tag(Shapes.stem(root) + ".sig", shapes.image("cosign " + tag));
        return root;
    }

    private void failLayer(String content) {
        Digest digest = Digest.sha256(content.getBytes(StandardCharsets.UTF_8));
        source.gate((index, request) -> {
            if (request.startsWith("GET blob") && request.contains(digest.toString())) {
                throw new OutageException(OutageException.Reason.UNREACHABLE, "gone");
            }
        });
    }

    private Rules into(String file) {
        Rules rules = new Rules(source).to(layouts.target(file, folder.resolve(file)));
        rules.repositories = List.of(NamePattern.parse("**"));
        return rules;
    }

    private ReplicationReport run(Rules rules, Outcome outcome) throws IOException {
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(outcome);
        return report;
    }

    /** The files of a layout by their names, of a folder or a tar. */
    private Map<String, byte[]> files(String file) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        Path path = folder.resolve(file);
        if (Files.isDirectory(path)) {
            try (Stream<Path> walk = Files.walk(path)) {
                for (Path one : walk.filter(Files::isRegularFile).toList()) {
                    files.put(path.relativize(one).toString(), Files.readAllBytes(one));
                }
            }
            return files;
        }
        try (TarFile tar = new TarFile(path)) {
            for (TarArchiveEntry entry : tar.getEntries()) {
                try (InputStream in = tar.getInputStream(entry)) {
                    files.put(entry.getName(), in.readAllBytes());
                }
            }
        }
        return files;
    }

    private List<String> names(String file) throws IOException {
        List<String> names = new ArrayList<>();
        for (JsonNode entry :
                OciJson.mapper().readTree(files(file).get("index.json")).path("manifests")) {
            String name = entry.path("annotations")
                    .path("org.opencontainers.image.ref.name")
                    .asString("");
            if (!name.isEmpty() && !name.contains("sha256-")) {
                names.add(name);
            }
        }
        return names;
    }

    /** Walks a layout as the specification says: everything that is named is there, with its digest and its size. */
    private void assertConforms(String file) throws IOException {
        Map<String, byte[]> files = files(file);
        assertThat(OciJson.mapper()
                        .readTree(files.get("oci-layout"))
                        .path("imageLayoutVersion")
                        .asString())
                .isEqualTo("1.0.0");
        JsonNode index = OciJson.mapper().readTree(files.get("index.json"));
        assertThat(index.path("schemaVersion").asInt()).isEqualTo(2);
        assertThat(index.path("mediaType").asString()).isEqualTo("application/vnd.oci.image.index.v1+json");
        Set<String> named = new HashSet<>(Set.of("oci-layout", "index.json"));
        index.path("manifests").forEach(entry -> assertDescribed(files, entry, named));
        assertThat(files.keySet()).isEqualTo(named);
    }

    private static void assertDescribed(Map<String, byte[]> files, JsonNode descriptor, Set<String> named) {
        Digest digest = Digest.parse(descriptor.path("digest").asString());
        String name = "blobs/sha256/" + digest.encoded();
        assertThat(files).containsKey(name);
        byte[] bytes = files.get(name);
        assertThat(Digest.sha256(bytes)).isEqualTo(digest);
        assertThat(descriptor.path("size").asLong()).isEqualTo(bytes.length);
        assertThat(descriptor.path("mediaType").asString()).isNotEmpty();
        if (named.add(name) && descriptor.path("mediaType").asString().matches(".*(manifest|index).v1\\+json")) {
            JsonNode manifest = OciJson.mapper().readTree(bytes);
            for (String property : List.of("manifests", "layers")) {
                manifest.path(property).forEach(child -> assertDescribed(files, child, named));
            }
            if (manifest.has("config")) {
                assertDescribed(files, manifest.path("config"), named);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"folder", "file.tar"})
    void layoutConformsAndGoesOutAgainComplete(String file) throws IOException {
        graph(shapes, "v1");
        run(into(file), Outcome.COMPLETE);
        assertConforms(file);

        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
        SourceRegistry layout = new LayoutTargets().source("out", folder.resolve(file));
        assertThat(layout.catalog()).containsExactly(new RepositoryName("mirror/app"));
        Rules out = new Rules(source).to(target);
        out.name = "out";
        out.source = layout;
        out.repositories = List.of(NamePattern.parse("**"));
        run(out, Outcome.COMPLETE);
        Completeness.assertComplete(source.repository("app"), "v1", target, "mirror/mirror/app");
    }

    @ParameterizedTest
    @ValueSource(strings = {"folder", "file.tar"})
    void namesAreTagsUntilASecondRepositoryComes(String file) throws IOException {
        graph(shapes, "v1");
        run(into(file), Outcome.COMPLETE);
        assertThat(names(file)).containsExactly("v1");

        graph(new Shapes(source.repository("team/other")), "v1");
        run(into(file), Outcome.COMPLETE);
        assertThat(names(file)).containsExactlyInAnyOrder("mirror/app:v1", "mirror/team/other:v1");
        assertConforms(file);
        assertThat(run(into(file), Outcome.COMPLETE).targets().getFirst().upToDate())
                .isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"images", "images.tar"})
    void manifestOfAPrivateTypeThatDoesNotSayItGoesOutAgainWithItsContent(String file) throws IOException {
        Descriptor blob = shapes.blob(new MediaType("application/x-model"), "content");
        ManifestBytes manifest = ofPrivateType(blob, Optional.empty());
        source.repository("app").tags.put(new Tag("v1"), manifest.digest());
        run(into(file), Outcome.COMPLETE);

        RepositorySource out =
                new LayoutTargets().source(file, folder.resolve(file)).repository(new RepositoryName("mirror/app"));

        assertThat(out.resolve(new Tag("v1"))).contains(manifest.descriptor());
        assertThat(out.fetchManifest(manifest.digest()).descriptor()).isEqualTo(manifest.descriptor());
        assertThat(out.statBlob(blob.digest())).isPresent();
    }

    // Its bytes do not say the type.
    private ManifestBytes ofPrivateType(Descriptor blob, Optional<Descriptor> subject) throws IOException {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.putArray("blobs").add(DescriptorJson.write(blob));
        subject.ifPresent(image -> json.set("subject", DescriptorJson.write(Shapes.plain(image))));
        ManifestBytes manifest = ManifestBytes.of(
                new MediaType("application/vnd.acme.model+json"),
                json.toString().getBytes(StandardCharsets.UTF_8));
        source.repository("app").manifests.put(manifest.digest(), manifest);
        return manifest;
    }

    @ParameterizedTest
    @ValueSource(strings = {"images", "images.tar"})
    void childAndReferrerOfAPrivateTypeGoOutAgainWithIt(String file) throws IOException {
        ManifestBytes child =
                ofPrivateType(shapes.blob(new MediaType("application/x-model"), "of the child"), Optional.empty());
        Descriptor root = shapes.index(List.of(shapes.index(List.of(child.descriptor()))));
        shapes.tag("v1", root);
        ManifestBytes referrer =
                ofPrivateType(shapes.blob(new MediaType("application/x-model"), "attached"), Optional.of(root));
        run(into(file), Outcome.COMPLETE);

        RepositorySource out =
                new LayoutTargets().source(file, folder.resolve(file)).repository(new RepositoryName("mirror/app"));

        assertThat(out.resolve(child.digest())).contains(child.descriptor());
        assertThat(out.fetchManifest(child.digest()).mediaType()).isEqualTo(child.mediaType());
        assertThat(out.fetchManifest(referrer.digest()).mediaType()).isEqualTo(referrer.mediaType());
        assertThat(out.referrers(root.digest()).descriptors()).containsExactly(referrer.descriptor());
    }

    @Test
    void typeOfAChildOfADamagedIndexIsNotMadeUp() throws IOException {
        ManifestBytes child =
                ofPrivateType(shapes.blob(new MediaType("application/x-model"), "of the child"), Optional.empty());
        Descriptor damaged = shapes.index(List.of(child.descriptor()));
        shapes.tag("v1", shapes.index(List.of(damaged)));
        run(into("images"), Outcome.COMPLETE);
        Files.writeString(
                folder.resolve("images/blobs/sha256").resolve(damaged.digest().encoded()), "damaged");

        RepositorySource out = new LayoutTargets()
                .source("images", folder.resolve("images"))
                .repository(new RepositoryName("mirror/app"));

        assertThat(out.fetchManifest(child.digest()).mediaType()).isEqualTo(MediaType.OCTET_STREAM);
    }

    @Test
    void folderThatCannotBeWrittenIsTheTargetsFailure() throws IOException {
        graph(shapes, "v1");
        Files.writeString(folder.resolve("images"), "a file of somebody's");

        ReplicationReport report = run(into("images"), Outcome.FAILED);

        assertThat(ReportWriter.toText(report))
                .contains("at the target, images")
                .contains(folder.resolve("images") + " is in the way: it is no folder");
        assertThat(folder.resolve("images")).hasContent("a file of somebody's");
    }

    @Test
    void tarIsThereOnlyWhenARunIsCompleteAndThenNothingBesideIt() throws IOException {
        graph(shapes, "v1");
        graph(shapes, "v2");
        failLayer("layer of arm64 v2");
        run(into("file.tar"), Outcome.PARTLY);
        assertThat(folder.resolve("file.tar")).doesNotExist();

        source.gate((index, request) -> {});
        source.forgetRequests();
        run(into("file.tar"), Outcome.COMPLETE);
        assertConforms("file.tar");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrder("journal", "file.tar");
        }
    }

    @Test
    void tarStaysAsItIsWhileItsReplacementIsNotComplete() throws IOException {
        graph(shapes, "v1");
        run(into("file.tar"), Outcome.COMPLETE);
        byte[] before = Files.readAllBytes(folder.resolve("file.tar"));

        graph(shapes, "v2");
        failLayer("layer of arm64 v2");
        run(into("file.tar"), Outcome.PARTLY);

        assertThat(Files.readAllBytes(folder.resolve("file.tar"))).isEqualTo(before);
    }

    @Test
    void runThatBringsNothingLeavesTheTarAlone() throws IOException {
        graph(shapes, "v1");
        run(into("file.tar"), Outcome.COMPLETE);
        Object key =
                Files.readAttributes(folder.resolve("file.tar"), "unix:ino").get("ino");
        source.forgetRequests();

        assertThat(run(into("file.tar"), Outcome.COMPLETE).targets().getFirst().upToDate())
                .isEqualTo(1);

        assertThat(source.requests("GET blob")).isEmpty();
        assertThat(Files.readAttributes(folder.resolve("file.tar"), "unix:ino").get("ino"))
                .isEqualTo(key);
    }

    @Test
    void tarThatIsPackedWhileAnotherRunGoesOnHasOnlyWhatIsCompleteAndTheOtherLosesNothing() throws IOException {
        Descriptor root = graph(shapes, "v1");
        graph(new Shapes(source.repository("team/other")), "v2");
        run(into("file.tar"), Outcome.COMPLETE);
        Descriptor late = shapes.referrer(root, "x/late", "late");
        Descriptor other = shapes.image("other");
        Descriptor early = shapes.referrer(other, "x/early", "early");
        TargetRegistry slow = layouts.target("slow", folder.resolve("file.tar"));
        RepositoryTarget slowly = slow.target(new RepositoryName("slow/app"));
        slow.begin();
        for (Descriptor manifest : List.of(other, early)) {
            for (Descriptor blob : Manifest.parse(bytes(manifest)).blobs()) {
                slowly.pushBlob(blob, source.repository("app"));
            }
            slowly.pushManifest(bytes(manifest), manifest.digest());
        }

        run(into("file.tar"), Outcome.COMPLETE);
        assertConforms("file.tar");
        assertThat(files("file.tar"))
                .containsKey("blobs/sha256/" + late.digest().encoded())
                .doesNotContainKey("blobs/sha256/" + early.digest().encoded());

        slowly.pushManifest(bytes(other), new Tag("v9"));
        slow.end(true);
        assertConforms("file.tar");
        assertThat(names("file.tar")).contains("slow/app:v9", "mirror/app:v1", "mirror/team/other:v2");
        assertThat(new LayoutTargets()
                        .source("out", folder.resolve("file.tar"))
                        .repository(new RepositoryName("slow/app"))
                        .referrers(other.digest())
                        .descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(early.digest());
    }

    private ManifestBytes bytes(Descriptor manifest) throws IOException {
        return source.repository("app").fetchManifest(manifest.digest());
    }

    @Test
    void sameContentIsPackedToTheSameBytes() throws IOException {
        graph(shapes, "v1");
        run(into("one.tar"), Outcome.COMPLETE);
        run(into("two.tar"), Outcome.COMPLETE);

        assertThat(folder.resolve("two.tar")).hasSameBinaryContentAs(folder.resolve("one.tar"));
    }

    @Test
    void contentThatIsCorruptInThePartsIsNotPacked() throws IOException {
        Descriptor root = graph(shapes, "v1");
        failLayer("layer of arm64 v1");
        run(into("file.tar"), Outcome.FAILED);
        source.gate((index, request) -> {});
        Path blobs = folder.resolve(".file.tar.parts/blobs/sha256");
        Path corrupt;
        try (Stream<Path> files = Files.list(blobs)) {
            corrupt = files.filter(file -> !file.endsWith(root.digest().encoded()))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(corrupt);
        bytes[0] ^= 1;
        Files.write(corrupt, bytes);

        ReplicationReport report = engine.run(into("file.tar"));

        assertThat(report.outcome()).isNotEqualTo(Outcome.COMPLETE);
        assertThat(folder.resolve("file.tar")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"folder", "file.tar"})
    void pruneTakesWhatNoOtherRepositoryHolds(String file) throws IOException {
        Shapes other = new Shapes(source.repository("team/other"));
        Descriptor shared = graph(shapes, "v1");
        graph(other, "v1");
        graph(shapes, "v2");
        Rules rules = into(file);
        rules.prune = pruning();
        run(rules, Outcome.COMPLETE);

        source.repository("app").tags.remove(new Tag("v1"));
        ReplicationReport report = run(rules, Outcome.COMPLETE);

        assertThat(ReportWriter.toText(report)).contains("others stay: the target keeps it, since");
        assertThat(names(file)).containsExactlyInAnyOrder("mirror/app:v2", "mirror/team/other:v1");
        assertThat(files(file)).containsKey("blobs/sha256/" + shared.digest().encoded());
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        Rules out = new Rules(source).to(target);
        out.name = "out";
        out.source = new LayoutTargets().source("out", folder.resolve(file));
        out.repositories = List.of(NamePattern.parse("**"));
        run(out, Outcome.COMPLETE);
        Completeness.assertComplete(source.repository("team/other"), "v1", target, "mirror/mirror/team/other");
        Completeness.assertComplete(source.repository("app"), "v2", target, "mirror/mirror/app");
    }

    private static PruneConfig pruning() {
        return new PruneConfig(true, Duration.ZERO, new Percent(100));
    }

    @ParameterizedTest
    @ValueSource(strings = {"folder", "file.tar"})
    void referrersAreNotForgottenWhenTheLayoutCouldNotBeReadAtFirst(String file) throws IOException {
        Descriptor root = graph(shapes, "v1");
        run(into(file), Outcome.COMPLETE);
        Map<String, byte[]> whole = files(file);
        Path parts = file.equals("folder") ? folder.resolve(file) : folder.resolve(".file.tar.parts");
        Descriptor referrer =
                source.repository("app").referrers(root.digest()).descriptors().getFirst();
        Path blob = parts.resolve("blobs/sha256/" + referrer.digest().encoded());
        Files.createDirectories(blob.getParent());
        byte[] bytes = bytes(referrer).array();
        Files.write(blob, new byte[bytes.length]);
        Files.write(parts.resolve("index.json"), whole.get("index.json"));
        Files.write(parts.resolve("oci-layout"), whole.get("oci-layout"));
        RepositorySource layout =
                new LayoutTargets().source("in", folder.resolve(file)).repository(new RepositoryName("mirror/app"));
        assertThatThrownBy(() -> layout.referrers(root.digest())).isInstanceOf(InvalidContentException.class);

        Files.write(blob, bytes);

        assertThat(layout.referrers(root.digest()).descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(referrer.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manifestThatIsDamagedIsPutInOnceMore(boolean ofReferrer) throws IOException {
        Descriptor root = graph(shapes, "v1");
        run(into("folder"), Outcome.COMPLETE);
        Descriptor damaged = ofReferrer
                ? source.repository("app")
                        .referrers(root.digest())
                        .descriptors()
                        .getFirst()
                : root;
        Path blob = folder.resolve("folder/blobs/sha256/" + damaged.digest().encoded());
        Files.write(blob, new byte[(int) damaged.sizeBytes()]);
        graph(shapes, "v2");
        Rules deep = into("folder");
        deep.verify = Verify.DEEP;

        run(deep, Outcome.COMPLETE);

        assertThat(Arrays.equals(Files.readAllBytes(blob), bytes(damaged).array()))
                .isTrue();
        assertThat(names("folder")).containsExactlyInAnyOrder("v1", "v2");
    }

    @Test
    void fileThatIsNoTarOfALayoutIsNamed() throws IOException {
        Files.write(folder.resolve("file.tar"), "no tar".getBytes(StandardCharsets.UTF_8));

        assertThatThrownBy(
                        () -> layouts.source("in", folder.resolve("file.tar")).catalog())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("file.tar");
        assertThatThrownBy(() -> LayoutTar.open(folder.resolve("file.tar")))
                .isInstanceOf(InvalidContentException.class);
    }
}
