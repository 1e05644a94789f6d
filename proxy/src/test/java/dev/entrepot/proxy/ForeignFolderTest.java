package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands of root on the data folder of a service that has a user of its own. */
class ForeignFolderTest {
    // None that the machine has a name for.
    private static final int SERVICE = 1_234_567;

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private CommandRunner commands;

    @BeforeEach
    void stopAServiceOfAnotherUser() throws IOException {
        assumeTrue(Files.getAttribute(folder, "unix:uid").equals(0), "only root gives files away");
        commands = new CommandRunner(folder);
        source.push("team/app", new Images(1).image(100), "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}
                cache: {directory: ./data}
                builtin-upstreams: false
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  rules:
                    - name: some
                      source: registry.test
                      repositories: [team/app]
                      targets: [{url: "%s", prefix: mirror}]
                """.formatted(source.uri(), source.uri()));
        assertThat(commands.run("sync", "some")).returns(0, Result::code);
        assertThat(commands.run("export", "some", "--unsigned", "--output", "bundle.tar"))
                .returns(0, Result::code);
        Files.writeString(folder.resolve("list"), "registry.test/team/app:v1\n");
        for (Path path : owners().keySet()) {
            Files.setAttribute(path, "unix:uid", SERVICE);
        }
    }

    @AfterEach
    void close() {
        source.close();
    }

    private Map<Path, Object> owners() throws IOException {
        Map<Path, Object> owners = new HashMap<>();
        try (Stream<Path> paths = Files.walk(folder.resolve("data"))) {
            for (Path path : paths.toList()) {
                owners.put(path, Files.getAttribute(path, "unix:uid"));
            }
        }
        return owners;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cache stats",
                "cache pin registry.test/team/app:v1",
                "cache warm list",
                "cache rebuild",
                "cache scrub",
                "sync some",
                "plan some",
                "copy registry.test/team/app:v1 oci:layout:app:v1",
                "explain registry.test/team/app:v1",
                "export some --unsigned --output x.tar",
                "export some --unsigned --output x.tar --from upstream",
                "import bundle.tar --unsigned --to oci:layout",
                "receipt --unsigned --to oci:layout --receipt receipt.json"
            })
    void areRefusedWithTheOwnerAndTheRemedyAndChangeNothing(String command) throws IOException {
        Map<Path, Object> before = owners();

        Result result = commands.run(command.split(" "));

        assertThat(result.code()).as(result.err()).isEqualTo(1);
        assertThat(result.err())
                .contains("the cache directory " + folder.resolve("data") + " belongs to the user " + SERVICE)
                .contains("setpriv --reuid=" + SERVICE);
        assertThat(owners()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"runs", "runs 1", "upstreams", "tree registry.test/team/app:v1"})
    void thoseThatCanDoWithoutTheStoreAnswerAndLeaveNothingOfRoot(String command) throws IOException {
        Result result = commands.run(command.split(" "));

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(owners()).isNotEmpty().doesNotContainValue(0);
    }

    @Test
    void exportThatIsOnlyToBeKnownIsMadeFromTheUpstream() throws IOException {
        Map<Path, Object> before = owners();

        Result result =
                commands.run("export", "some", "--dry-run", "--unsigned", "--from", "upstream", "--output", "x.tar");

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(owners()).isEqualTo(before);
    }

    @Test
    void serverOfRootServesItAndItsCommandsAskIt() {
        Result result = commands.run(
                mirror -> {
                    Result stats = commands.run("cache", "stats");
                    assertThat(stats.code()).as(stats.err()).isZero();
                },
                "serve");

        assertThat(result.code()).as(result.err()).isZero();
    }
}
