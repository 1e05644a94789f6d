package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.HttpRegistries;
import dev.entrepot.replicator.KillPoint;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Time;
import dev.entrepot.replicator.graph.ArtifactGraph;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The corpus, which real tools made: platforms, bills of materials, signatures of cosign and notation, a signature on a
 * bill of materials.
 */
class CorpusImportTest {
    private static final String REPOSITORY = "mcr/net-monitor";

    @TempDir
    private Path folder;

    private final Corpus corpus = Corpus.netMonitor();
    private final MemoryRegistry source = new MemoryRegistry("source.test", MemoryRegistry.Abilities.ALL);
    private final Set<Digest> unlisted = new HashSet<>();

    private List<Path> threeVolumes() throws IOException {
        MemoryRepository repository = source.repository(REPOSITORY);
        corpus.tags().forEach((tag, descriptor) -> {
            if (Corpus.isFallbackTag(tag)) {
                unlisted.add(descriptor.digest());
            }
        });
        for (Map.Entry<Digest, ManifestBytes> manifest : corpus.manifests().entrySet()) {
            if (!unlisted.contains(manifest.getKey())) {
                repository.manifests.put(manifest.getKey(), manifest.getValue());
            }
        }
        for (Map.Entry<Digest, Content> blob : corpus.blobs().entrySet()) {
            repository.blobs.put(blob.getKey(), blob.getValue().bytes());
        }
        Packed.Packing packing = new Packed.Packing(source);
        for (Map.Entry<Tag, Descriptor> tag : corpus.tags().entrySet()) {
            if (!Corpus.isFallbackTag(tag.getKey())) {
                repository.tags.put(tag.getKey(), tag.getValue().digest());
            }
        }
        for (Tag tag : List.copyOf(repository.tags.keySet())) {
            if (!tag.value().startsWith("sha256-")) {
                packing.image(REPOSITORY, tag.value());
            }
        }
        long bytes = packing.pack().plan.tarBytes(1);
        Packed packed = packing.volumes(bytes / 2).pack();
        assertThat(packed.plan.volumes()).isBetween(3, 4);
        return packed.tars(folder.resolve("out"));
    }

    private static ImportReport imported(Path folder, URI target, List<Path> volumes) throws Exception {
        Bundle bundle = Bundle.open(volumes, List.of());
        try (HttpRegistries registries = new HttpRegistries();
                ImportFolder imports = ImportFolder.open(folder, InstantSource.system())) {
            ReplicationRunner runner =
                    ReplicationRunner.comparing(imports.journal(), Time.system(), RetryPolicy.DEFAULT);
            ImportNames names = ImportNames.parse(List.of(), List.of(), Optional.empty());
            BundleImport work =
                    new BundleImport(bundle, names, new ImportTarget(registries.target(target), 4), imports, runner);
            ImportReport report = work.run(ProgressListener.NONE);
            work.receipt(report);
            return report;
        }
    }

