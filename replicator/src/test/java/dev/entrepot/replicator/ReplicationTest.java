package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.graph.ArtifactGraph;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ReplicationTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private ReplicationReport run(Rules rules) throws IOException {
        return engine.run(rules);
    }

    static Map<String, Consumer<Shapes>> shapes() {
        Map<String, Consumer<Shapes>> shapes = new LinkedHashMap<>();
        shapes.put("single image", in -> in.tag("v1", in.image("amd64")));
        shapes.put("multi-arch", in -> in.tag("v1", in.index(List.of(in.image("amd64"), in.image("arm64")))));
        shapes.put(
                "nested index",
                in -> in.tag("v1", in.index(List.of(in.index(List.of(in.index(List.of(in.image("amd64")))))))));
        shapes.put("referrers four deep", in -> {
            Descriptor root = in.index(List.of(in.image("amd64")));
            in.tag("v1", root);
            Descriptor referrer = root;
            for (int depth = 1; depth <= 4; depth++) {
                referrer = in.referrer(referrer, "x/depth" + depth, "depth " + depth);
            }
        });
        shapes.put("referrers on children", in -> {
            Descriptor amd = in.image("amd64");
            Descriptor arm = in.image("arm64");
            in.tag("v1", in.index(List.of(amd, arm)));
            for (int i = 0; i < 3; i++) {
                in.referrer(amd, "x/sbom", "sbom " + i);
                in.referrer(arm, "x/sig", "sig " + i);
            }
        });
        shapes.put("attestation manifests", in -> {
            Descriptor amd = in.image("amd64");
            Descriptor attestation = in.referrer(amd, "application/vnd.docker.attestation.manifest.v1+json", "slsa");
            in.tag("v1", in.index(List.of(attestation, amd)));
        });
        shapes.put("cosign tags", in -> {
            Descriptor image = in.image("amd64");
            Descriptor signature = in.image("signature");
            in.tag("v1", in.index(List.of(image)));
            in.tag(Shapes.stem(image) + ".sig", signature);
            in.tag(Shapes.stem(signature) + ".att", in.image("attestation"));
        });
        shapes.put("foreign layers and the empty blob", in -> {
            Descriptor empty = in.blob(MediaType.OCI_EMPTY, "{}");
            Descriptor foreign = Descriptor.of(Shapes.FOREIGN, Digest.sha256(new byte[] {9}), 1);
            in.tag(
                    "v1",
                    in.manifest(
                            DigestAlgorithm.SHA256,
                            MediaType.OCI_MANIFEST,
                            empty,
                            List.of(foreign, empty, in.blob(Shapes.LAYER, "")),
                            Optional.empty(),
                            Optional.of("x/y")));
        });
        shapes.put("sha512 subject", in -> {
            Descriptor image = in.manifest(
                    DigestAlgorithm.SHA512,
                    MediaType.OCI_MANIFEST,
                    in.blob(Shapes.CONFIG, "{}"),
                    List.of(in.blob(Shapes.LAYER, DigestAlgorithm.SHA512, new byte[] {1, 2, 3})),
                    Optional.empty(),
                    Optional.empty());
            in.tag("v1", image);
            in.referrer(image, "x/sig", "signature");
        });
        shapes.put("cycle of referrers", in -> {
            Descriptor image = in.image("amd64");
            in.tag("v1", image);
            in.index(List.of(image), Optional.of(Shapes.plain(image)), Optional.of("x/holder"));
        });
        return shapes;
    }

    static Map<String, Abilities> abilities() {
        Map<String, Abilities> abilities = new LinkedHashMap<>();
        abilities.put("referrers API", Abilities.ALL);
        abilities.put("no API", Abilities.NO_API);
        abilities.put("pretends", Abilities.PRETENDS);
        abilities.put("no mount", Abilities.NO_MOUNT);
        abilities.put("no sparse", Abilities.NO_SPARSE);
        return abilities;
    }

    static Stream<Arguments> matrix() {
        return shapes().entrySet().stream()
                .flatMap(shape ->
                        abilities().entrySet().stream().map(ability -> Arguments.of(shape.getKey(), ability.getKey())));
    }

    /**
     * The abilities that make a difference where every request fails in turn: the rest of the matrix sends the same
     * requests.
     */
    static Stream<Arguments> failures() {
        return matrix().filter(arguments -> List.of("referrers API", "no API", "pretends")
                .contains(arguments.get()[1]));
    }

    private MemoryRegistry prepare(String shape, String ability) {
        Optional.ofNullable(shapes().get(shape)).orElseThrow().accept(new Shapes(app));
        return new MemoryRegistry(
                "target.test", Optional.ofNullable(abilities().get(ability)).orElseThrow());
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("matrix")
    void everyShapeArrivesCompleteAtEveryTargetAndTheTagComesLast(String shape, String ability) throws Exception {
        MemoryRegistry target = prepare(shape, ability);

        ReplicationReport report = run(new Rules(source).to(target));

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(Outcome.COMPLETE);
        assertThat(source.requests("GET blob")).doesNotHaveDuplicates();
        assertThat(source.requests("GET manifest")).doesNotHaveDuplicates();
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        List<String> writes = target.requests(line -> line.startsWith("PUT") || line.startsWith("MOUNT"));
        assertThat(writes.getLast()).isEqualTo("PUT manifest mirror/app v1");
        assertThat(writes.stream().filter(line -> line.startsWith("PUT blob"))).doesNotHaveDuplicates();
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("matrix")
    void whenNothingChangedNothingIsReadAndNothingIsWritten(String shape, String ability) throws Exception {
        MemoryRegistry target = prepare(shape, ability);
        run(new Rules(source).to(target));
        source.forgetRequests();
        target.forgetRequests();
        ArtifactGraph graph = Completeness.graph(app, "v1");
        source.forgetRequests();

        ReplicationReport report = run(new Rules(source).to(target));

        assertThat(report.targets().getFirst().upToDate()).isEqualTo(1);
        assertThat(source.requests(line -> line.contains(" blob "))).isEmpty();
        assertThat(source.requests("GET manifest")).isEmpty();
        assertThat(source.requests("GET tags")).hasSize(1);
        assertThat(source.requests("HEAD manifest"))
                .hasSize(1 + graph.cosignTags().size());
        assertThat(source.requests("GET referrers")).hasSize(graph.nodes().size());
        assertThat(target.requests()).containsExactly("HEAD manifest mirror/app v1");
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("matrix")
    void withoutTheJournalAFullComparisonFindsItCompleteAndWritesNothing(String shape, String ability)
            throws Exception {
        MemoryRegistry target = prepare(shape, ability);
        run(new Rules(source).to(target));
        target.forgetRequests();
        engine.clock.pass(Duration.ofDays(2));

        ReplicationReport report = run(new Rules(source).to(target));

        assertThat(report.targets().getFirst().upToDate()).isEqualTo(1);
        assertThat(target.requests(line -> line.startsWith("PUT") || line.startsWith("MOUNT")))
                .isEmpty();
    }

    @ParameterizedTest(name = "{0} to {1}")
    @MethodSource("failures")
    void failureOfAnySingleTargetRequestNeverShowsAnIncompleteTagAndTheNextRunCompletes(String shape, String ability)
            throws Exception {
        MemoryRegistry first = prepare(shape, ability);
        run(new Rules(source).to(first));
        int requests = first.requests().size();
        ArtifactGraph graph = Completeness.graph(app, "v1");
        for (int failing = 1; failing <= requests + 2; failing++) {
            MemoryRegistry target = new MemoryRegistry("target" + failing + ".test", first.abilities());
            int index = failing;
            target.gate((at, request) -> {
                if (at == index) {
                    throw new OutageException(OutageException.Reason.SERVER_ERROR, "500 to " + request);
                }
            });
            ReplicationReport report = run(new Rules(source).to(target));
            Completeness.assertAbsentOrComplete(graph, "v1", target, "mirror/app");
            if (report.outcome() != Outcome.COMPLETE) {
                assertThat(report.items().getFirst().failure().orElseThrow().side())
                        .isEqualTo(Side.TARGET);
            }

            target.gate((at, request) -> {});
            target.forgetRequests();
            ReplicationReport second = run(new Rules(source).to(target));
            assertThat(second.outcome()).as(ReportWriter.toText(second)).isEqualTo(Outcome.COMPLETE);
            Completeness.assertComplete(app, "v1", target, "mirror/app");
            if (report.outcome() == Outcome.COMPLETE) {
                assertThat(target.requests("PUT")).isEmpty();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("shapeNames")
    void failureOfAnySingleSourceRequestNeverShowsAnIncompleteTag(String shape) throws Exception {
        MemoryRegistry first = prepare(shape, "referrers API");
        run(new Rules(source).to(first));
        int requests = source.requests().size();
        ArtifactGraph graph = Completeness.graph(app, "v1");
        for (int failing = 1; failing <= requests; failing++) {
            MemoryRegistry target = new MemoryRegistry("target" + failing + ".test", first.abilities());
            int index = failing;
            source.forgetRequests();
            source.gate((at, request) -> {
                if (at == index) {
                    throw new OutageException(OutageException.Reason.TIMEOUT, "no answer to " + request);
                }
            });
            ReplicationReport report = run(new Rules(source).to(target));
            source.gate((at, request) -> {});

            assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
            assertThat(report.items().getFirst().failure().orElseThrow().side()).isEqualTo(Side.SOURCE);
            assertThat(target.repository("mirror/app").tags).doesNotContainKey(new Tag("v1"));
            run(new Rules(source).to(target));
            Completeness.assertComplete(app, "v1", target, "mirror/app");
            assertThat(graph.nodes()).isNotEmpty();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("abilityNames")
    void lateReferrerArrivesAlone(String ability) throws Exception {
        MemoryRegistry target = prepare("referrers on children", ability);
        run(new Rules(source).to(target));
        source.forgetRequests();
        target.forgetRequests();
        Shapes in = new Shapes(app);
        Descriptor child = Completeness.graph(app, "v1").root().children().stream()
                .map(digest -> Optional.ofNullable(app.manifests.get(digest))
                        .orElseThrow()
                        .descriptor())
                .findFirst()
                .orElseThrow();
        Descriptor late = in.referrer(child, "x/late", "late sbom");
        source.forgetRequests();

        ReplicationReport report = run(new Rules(source).to(target));

        assertThat(report.tally().manifestsPushed()).isEqualTo(1);
        assertThat(report.tally().blobsPushed()).isEqualTo(1);
        assertThat(report.tally().tagsMoved()).isZero();
        assertThat(source.requests("GET blob")).hasSize(1);
        assertThat(target.requests("PUT manifest").getFirst()).isEqualTo("PUT manifest mirror/app " + late.digest());
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    static Stream<String> shapeNames() {
        return shapes().keySet().stream();
    }

    static Stream<String> abilityNames() {
        return abilities().keySet().stream();
    }
}
