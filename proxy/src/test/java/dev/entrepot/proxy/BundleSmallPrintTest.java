package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.proxy.replication.RunTexts;
import dev.entrepot.replicator.bundle.ImportFolder;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Bundles on the command line: keys that are not the right ones, what a dry run says without one, reports of imports
 * that are over, and litter.
 */
class BundleSmallPrintTest {
    private static final String IMAGE = "registry.test/team/app:v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();
    private CommandRunner commands;

    @BeforeEach
    void configure() throws Exception {
        source.push("team/app", new Images(81).image(150_000, 700, 300_000), "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
        commands = new CommandRunner(folder);
        writeKeys("ours");
        writeKeys("theirs");
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    private void writeKeys(String name) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        writePem(name + ".pem", "PRIVATE KEY", pair.getPrivate().getEncoded());
        writePem(name + ".pub", "PUBLIC KEY", pair.getPublic().getEncoded());
    }

    private void writePem(String name, String label, byte[] der) throws IOException {
        Files.writeString(
                folder.resolve(name),
                "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(der) + "\n-----END " + label
                        + "-----\n");
    }

    private Result ends(int code, String... arguments) {
        Result result = commands.run(arguments);
        assertThat(result.code()).as(result.err() + result.out()).isEqualTo(code);
        return result;
    }

    private Result imports(int code, String... more) {
        List<String> arguments = new ArrayList<>(List.of("import"));
        arguments.addAll(List.of(more));
        arguments.addAll(List.of("--to", target.uri().toString()));
        return ends(code, arguments.toArray(String[]::new));
    }

    @Test
    void anImportOfWhatAnotherSignedAsksTheTargetForNothing() {
        ends(0, "export", IMAGE, "--output", "out.tar", "--key", "ours.pem");
        ends(0, "export", IMAGE, "--output", "open.tar", "--unsigned");

        assertThat(imports(1, "out.tar", "--trust", "theirs.pub").err())
                .contains("is not trusted", "theirs.pub", "if the key is the right one, ask the sender for");
        assertThat(imports(1, "open.tar", "--trust", "ours.pub").err())
                .contains("is not trusted", "is not signed", "ask the sender for: entrepot export --reissue")
                .doesNotContain("--unsigned");
        assertThat(target.requests(request -> request.path().contains("team/app")))
                .isEmpty();
        assertThat(folder.resolve("data/imports")).doesNotExist();
        imports(0, "out.tar", "--trust", "theirs.pub", "--trust", "ours.pub");
        assertThat(target.resolve("team/app", "v1")).isPresent();
    }

    @Test
    void aDryRunThatNamesNoKeySaysTheSizesOfWhatIsSigned() throws Exception {
        List<String> export = List.of("export", IMAGE, "--output", "out.tar", "--volume-size", "100KB", "--json");
        JsonNode open = dry(export);
        List<String> signed = new ArrayList<>(export);
        signed.addAll(List.of("--key", "ours.pem"));
        assertThat(open.path("volumes")).isEqualTo(dry(signed).path("volumes"));
        assertThat(open.path("volumes").size()).isGreaterThan(3);
        List<String> unsigned = new ArrayList<>(export);
        unsigned.add("--unsigned");
        assertThat(bytes(open))
                .isEqualTo(bytes(dry(unsigned)) + 1024L * open.path("volumes").size());

        ends(0, signed.toArray(String[]::new));
        for (JsonNode volume : open.path("volumes")) {
            assertThat(Files.size(Path.of(volume.path("file").asString())))
                    .isEqualTo(volume.path("bytes").asLong());
        }
    }

    private JsonNode dry(List<String> export) {
        List<String> arguments = new ArrayList<>(export);
        arguments.add("--dry-run");
        return OciJson.mapper()
                .readTree(ends(0, arguments.toArray(String[]::new)).out());
    }

    private static long bytes(JsonNode report) {
        return report.path("volumes")
                .valueStream()
                .mapToLong(volume -> volume.path("bytes").asLong())
                .sum();
    }

    @Test
    void reportsOfImportsAreShownAgain() {
        assertThat(ends(0, "runs", "--imports", "--json").out().strip()).isEqualTo("[]");
        ends(0, "export", IMAGE, "--output", "out.tar", "--key", "ours.pem");
        imports(0, "out.tar", "--trust", "ours.pub", "--data", "inside");

        Result runs = ends(0, "runs", "--imports", "--data", "inside");
        assertThat(runs.out()).contains("import of ", "complete");
        String number = runs.out()
                .lines()
                .filter(line -> line.contains("import of"))
                .findFirst()
                .orElseThrow()
                .strip()
                .split(" +")[0];
        Result report = ends(0, "runs", number, "--imports", "--data", "inside");
        assertThat(report.out()).contains("team/app:v1");
        assertThat(ends(0, "runs", "--data", "inside").out()).doesNotContain("import of");
        assertThat(ends(2, "runs", "99", "--imports", "--data", "inside").err()).contains("there is no run 99");
    }

    @Test
    void anImportThatWaitsForVolumesIsKeptAsWhatItWas() throws Exception {
        ends(0, "export", IMAGE, "--output", "out.tar", "--key", "ours.pem", "--volume-size", "100KB");
        Result first = imports(3, "out.002.tar", "--trust", "ours.pub");
        assertThat(first.out())
                .startsWith("run 1 of import of ")
                .contains(": partly in ", "  waits   team/app:v1  for volumes 1,3,4,5")
                .doesNotContain("WARNING");

        assertThat(ends(0, "runs", "--imports").out()).contains("  partly ");
        assertThat(ends(3, "runs", "1", "--imports").out()).isEqualTo(first.out());
        JsonNode run = OciJson.mapper()
                .readTree(ends(3, "runs", "1", "--imports", "--json").out());
        assertThat(run.path("outcome").asString()).isEqualTo("partly");
        assertThat(run.path("report").path("outcome").asString()).isEqualTo("partly");
        assertThat(run.path("report")
                        .path("waiting")
                        .path(0)
                        .path("volumes")
                        .path(0)
                        .asInt())
                .isEqualTo(1);
        // Once only the sums are kept.
        assertThat(RunTexts.report(run.path("report").toString()).orElseThrow()).contains(": partly in ");

        imports(0, "out.001.tar", "out.002.tar", "out.003.tar", "out.004.tar", "out.005.tar", "--trust", "ours.pub");
        assertThat(ends(0, "runs", "2", "--imports").out()).contains(": complete in ");
    }

    @Test
    void anImportThatTheVersionBeforeNotedIsShown() throws Exception {
        try (CopyJournal journal = CopyJournal.open(ImportFolder.of(folder.resolve("data")), Clock.systemUTC())) {
            long run = journal.runs().start("import of 0123 to host", "import");
            journal.runs().finish(run, "complete", """
                    {"run":1,"rule":"import of 0123 to host","trigger":"import","outcome":"complete",\
                    "started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:01Z","warnings":[],\
                    "targets":[{"target":"host","done":{}}],"items":[]}""");
        }
        assertThat(ends(0, "runs", "1", "--imports").out()).startsWith("run 1 of import of 0123 to host: complete");
    }

    @Test
    void whatASystemLeftInAVolumeIsPassedOverAndSaid() throws Exception {
        ends(0, "export", IMAGE, "--output", "disk/release", "--key", "ours.pem");
        Files.writeString(folder.resolve("disk/release/.DS_Store"), "icons");
        Files.writeString(folder.resolve("disk/release/blobs/._sha256"), "resources");

        Result verified = ends(0, "verify", "disk", "--trust", "ours.pub");

        assertThat(verified.err()).contains("passed over in", ".DS_Store", "blobs/._sha256");
        imports(0, "disk", "--trust", "ours.pub");
        assertThat(target.resolve("team/app", "v1")).isPresent();
    }
}
