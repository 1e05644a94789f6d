package dev.entrepot.replicator.layout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
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
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A layout to which several write: a server, a command, and other tools, which know nothing of them. */
final class LayoutWorld implements AutoCloseable {
    static final RepositoryName APP = new RepositoryName("mirror/app");

    private final Path folder;
    final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    final Shapes shapes = new Shapes(source.repository("app"));
    final LayoutTargets server = new LayoutTargets();
    final LayoutTargets command = new LayoutTargets();
    private final Engine engine;

    LayoutWorld(Path folder) throws IOException {
        this.folder = folder;
        this.engine = new Engine(folder.resolve("journal"));
    }

    @Override
    public void close() throws IOException {
        engine.close();
    }

    /** An image with this tag at the source, and its signature. */
    Descriptor signed(String tag) {
        Descriptor image = shapes.image("content of " + tag);
        shapes.tag(tag, image);
        shapes.referrer(image, "x/signature", "signature of " + tag);
        return image;
    }

    ReplicationReport run(LayoutTargets process, String file, Outcome outcome) throws IOException {
        return run(process.target(file, folder.resolve(file)), outcome);
    }

    ReplicationReport run(TargetRegistry target, Outcome outcome) throws IOException {
        Rules rules = new Rules(source).to(target);
        rules.repositories = List.of(NamePattern.parse("**"));
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(outcome);
        return report;
    }

    ManifestBytes bytes(Descriptor manifest) throws IOException {
        return source.repository("app").fetchManifest(manifest.digest());
    }

    /** Puts an image in as a command does. */
    void put(LayoutTargets process, String file, String repository, String tag, Descriptor image) throws IOException {
        TargetRegistry target = process.target(file, folder.resolve(file));
        RepositoryTarget into = target.target(new RepositoryName(repository));
        target.begin();
        for (Descriptor blob : Manifest.parse(bytes(image)).blobs()) {
            into.pushBlob(blob, source.repository("app"));
        }
        into.pushManifest(bytes(image), new Tag(tag));
        target.end(true);
    }

    RepositorySource reader(String file, RepositoryName repository) {
        return new LayoutTargets().source(file, folder.resolve(file)).repository(repository);
    }

    Path indexFile() {
        return folder.resolve("images/index.json");
    }

    ObjectNode index(String file) throws IOException {
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

    List<String> names(String file) throws IOException {
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
    void change(Consumer<ObjectNode> change) throws IOException {
        ObjectNode index = index("images");
        change.accept(index);
        Files.write(indexFile(), index.toString().getBytes(StandardCharsets.UTF_8));
    }

    ObjectNode entry(Descriptor manifest, Map<String, String> annotations) {
        ObjectNode entry = DescriptorJson.write(manifest);
        ObjectNode json = entry.putObject("annotations");
        annotations.forEach(json::put);
        return entry;
    }

    void putForeign(Descriptor image, Map<String, String> annotations) throws IOException {
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

    /** Makes a tar of the folder, as tar does. */
    void pack() throws IOException {
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
}
