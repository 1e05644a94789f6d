package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What every import would refuse is refused by the export, by name and before anything is kept: not after the trip. */
class ExportRefusalTest {
    private static final String REPOSITORY = "team/app";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Images images = new Images(41);
    private final Bundle good = images.image(3_000, 700);
    private CommandRunner commands;

    @BeforeEach
    void configure() throws Exception {
        commands = new CommandRunner(folder);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  rules:
                    - {name: outside, source: registry.test, repositories: ["team/*"], tags: ["v?"]}
                """.formatted(source.uri()));
        source.push(REPOSITORY, good, "v1");
    }

    @AfterEach
    void close() {
        source.close();
    }

    private Result export(String... more) {
        List<String> all = new ArrayList<>(List.of("export", "outside", "--output", "out.tar", "--unsigned"));
        all.addAll(List.of(more));
        return commands.run(all.toArray(String[]::new));
    }

    private static ManifestBytes edited(Bundle bundle, UnaryOperator<String> edit) throws Exception {
        String json = new String(bundle.root().array(), StandardCharsets.UTF_8);
        String other = edit.apply(json);
        assertThat(other).isNotEqualTo(json);
        return ManifestBytes.of(bundle.root().mediaType(), other.getBytes(StandardCharsets.UTF_8));
    }

    private Digest push(ManifestBytes manifest, String tag) {
        source.pushManifest(REPOSITORY, manifest.mediaType().value(), manifest.array(), tag);
        return manifest.digest();
    }

    private void assertRefused(Digest manifest, String... words) {
        Result result = export();
        assertThat(result).as(result.out() + result.err()).returns(1, Result::code);
        assertThat(result.out()).contains("FAILED", REPOSITORY + ":v2", manifest.toString());
        assertThat(result.out()).contains(words).doesNotContain(REPOSITORY + ":v1");
        assertThat(result.err()).contains("every import would refuse", "no bundle was written");
        assertThat(folder.resolve("out.tar")).doesNotExist();
        assertThat(folder.resolve("data/exports")).doesNotExist();

        Result json = export("--json", "--from", "upstream");
        assertThat(json).returns(1, Result::code);
        JsonNode report = OciJson.mapper().readTree(json.out());
        assertThat(report.path("outcome").asString()).isEqualTo("failed");
        JsonNode problem = report.path("problems").path(0);
        assertThat(problem.path("manifest").asString()).isEqualTo(manifest.toString());
        assertThat(problem.path("images").path(0).asString()).isEqualTo(REPOSITORY + ":v2");
        assertThat(problem.path("what").asString()).contains(words);

        source.untag(REPOSITORY, "v2");
        Result right = export();
        assertThat(right)
                .as("when it is put right: " + right.out() + right.err())
                .returns(0, Result::code);
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void anIndexThatStatesAWrongSizeOfAChildIsNamed() throws Exception {
        Bundle index = images.index("linux/amd64");
        source.push(REPOSITORY, index);
        long size = index.manifests().getFirst().sizeBytes();
        Digest wrong = push(edited(index, json -> json.replace("\"size\":" + size, "\"size\":" + (size + 1))), "v2");

        assertRefused(
                wrong,
                "size of the child " + index.manifests().getFirst().digest(),
                "says " + size + ",",
                "says " + (size + 1));
    }

    @Test
    void aBlobOfWhichTwoManifestsStateTwoSizesIsNamed() throws Exception {
        Digest wrong = push(edited(good, json -> json.replace("\"size\":3000", "\"size\":3001")), "v2");

        assertRefused(wrong, "size of the blob", "says 3000,", "says 3001");
    }

    @ParameterizedTest
    @ValueSource(strings = {"both", "upstream"})
    void aManifestThatAloneStatesAWrongSizeIsNamedAndKeepsNoOtherFromBeingExported(String from) throws Exception {
        Digest wrong = push(edited(good, json -> json.replace("\"size\":3000", "\"size\":3001")), "v2");
        String[] wrongAlone = {
            "export", "registry.test/" + REPOSITORY + ":v2", "--output", "out.tar", "--unsigned", "--from", from
        };
        String[] goodAlone = {
            "export", "registry.test/" + REPOSITORY + ":v1", "--output", "good.tar", "--unsigned", "--from", from
        };

        Result refused = commands.run(wrongAlone);

        assertThat(refused).returns(1, Result::code);
        assertThat(refused.err()).contains(wrong.toString(), "has 3000 bytes", "says 3001", "--restart");
        assertThat(folder.resolve("out.tar")).doesNotExist();
        assertThat(commands.run(goodAlone)).returns(0, Result::code);
        assertThat(commands.run("verify", "good.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void aReferrerThatRefersToSomethingElseStaysBehind() throws Exception {
        Bundle image = images.image(500);
        Bundle elsewhere = images.referrer(good, "application/vnd.test.sbom");
        source.push(REPOSITORY, image, "v2");
        source.push(REPOSITORY, elsewhere);
        byte[] list = images.fallbackIndex(List.of(elsewhere)).root().array();
        source.faults()
                .always(
                        Requests.referrers()
                                .and(request ->
                                        request.path().endsWith(image.digest().toString())),
                        Fault.body(list));

        Result exported = export();
        assertThat(exported).as(exported.out() + exported.err()).returns(0, Result::code);
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
        assertThat(commands.run("tree", "out.tar", REPOSITORY + ":v2", "--unsigned")
                        .out())
                .contains(image.digest().toString().substring(0, 19))
                .doesNotContain("application/vnd.test.sbom");
        assertThat(commands.run("tree", "out.tar", REPOSITORY + ":v1", "--unsigned")
                        .out())
                .contains("application/vnd.test.sbom");
    }

    @ParameterizedTest
    @ValueSource(strings = {"both", "upstream"})
    void halfASurrogatePairIsCarriedAndImported(String from) throws Exception {
        Bundle bill = images.referrer(
                good.root().descriptor(), "application/vnd.test.sbom", Map.of("made-by", "HALF a tool"));
        source.push(REPOSITORY, bill);
        ManifestBytes half = edited(bill, json -> json.replace("HALF", "\\ud83d"));
        source.pushManifest(REPOSITORY, half.mediaType().value(), half.array());

        assertThat(export("--from", from)).returns(0, Result::code);

        Result imported = commands.run("import", "out.tar", "--unsigned", "--to", "layout:inside");
        assertThat(imported).as(imported.err()).returns(0, Result::code);
        assertThat(folder.resolve("inside/blobs/sha256/" + half.digest().encoded()))
                .hasBinaryContent(half.array());
    }

    @Test
    void pastTheCacheABlobLargerThanAVolumeIsReadOnceForItsDigestsAndOnceForEachPart() throws Exception {
        Bundle large = images.image(300_000);
        source.push(REPOSITORY, large, "v2");
        assertThat(export("--from", "upstream", "--volume-size", "100KB")).returns(0, Result::code);
        Digest layer = large.blobs().keySet().stream()
                .filter(blob -> source.blob(REPOSITORY, blob).orElseThrow().sizeBytes() == 300_000)
                .findFirst()
                .orElseThrow();
        int parts = 0;
        for (int volume = 1; Files.exists(folder.resolve("out.%03d.tar".formatted(volume))); volume++) {
            String tar =
                    Files.readString(folder.resolve("out.%03d.tar".formatted(volume)), StandardCharsets.ISO_8859_1);
            parts += tar.contains("entrepot/parts/sha256-" + layer.encoded()) ? 1 : 0;
        }
        assertThat(parts).isGreaterThan(2);

        assertThat(source.calls().gets(layer)).isEqualTo(1 + parts);
        assertThat(folder.resolve("data/blobs")).doesNotExist();
        assertThat(commands.run("verify", ".", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void imageThatIsNamedTwiceIsTakenOnceAndOneTagForTwoManifestsIsRefused() {
        String image = "registry.test/" + REPOSITORY + ":v1";
        Result once = commands.run("export", image, image, "--output", "once.tar", "--unsigned");
        assertThat(once).as(once.out() + once.err()).returns(0, Result::code);
        assertThat(commands.run("ls", "once.tar", "--unsigned").out()).containsOnlyOnce(REPOSITORY + ":v1");

        Result two = commands.run(
                "export", image, image + "@" + Digest.sha256(new byte[1]), "--output", "two.tar", "--unsigned");
        assertThat(two.code()).isEqualTo(2);
        assertThat(two.err()).contains(REPOSITORY + ":v1", "a bundle has each tag once");
    }

    @Test
    void comparingAsksAnUpstreamForNoManifestTwice() {
        assertThat(export("--from", "upstream")).returns(0, Result::code);

        // One for discovering, one for what is compared and then written.
        assertThat(source.requests(Requests.manifest(good.digest()).and(Requests.get())))
                .hasSize(2);
    }
}
