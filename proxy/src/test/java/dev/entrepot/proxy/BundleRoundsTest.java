package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Rounds of bundles by receipt, and what people mistake in them, through the command line and real registries. */
class BundleRoundsTest {
    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final Images images = new Images(41);
    private final Bundle first = images.image(300_000);
    private final Bundle patch = new Images(41).image(300_000, 1_000);
    private CommandRunner commands;

    @BeforeEach
    void prepare() throws Exception {
        commands = new CommandRunner(folder);
        configure("");
        writeKeys("ours");
        writeKeys("theirs");
        source.push("app", first, "v1.2.0");
        source.push("app", images.referrer(first, "application/vnd.test.sbom"));
        source.push("app", images.image(20_000), "v1.3.0");
        source.push("app", patch, "v1.2.1");
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    private void configure(String more) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()) + more);
    }

    private void writeKeys(String name) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Files.writeString(
                folder.resolve(name + ".pem"),
                pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
        Files.writeString(
                folder.resolve(name + ".pub"),
                pem("PUBLIC KEY", pair.getPublic().getEncoded()));
    }

    private static String pem(String label, byte[] bytes) {
        return "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + label
                + "-----\n";
    }

    private Result ends(int code, String... arguments) {
        Result result = commands.run(arguments);
        assertThat(result.code()).as(result.err() + result.out()).isEqualTo(code);
        return result;
    }

    private void exports(String tag, String output, String... more) {
        List<String> arguments =
                new ArrayList<>(List.of("export", "registry.test/app:" + tag, "--output", output, "--key", "ours.pem"));
        arguments.addAll(List.of(more));
        ends(0, arguments.toArray(new String[0]));
    }

    private Result imports(int code, String bundle, TestRegistry registry, String... more) {
        List<String> arguments = new ArrayList<>(
                List.of("import", bundle, "--trust", "ours.pub", "--to", registry.uri() + "/inside", "--data", "in"));
        arguments.addAll(List.of(more));
        return ends(code, arguments.toArray(new String[0]));
    }

    private void round(String tag, String bundle, String... since) {
        exports(tag, bundle, since);
        imports(0, bundle, target, "--receipt", "r.json", "--receipt-key", "theirs.pem");
        assertThat(target.resolve("inside/app", tag)).isEqualTo(source.resolve("app", tag));
    }

    @Test
    void threeRoundsCostOnlyWhatIsNewOfAllRoundsBefore() throws Exception {
        round("v1.2.0", "a.tar");
        round("v1.3.0", "b.tar", "--since", "r.json", "--trust", "theirs.pub");
        round("v1.2.1", "c.tar", "--since", "r.json", "--trust", "theirs.pub");

        assertThat(Files.size(folder.resolve("a.tar"))).isGreaterThan(300_000);
        assertThat(Files.size(folder.resolve("b.tar"))).isBetween(20_000L, 60_000L);
        assertThat(Files.size(folder.resolve("c.tar"))).isLessThan(30_000);
        JsonNode receipt = OciJson.mapper().readTree(Files.readAllBytes(folder.resolve("r.json")));
        assertThat(receipt.path("images").size()).isEqualTo(3);
        assertThat(ends(0, "verify", "c.tar", "--trust", "ours.pub").out())
                .contains("are not in the bundle, because the receipt says that the target has them")
                .doesNotContain("and every graph is whole");
        assertThat(ends(0, "verify", "a.tar", "--trust", "ours.pub").out()).contains("and every graph is whole");
        String layer = first.blobs().keySet().stream()
                .filter(patch.blobs()::containsKey)
                .findFirst()
                .orElseThrow()
                .toString();
        assertThat(ends(0, "tree", "c.tar", "app:v1.2.1", "--trust", "ours.pub").out())
                .containsPattern(layer + " .*\\(the target has it\\)")
                .containsPattern("(?m)^" + patch.digest() + " .*[0-9]$");
        JsonNode tree = OciJson.mapper()
                .readTree(ends(0, "tree", "c.tar", "app:v1.2.1", "--trust", "ours.pub", "--json")
                        .out());
        assertThat(tree.path("manifests").get(0).has("held")).isFalse();
        assertThat(tree.path("blobs")
                        .valueStream()
                        .filter(blob -> blob.path("held").asBoolean(false)))
                .extracting(blob -> blob.path("digest").asString())
                .contains(layer);
    }

    @Test
    void oneBundleIsTheDifferenceForSeveralSidesThatHaveDifferentThings() throws Exception {
        writeKeys("south");
        exports("v1.2.0", "a.tar");
        exports("v1.3.0", "b.tar");
        try (TestRegistry south = TestRegistry.started()) {
            imports(0, "a.tar", target, "--receipt", "r.json", "--receipt-key", "theirs.pem");
            imports(0, "b.tar", target, "--receipt", "r.json", "--receipt-key", "theirs.pem");
            imports(0, "a.tar", south, "--receipt", "s.json", "--receipt-key", "south.pem");
            String[] both = {"--since", "r.json", "--since", "s.json", "--trust", "theirs.pub", "--trust", "south.pub"};
            String[] mixed = {"--since", "r.json", "--since", "s.json", "--trust", "theirs.pub"};

            exports("v1.2.1", "common.tar", both);
            exports("v1.3.0", "needed.tar", both);
            assertThat(ends(
                                    1,
                                    with(
                                            mixed,
                                            "export",
                                            "registry.test/app:v1.3.0",
                                            "--output",
                                            "x.tar",
                                            "--key",
                                            "ours.pem"))
                            .err())
                    .contains("s.json.sig is not the signature of", "theirs.pub");

            assertThat(Files.size(folder.resolve("common.tar"))).isLessThan(30_000);
            assertThat(Files.size(folder.resolve("needed.tar"))).isGreaterThan(20_000);
            assertThat(ends(0, "ls", "common.tar", "--trust", "ours.pub").out())
                    .contains("the difference to what all of the receipts sha256:", " and sha256:");
            JsonNode listed = OciJson.mapper()
                    .readTree(ends(0, "ls", "common.tar", "--trust", "ours.pub", "--json")
                            .out());
            assertThat(listed.path("since").size()).isEqualTo(2);
            for (TestRegistry side : List.of(target, south)) {
                imports(0, "common.tar", side);
                imports(0, "needed.tar", side);
                assertThat(side.resolve("inside/app", "v1.2.1")).contains(patch.digest());
                assertThat(side.resolve("inside/app", "v1.3.0")).isEqualTo(source.resolve("app", "v1.3.0"));
            }
        }
    }

    private static String[] with(String[] more, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(more));
        return all.toArray(new String[0]);
    }

    @Test
    void aSideThatLostItsDataFolderMakesItsReceiptOfTheRegistry() throws Exception {
        round("v1.2.0", "a.tar");
        String before = Files.readString(folder.resolve("r.json"));
        String[] receipt = {
            "receipt", "--to", target.uri() + "/inside", "--receipt", "r.json", "--receipt-key", "theirs.pem", "--data",
        };

        Result made = ends(0, with(new String[] {"fresh"}, receipt));

        assertThat(made.err())
                .contains("receipt: 1 images complete at " + target.uri().getAuthority());
        String time = "\"made\":\"[^\"]*\",";
        assertThat(before).containsPattern(time);
        assertThat(Files.readString(folder.resolve("r.json")).replaceFirst(time, ""))
                .isEqualTo(before.replaceFirst("\"bundle\":\"[^\"]*\",", "").replaceFirst(time, ""));
        exports("v1.2.1", "c.tar", "--since", "r.json", "--trust", "theirs.pub");
        assertThat(Files.size(folder.resolve("c.tar"))).isLessThan(30_000);
        imports(0, "c.tar", target);
        Result partly = ends(3, with(new String[] {"fresh", "app", "none"}, receipt));
        assertThat(partly.err()).contains("not in the receipt: ", "has no image in inside/none", "receipt: 2 images");
        assertThat(ends(2, "receipt", "--to", target.uri().toString()).err()).contains("--receipt=FILE");
        assertThat(ends(2, "receipt", "--to", target.uri().toString(), "--receipt", "x.json")
                        .err())
                .contains("--receipt-key");
        assertThat(ends(2, with(new String[] {"fresh", "../app"}, receipt)).err())
                .contains("../app is no repository");
    }

    @Test
    void aReceiptOfALayoutIsMadeOfItToo() throws Exception {
        exports("v1.2.0", "a.tar");
        for (String layout : List.of("layout:there", "layout:there.tar")) {
            ends(0, "import", "a.tar", "--trust", "ours.pub", "--to", layout, "--data", "in");

            ends(0, "receipt", "--to", layout, "--receipt", "l.json", "--receipt-key", "theirs.pem", "--data", "fresh");

            JsonNode receipt = OciJson.mapper().readTree(Files.readAllBytes(folder.resolve("l.json")));
            assertThat(receipt.path("images").get(0).path("tag").asString()).isEqualTo("v1.2.0");
            assertThat(receipt.path("held").get(0).path("digests").size()).isGreaterThan(3);
        }
    }

    @Test
    void aLayoutIsTheSameHoweverItsPathIsWritten() throws Exception {
        exports("v1.2.0", "old.tar");
        source.push("app", patch, "v1.2.0");
        exports("v1.2.0", "new.tar");
        for (String bundle : List.of("old.tar", "new.tar")) {
            ends(0, "import", bundle, "--to", "layout:there", "--trust", "ours.pub", "--data", "in");
        }
        String absolute = "layout:" + folder.resolve("there");

        Result back = ends(1, "import", "old.tar", "--to", absolute, "--trust", "ours.pub", "--data", "in");

        assertThat(back.err()).contains("--again");
        ends(0, "import", "old.tar", "--to", "layout:elsewhere", "--trust", "ours.pub", "--data", "in");
    }

    @Test
    void aTargetThatTheReceiptIsNotOfIsNamed() {
        round("v1.2.0", "a.tar");
        exports("v1.2.1", "c.tar", "--since", "r.json", "--trust", "theirs.pub");
        try (TestRegistry other = TestRegistry.started()) {
            Result result = imports(1, "c.tar", other);

            assertThat(result.out() + result.err())
                    .contains(other.uri().getAuthority()
                            + " has not: the receipt is of another target, or the target lost it");
            assertThat(other.resolve("inside/app", "v1.2.1")).isEmpty();
        }
    }

    @Test
    void optionsThatMatchNothingAreRefusedBeforeAnythingIsWritten() {
        exports("v1.2.0", "a.tar");

        assertThat(imports(2, "a.tar", target, "--map", "ap=other").err()).contains("--map ap=other matches no image");
        assertThat(imports(2, "a.tar", target, "--map", "app:v2=:v3").err())
                .contains("--map app:v2=:v3 matches no image");
        assertThat(imports(2, "a.tar", target, "--only", "app:v9", "--only", "app")
                        .err())
                .contains("--only app:v9 matches no image", "entrepot ls")
                .doesNotContain("--only app ");
        assertThat(target.manifests("inside/app")).isEmpty();
        imports(0, "a.tar", target, "--only", "app", "--map", "app=tool", "--map", "app:v1.2.0=:new");
        assertThat(target.resolve("inside/tool", "new")).contains(first.digest());
    }

    @Test
    void aReceiptThatCannotBeWrittenIsFoundBeforeTheImport() throws Exception {
        exports("v1.2.0", "a.tar");
        Files.writeString(folder.resolve("file"), "");

        Result result = imports(1, "a.tar", target, "--receipt", "file/r.json", "--receipt-key", "theirs.pem");

        assertThat(result.err()).contains("the receipt cannot be written to " + folder.resolve("file/r.json"));
        Files.createDirectory(folder.resolve("receipts"));
        assertThat(imports(1, "a.tar", target, "--receipt", "receipts", "--receipt-key", "theirs.pem")
                        .err())
                .contains("the receipt cannot be written to " + folder.resolve("receipts") + ": that is a folder")
                .doesNotContain("Exception");
        assertThat(target.manifests("inside/app")).isEmpty();
    }

    @Test
    void aFileThatIsNotThereIsNamedAsSuchWithWhatMakesIt() {
        assertThat(ends(1, "export", "registry.test/app:v1.2.0", "--output", "a.tar", "--key", "none.pem")
                        .err())
                .contains("there is no file " + folder.resolve("none.pem"), "openssl genpkey");
        exports("v1.2.0", "a.tar");
        assertThat(ends(1, "verify", "a.tar", "--trust", "none.pub").err())
                .contains("there is no file " + folder.resolve("none.pub"), "-pubout");
        assertThat(imports(1, "a.tar", target, "--receipt", "r.json", "--receipt-key", "none.pem")
                        .err())
                .contains("there is no file " + folder.resolve("none.pem"));
        assertThat(ends(
                                1,
                                "export",
                                "registry.test/app:v1.2.0",
                                "--output",
                                "b.tar",
                                "--key",
                                "ours.pem",
                                "--since",
                                "none.json",
                                "--trust",
                                "theirs.pub")
                        .err())
                .contains("there is no file " + folder.resolve("none.json"), "entrepot import --receipt");
    }

    @Test
    void theCommandThatIsPrintedForALostVolumeDoesIt() throws Exception {
        exports("v1.2.0", "set.tar", "--volume-size", "150KB");
        Path lost = folder.resolve("set.002.tar");
        byte[] bytes = Files.readAllBytes(lost);
        Files.delete(lost);
        String said = ends(3, "verify", "set.001.tar", "set.003.tar", "--trust", "ours.pub")
                .out();

        String command = said.substring(said.indexOf("entrepot export --reissue"))
                .lines()
                .findFirst()
                .orElseThrow();
        ends(0, command.substring("entrepot ".length()).split(" "));

        assertThat(Files.readAllBytes(lost)).isEqualTo(bytes);
    }

    @Test
    void aBundleOfSomePlatformsGoesIntoARegistryThatTakesNoSparseIndexByOptionOrByItsRule() throws Exception {
        Bundle index = images.index("linux/amd64", "linux/arm64");
        source.push("multi", index, "v1");
        String rule = """
                replication:
                  rules:
                    - {name: some, source: registry.test, repositories: [multi], tags: ["v*"], platforms: [linux/amd64]}
                """;
        configure(rule);
        ends(0, "export", "some", "--output", "some.tar", "--key", "ours.pem");

        Result refused = imports(1, "some.tar", target);
        assertThat(refused.out()).contains("--on-sparse-refused trim for an import");
        assertThat(target.resolve("inside/multi", "v1")).isEmpty();
        imports(0, "some.tar", target, "--on-sparse-refused", "trim");
        assertThat(target.resolve("inside/multi", "v1")).isPresent().isNotEqualTo(source.resolve("multi", "v1"));
        try (TestRegistry configured = TestRegistry.started()) {
            configure(rule
                    + "    - {name: there, source: registry.test, repositories: [multi], on-sparse-refused: trim, targets: [{url: \""
                    + configured.uri() + "\"}]}\n");
            imports(0, "some.tar", configured);
            assertThat(configured.resolve("inside/multi", "v1")).isPresent();
            imports(1, "some.tar", configured, "--on-sparse-refused", "fail", "--map", "multi=again");
        }
        assertThat(imports(2, "some.tar", target, "--on-sparse-refused", "perhaps")
                        .err())
                .contains("expected fail or trim");
    }
}
