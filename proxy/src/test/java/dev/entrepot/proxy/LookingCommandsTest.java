package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that only ask, on a data folder where nothing is kept yet, and on one that somebody else has open. */
class LookingCommandsTest {
    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
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
    }

    @AfterEach
    void close() {
        source.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "explain registry.test/team/app:v1",
                "tree registry.test/team/app:v1",
                "plan some",
                "upstreams",
                "export some --dry-run --unsigned --output x.tar"
            })
    void noStoreIsMadeToSayThatNothingIsKept(String command) throws IOException {
        Result result = commands.run(command.split(" "));

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(folder.resolve("data")).doesNotExist();

        // Nor in a folder that is there for it.
        Files.createDirectory(folder.resolve("data"));
        assertThat(commands.run(command.split(" "))).returns(0, Result::code);
        assertThat(folder.resolve("data")).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"cache stats", "cache ls", "cache pin", "cache rebuild", "cache unpin registry.test/team/app:v1"
            })
    void whereThereIsNoStoreThatIsSaid(String command) {
        Result result = commands.run(command.split(" "));

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err())
                .contains("there is no store in " + folder.resolve("data") + ": nothing was kept there yet");
        assertThat(folder.resolve("data")).doesNotExist();
    }

    @Test
    void storeThatSomebodyElseHasOpenIsSaidToBeAndTheUpstreamIsLookedAtInstead() throws IOException {
        try (ContentStore other = ContentStore.open(folder.resolve("data"), Clock.systemUTC())) {
            Result tree = commands.run("tree", "registry.test/team/app:v1");

            assertThat(tree.code()).isZero();
            assertThat(tree.err())
                    .contains("what is kept in " + folder.resolve("data") + " is not looked at: the store at ")
                    .contains("is in use by another process, which does not answer this command");
            assertThat(other).isNotNull();
        }
    }
}
