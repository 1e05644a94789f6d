package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.replicator.bundle.ExportRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code entrepot runs --exports}: what exports did is listed, and shown again as they said it. */
class ExportReportsTest {
    private static final String NAME = "team/app";
    private static final String IMAGE = "registry.test/" + NAME + ":v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Bundle image = new Images(19).image(30_000, 900);
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
        source.push(NAME, image, "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
        commands = new CommandRunner(folder);
    }

    @AfterEach
    void close() {
        source.close();
    }

    private Result export(String output, String... more) {
        List<String> arguments = new ArrayList<>(List.of("export", IMAGE, "--output", output, "--unsigned"));
        arguments.addAll(List.of(more));
        return commands.run(arguments.toArray(String[]::new));
    }

    private JsonNode json(String... arguments) {
        return json(0, arguments);
    }

    private JsonNode json(int code, String... arguments) {
        Result result = commands.run(arguments);
        assertThat(result).as(result.err()).returns(code, Result::code);
        return OciJson.mapper().readTree(result.out());
    }

    @Test
    void reportsOfExportsAreListedAndShownAgain() {
        assertThat(commands.run("runs", "--exports").out()).isEqualTo("no runs yet\n");
        Result done = export("out.tar", "--volume-size", "20KB");
        assertThat(done).as(done.err()).returns(0, Result::code);
        Digest layer = List.copyOf(image.blobs().keySet()).getFirst();

        int volumes = json("runs", "1", "--exports", "--json")
                .path("report")
                .path("volumes")
                .size();
        assertThat(volumes).isBetween(2, 4);
        assertThat(commands.run("runs", "--exports").out())
                .containsPattern(
                        " 1  .*complete .*" + NAME + ".*\\(export\\); " + volumes + " volumes, 3[0-9]\\.. KiB");
        Result shown = commands.run("runs", "1", "--exports");
        assertThat(shown.out())
                .startsWith(done.out())
                .contains(
                        "exported",
                        "volume " + volumes,
                        "read from the cache: 0 B in 0 blobs; from upstreams: ",
                        " requests")
                .containsPattern("began .*Z, took [0-9.]+s, exit code 0\\n");
        JsonNode report = json("runs", "1", "--exports", "--json").path("report");
        assertThat(report.path("outcome").asString()).isEqualTo("complete");
        assertThat(report.path("exitCode").asInt(-1)).isZero();
        assertThat(report.path("volumes").size()).isEqualTo(volumes);
        assertThat(report.path("carried").path("blobs").asInt()).isEqualTo(3);
        assertThat(report.path("sourceRequests").asInt()).isPositive();
        assertThat(report.path("read").path("requests").asInt()).isPositive();
        assertThat(report.path("read").path("fromUpstream").path("bytes").asLong())
                .isGreaterThan(source.blob(NAME, layer).orElseThrow().sizeBytes());
        assertThat(report.path("ended").asString())
                .isGreaterThanOrEqualTo(report.path("started").asString());
        assertThat(report.has("text")).isFalse();
        // Those of replication and of imports have lists of their own.
        assertThat(commands.run("runs").out()).isEqualTo("no runs yet\n");
        assertThat(commands.run("runs", "--imports").out()).isEqualTo("no runs yet\n");
        assertThat(commands.run("runs", "--imports", "--exports")).returns(2, Result::code);
        assertThat(commands.run("runs", "9", "--exports"))
                .returns(2, Result::code)
                .satisfies(none -> assertThat(none.err()).contains("--exports those of exports"));
    }

    @Test
    void exportsThatFailedAreListedWithTheirExitCodeAndWhy() {
        source.faults().always(Requests.blobs(), Fault.status(403));
        Result failed = export("out.tar");
        assertThat(failed).returns(1, Result::code);
        source.faults().clear();
        source.untag(NAME, "v1");
        Result nothing = export("other.tar");
        assertThat(nothing).returns(1, Result::code);

        assertThat(commands.run("runs", "--exports").out()).containsPattern("2  .*failed.*\\n.*1  .*failed");
        assertThat(commands.run("runs", "1", "--exports").out()).contains("FAILED", "403", "exit code 1");
        assertThat(commands.run("runs", "2", "--exports").out()).contains("FAILED", NAME + ":v1", "exit code 1");
        JsonNode report = json(1, "runs", "1", "--exports", "--json").path("report");
        assertThat(report.path("exitCode").asInt()).isEqualTo(1);
        assertThat(report.path("failure").asString()).contains("403");
    }

    @Test
    void volumesThatAreWrittenAgainAreListedAndDryRunsAreNot() {
        assertThat(export("dry.tar", "--dry-run")).returns(0, Result::code);
        assertThat(folder.resolve("data/export-runs")).doesNotExist();
        Result done = export("out.tar", "--volume-size", "20KB", "--json");
        String id = OciJson.mapper().readTree(done.out()).path("bundle").asString();
        Result again = commands.run("export", "--reissue", id, "--volumes", "2", "--output", "again");
        assertThat(again).returns(0, Result::code);
        int volumes = OciJson.mapper().readTree(done.out()).path("volumes").size();
        assertThat(again.out())
                .startsWith("wrote again, of out.tar, bundle " + id + ", UNSIGNED\n  volume 2  ")
                .contains("\n1 of " + volumes + " volumes, ", "; all of them carry ")
                .doesNotContain("\ncarries ", NAME);

        assertThat(commands.run("runs", "--exports").out()).contains("volumes [2] of out.tar again");
        assertThat(commands.run("runs", "2", "--exports").out()).contains("volume 2", "exit code 0");
        JsonNode reissued =
                json("runs", "2", "--exports", "--json").path("report").path("reissued");
        assertThat(reissued.path("ofVolumes").asInt()).isEqualTo(volumes);
        assertThat(reissued.path("bytes").asLong())
                .isEqualTo(folder.resolve("again/out.002.tar").toFile().length());
    }

    @Test
    void bundleThatIsWrittenAgainWholeIsReportedAsThat() {
        Result done = export("out.tar", "--json");
        String id = OciJson.mapper().readTree(done.out()).path("bundle").asString();

        Result again = commands.run("export", "--reissue", id, "--volumes", "1", "--output", "again");

        assertThat(again.out())
                .startsWith("wrote again, of out.tar, bundle " + id)
                .contains("\n1 of 1 volumes, ");
        JsonNode report = json("runs", "2", "--exports", "--json").path("report");
        assertThat(report.path("reissued").path("ofVolumes").asInt()).isEqualTo(1);
    }

    @Test
    void aReportThatCannotBeKeptFailsNoExport() throws Exception {
        Files.createDirectories(folder.resolve("data"));
        Files.writeString(folder.resolve("data/export-runs"), "in the way");

        Result done = export("out.tar");

        assertThat(done).as(done.err()).returns(0, Result::code);
        assertThat(done.err()).contains("the report of this export is not kept in ", "export-runs");
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void anExportThatWasKilledIsInterruptedAndOneThatRunsIsNot() throws Exception {
        try (ExportRuns running = ExportRuns.open(folder.resolve("data"), InstantSource.system())) {
            running.begin("the one that runs");
            assertThat(export("out.tar")).returns(0, Result::code);
            assertThat(commands.run("runs", "--exports").out()).containsPattern("running .*the one that runs");
        }
        // As after kill -9: the system has given its lock free, and nobody has noted an end.
        assertThat(export("next.tar")).returns(0, Result::code);
        assertThat(commands.run("runs", "--exports").out()).containsPattern("interrupted .*the one that runs");
    }
}