    private List<String> lacking(TestRegistry registry, boolean api) throws IOException {
        List<String> lacking = new ArrayList<>();
        for (ManifestBytes manifest : corpus.manifests().values()) {
            Optional<Digest> subject = Manifest.parse(manifest).subject().map(descriptor -> descriptor.digest());
            if (unlisted.contains(manifest.digest())) {
                continue;
            }
            if (!registry.manifests(REPOSITORY).contains(manifest.digest())) {
                lacking.add("manifest " + manifest.digest());
            }
            if (!api && subject.isPresent()) {
                String index = registry.manifest(REPOSITORY, subject.get().referrersTag())
                        .map(bytes -> OciJson.mapper().readTree(bytes).toString())
                        .orElse("");
                if (!index.contains(manifest.digest().toString())) {
                    lacking.add("fallback entry " + manifest.digest());
                }
            }
        }
        corpus.blobs().keySet().stream()
                .filter(blob -> registry.blob(REPOSITORY, blob).isEmpty())
                .forEach(blob -> lacking.add("blob " + blob));
        corpus.tags().forEach((tag, descriptor) -> {
            if (!Corpus.isFallbackTag(tag)
                    && !registry.resolve(REPOSITORY, tag.value()).equals(Optional.of(descriptor.digest()))) {
                lacking.add("tag " + tag);
            }
        });
        return lacking;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theCorpusGoesThroughThreeVolumesIntoARegistryWithAndWithoutTheReferrersApi(boolean api) throws Exception {
        List<Path> volumes = threeVolumes();
        try (TestRegistry registry = TestRegistry.started(api ? Abilities.DEFAULT : Abilities.WITHOUT_REFERRERS)) {
            ImportReport report = imported(folder.resolve("data"), registry.uri(), volumes);

            assertThat(report.outcome()).as(ImportReportWriter.toText(report)).isEqualTo("complete");
            assertThat(lacking(registry, api)).isEmpty();
            ImportReport again = imported(folder.resolve("data"), registry.uri(), volumes);
            assertThat(again.copied().tally().bytes()).isZero();
            assertThat(again.copied().targets().getFirst().upToDate())
                    .isEqualTo(again.copied().items().size());
        }
    }

    /** Imports volumes: arguments are the folder for data, the target, and the volumes. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) throws Exception {
            List<Path> volumes = new ArrayList<>();
            for (int i = 2; i < arguments.length; i++) {
                volumes.add(Path.of(arguments[i]));
            }
            IO.println(imported(Path.of(arguments[0]), URI.create(arguments[1]), volumes)
                    .outcome());
        }
    }

    @Test
    void killedAtAnyMomentTheSameCommandGoesOnAndNoTagIsEverIncomplete() throws Exception {
        List<Path> volumes = threeVolumes();
        SplittableRandom random = new SplittableRandom(5);
        int tagged = 0;
        try (TestRegistry registry = TestRegistry.started(Abilities.WITHOUT_REFERRERS)) {
            for (int kill = 0; kill < 4; kill++) {
                CompletableFuture<CrashProcess> victim = new CompletableFuture<>();
                KillPoint point = kill < 3
                        ? KillPoint.random(registry, "the target", 60, random)
                        : KillPoint.firstTag(registry, "the target");
                point.arm(victim);
                try (CrashProcess process = started(registry, volumes)) {
                    victim.complete(process);
                    process.awaitExit();
                }
                registry.calls().awaitIdle();
                registry.faults().clear();
                tagged += wholeOrAbsent(registry, point);
            }
            try (CrashProcess process = started(registry, volumes)) {
                assertThat(process.awaitLine(line -> line.equals("complete"))).isNotEmpty();
                assertThat(process.awaitExit()).isZero();
            }
            assertThat(lacking(registry, false)).isEmpty();
            assertThat(tagged).as("tags that were there after a kill").isPositive();
        }
    }

    // Of each image that has its tag everything is there: blobs, manifests, cosign tags, and what refers to it in
    // fallback lists.
    private int wholeOrAbsent(TestRegistry registry, KillPoint point) throws IOException {
        MemoryRegistry seen = snapshot(registry);
        MemoryRepository there = seen.repository(REPOSITORY);
        int tagged = 0;
        for (Tag tag : corpus.tags().keySet()) {
            if (!tag.value().startsWith("sha256-") && there.tags.containsKey(tag)) {
                tagged++;
                ArtifactGraph graph = Completeness.graph(source.repository(REPOSITORY), tag.value());
                assertThat(there.tags.get(tag)).isEqualTo(graph.root().digest());
                assertThat(Completeness.lacking(graph, seen, there))
                        .as(tag + ", " + point)
                        .isEmpty();
            }
        }
        return tagged;
    }

    private MemoryRegistry snapshot(TestRegistry registry) throws IOException {
        MemoryRegistry seen = new MemoryRegistry("seen.test", MemoryRegistry.Abilities.NO_API);
        MemoryRepository there = seen.repository(REPOSITORY);
        for (Digest digest : registry.manifests(REPOSITORY)) {
            byte[] bytes = registry.manifest(REPOSITORY, digest).orElseThrow();
            MediaType type = Optional.ofNullable(corpus.manifests().get(digest))
                    .map(ManifestBytes::mediaType)
                    .orElse(MediaType.OCI_INDEX);
            there.manifests.put(digest, ManifestBytes.verified(type, digest, bytes));
        }
        for (Digest digest : registry.blobs(REPOSITORY)) {
            there.blobs.put(
                    digest, registry.blob(REPOSITORY, digest).orElseThrow().bytes());
        }
        for (Tag tag : registry.tags(REPOSITORY)) {
            registry.resolve(REPOSITORY, tag.value()).ifPresent(digest -> there.tags.put(tag, digest));
        }
        return seen;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void artifactsThatAreNoImagesArriveWhole(boolean api) throws Exception {
        Corpus artifacts = Corpus.namespaceArtifact();
        MemoryRepository repository = source.repository("artifacts");
        repository.manifests.putAll(artifacts.manifests());
        artifacts.blobs().forEach((digest, content) -> repository.blobs.put(digest, content.bytes()));
        Packed.Packing packing = new Packed.Packing(source);
        for (Map.Entry<Tag, Descriptor> tag : artifacts.tags().entrySet()) {
            repository.tags.put(tag.getKey(), tag.getValue().digest());
        }
        for (Tag tag : artifacts.tags().keySet()) {
            packing.image("artifacts", tag.value());
        }
        List<Path> volumes = packing.pack().tars(folder.resolve("artifacts"));
        try (TestRegistry registry = TestRegistry.started(api ? Abilities.DEFAULT : Abilities.WITHOUT_REFERRERS)) {
            ImportReport report = imported(folder.resolve("data"), registry.uri(), volumes);

            assertThat(report.outcome()).as(ImportReportWriter.toText(report)).isEqualTo("complete");
            assertThat(registry.manifests("artifacts"))
                    .containsAll(artifacts.manifests().keySet());
            assertThat(registry.blobs("artifacts"))
                    .containsAll(artifacts.blobs().keySet());
            assertThat(artifacts.tags()).isNotEmpty();
            artifacts
                    .tags()
                    .forEach((tag, descriptor) -> assertThat(registry.resolve("artifacts", tag.value()))
                            .contains(descriptor.digest()));
        }
    }

    private CrashProcess started(TestRegistry registry, List<Path> volumes) {
        List<String> arguments = new ArrayList<>(
                List.of(folder.resolve("data").toString(), registry.uri().toString()));
        volumes.forEach(volume -> arguments.add(volume.toString()));
        return CrashProcess.start(Program.class, arguments.toArray(new String[0]));
    }
}
