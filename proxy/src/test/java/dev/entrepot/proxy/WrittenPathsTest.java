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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a command line has written shares no folder with the cache: else it is refused before anything is written. */
class WrittenPathsTest {
    private static final String IMAGE = "registry.test/team/app:v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
        commands = new CommandRunner(folder);
        source.push("team/app", new Images(1).image(100), "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
                cache: {directory: ./kept/data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  rules:
                    - name: some
                      source: registry.test
                      repositories: [team/app]
                      targets:
                        - {layout: shipped/images}
                        - {layout: shipped.tar}
                """.formatted(source.uri()));
        // here -> ., store -> kept/data, which need not be there
        Files.createSymbolicLink(folder.resolve("here"), Path.of("."));
        Files.createSymbolicLink(folder.resolve("store"), Path.of("kept/data"));
    }

    @AfterEach
    void close() {
        source.close();
    }

    private Result run(String command) {
        return commands.run(command.split(" "));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.sorted().toList();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "copy IMAGE layout:kept/data/images, TARGET is in cache.directory, kept/data/images",
        "copy IMAGE layout:store/images.tar:v1, TARGET is in cache.directory, kept/data/images.tar",
        "copy IMAGE layout:kept:team/app:v1, cache.directory is in a folder of TARGET, kept",
        "copy IMAGE layout:here/kept, cache.directory is in a folder of TARGET, kept",
        "copy IMAGE layout:own/images --data own, TARGET is in the folder of --data, own/images",
        "copy IMAGE layout:a --data a/b, the folder of --data is in a folder of TARGET, a",
        "copy IMAGE layout:x.tar --data .x.tar.parts/b, the folder of --data is in a folder of TARGET, .x.tar.parts",
        "export IMAGE --unsigned --output kept/data, --output is in cache.directory, kept/data",
        "export IMAGE --unsigned --output store/b.tar --from upstream, --output is in cache.directory, kept/data/b.tar",
        "export IMAGE --unsigned --output kept, cache.directory is in a folder of --output, kept",
        "export IMAGE --unsigned --output own/b.tar --data own, --output is in the folder of --data, own/b.tar",
        "export --reissue x --volumes 1 --output store/again, --output is in cache.directory, kept/data/again",
        "import in --unsigned --to layout:store, --to is in cache.directory, kept/data",
        "import in --unsigned --to layout:kept, cache.directory is in a folder of --to, kept",
        "import in --unsigned --to layout:own/x --data own, --to is in the folder of --data, own/x",
        "import in --unsigned --to layout:out --receipt store/r, --receipt is in cache.directory, kept/data/r",
        "receipt --to layout:out --unsigned --receipt kept/data/r, --receipt is in cache.directory, kept/data/r",
        "client-config docker --into store, --into is in cache.directory, kept/data/etc/docker/daemon.json",
    })
    void whatSharesAFolderWithTheCacheIsRefusedBeforeAnythingIsWritten(String command, String problem, String written)
            throws IOException {
        List<Path> before = files();

        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(2, Result::code).returns("", Result::out);
        Path cache = folder.resolve(
                command.contains("--data ") ? command.replaceFirst(".*--data (\\S+).*", "$1") : "kept/data");
        // Wherever the folder of the tests is itself behind a link.
        Path real = folder.toRealPath();
        assertThat(result.err().replace(real.toString(), folder.toString()))
                .startsWith("entrepot: " + problem)
                .contains(
                        " " + folder.resolve(written),
                        (problem.contains("is in a folder of") ? "the cache is at " : "the cache at ") + cache,
                        "elsewhere");
        assertThat(files()).isEqualTo(before);
        assertThat(source.requests(_ -> true)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "serve --data shipped/images",
                "serve --data here/shipped/images/data",
                "plan some --data shipped/images/data",
                "sync some --data shipped.tar",
                "sync some --data .shipped.tar.parts/data",
                "copy IMAGE layout:out --data shipped/images",
                "export some --output out.tar --unsigned --data shipped/images",
                "import in --unsigned --to layout:out --data shipped/images",
                "cache pin IMAGE --data shipped/images",
                "cache warm - --data shipped/images",
            })
    void dataFolderThatTheCommandNamesIsCheckedAgainstTheLayoutsOfRules(String command) throws IOException {
        List<Path> before = files();

        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(78, Result::code).returns("", Result::out);
        assertThat(result.err())
                .contains("entrepot.yaml:" + (command.contains("shipped.tar") ? 12 : 11) + ":")
                .contains("replication.rules[0].targets[" + (command.contains("shipped.tar") ? 1 : 0) + "]")
                .contains("the folder of --data", "shipped", "elsewhere");
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void dataFolderBesideTheLayoutsOfRulesIsTaken() {
        Result result = run("sync some --data shipped/data");

        assertThat(result).as(result.err()).returns(0, Result::code);
    }

    @Test
    void layoutOfARuleInACacheDirectoryThatTheOptionReplacesIsTakenUnlessThereIsAStore() throws IOException {
        Files.writeString(
                folder.resolve("entrepot.yaml"),
                Files.readString(folder.resolve("entrepot.yaml")).replace("./kept/data", "./shipped"));

        assertThat(run("sync some")).as("without the option").returns(78, Result::code);
        Result taken = run("sync some --data own");
        assertThat(taken).as(taken.err()).returns(0, Result::code);
        assertThat(folder.resolve("shipped/images/index.json")).isRegularFile();

        ContentStore.open(folder.resolve("shipped"), Clock.systemUTC()).close();
        Result refused = run("sync some --data own");
        assertThat(refused).as(refused.err()).returns(78, Result::code);
        assertThat(refused.err()).contains("targets[0]", "the layout is in cache.directory", "put it elsewhere");
    }

    @Test
    void storeOfTheConfigurationIsNotWrittenIntoByACommandWithADataFolderOfItsOwn() throws IOException {
        // Nothing was ever kept there: it is the folder of no cache.
        assertThat(run("copy " + IMAGE + " layout:kept/data/images --data own")).returns(0, Result::code);
        ContentStore.open(folder.resolve("kept/data"), Clock.systemUTC()).close();

        Result result = run("copy " + IMAGE + " layout:kept/data/images --data own");

        assertThat(result).returns(2, Result::code);
        assertThat(result.err()).contains("TARGET is in cache.directory");
    }

    @Test
    void filesMayBeAddedToAFolderThatHasTheCache() {
        assertThat(run("client-config docker --into .")).returns(0, Result::code);
        assertThat(run("export " + IMAGE + " --unsigned --output kept/b.tar")).returns(0, Result::code);
        assertThat(run("export --reissue kept/b.tar --volumes 1 --output kept"))
                .as("a folder that has the cache, too")
                .returns(0, Result::code);
        assertThat(run("import kept/b.tar --unsigned --to layout:out --receipt kept/r.json"))
                .returns(0, Result::code);
        assertThat(folder.resolve("kept/r.json")).isRegularFile();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "import in --unsigned --to layout:out --receipt up/../r",
                "client-config docker --into up/../q",
            })
    void linkThatIsLeftByDotsIsFollowedToo(String command) throws IOException {
        Files.createDirectories(folder.resolve("kept/data/deep"));
        Files.createSymbolicLink(folder.resolve("up"), Path.of("kept/data/deep"));
        List<Path> before = files();

        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(2, Result::code);
        assertThat(result.err()).contains("is in cache.directory", "by links");
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy IMAGE layout:other/images",
                "copy IMAGE layout:other",
                "export IMAGE --unsigned --output other/b.tar",
                "import in --unsigned --to layout:out --receipt other/r",
            })
    void storeThatNobodyNamesIsNotWrittenIntoEither(String command) throws IOException {
        ContentStore.open(folder.resolve("other"), Clock.systemUTC()).close();
        List<Path> before = files();

        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(2, Result::code);
        assertThat(result.err()).contains("is in the store at " + folder.resolve("other"), "put it elsewhere");
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "serve --data kept/data/blobs",
                "serve --data kept/data/x",
                "serve --data store/x/y",
                "sync some --data kept/data/x",
                "copy IMAGE layout:out --data kept/data/x",
                "cache pin IMAGE --data kept/data/x",
                "cache rebuild --data kept/data/x",
                "export IMAGE --unsigned --output b.tar --data kept/data/x",
                "import in --unsigned --to layout:out --data kept/data/x",
                "receipt --to layout:out --unsigned --receipt r --data kept/data/x",
            })
    void dataFolderInAnotherStoreIsRefusedBeforeAnythingIsWritten(String command) throws IOException {
        ContentStore.open(folder.resolve("kept/data"), Clock.systemUTC()).close();
        List<Path> before = files();

        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(1, Result::code).returns("", Result::out);
        Path data = folder.resolve(command.replaceFirst(".*--data (\\S+).*", "$1"));
        assertThat(result.err().replace(folder.toRealPath().toString(), folder.toString()))
                .contains(
                        "the cache directory " + data,
                        " is in the store at " + folder.resolve("kept/data"),
                        "name a folder outside it",
                        "--data");
        assertThat(files()).isEqualTo(before);
        assertThat(source.requests(_ -> true)).isEmpty();
    }

    @Test
    void dataFolderAroundAnotherStoreIsRefusedBeforeAnythingIsWritten() throws IOException {
        ContentStore.open(folder.resolve("kept/data"), Clock.systemUTC()).close();
        List<Path> before = files();

        Result result = run("cache pin " + IMAGE + " --data kept");

        assertThat(result).as(result.err()).returns(1, Result::code);
        assertThat(result.err())
                .contains("the cache directory " + folder.resolve("kept") + " has the store at "
                        + folder.resolve("kept/data") + " in it");
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({
        "serve|--data|, --data",
        "sync|some|--data|, --data",
        "client-config|docker|--into|, --into",
        "import|in|--unsigned|--to|layout:out|--receipt|, --receipt",
        "export|IMAGE|--unsigned|--output|, --output",
        "import|in|--unsigned|--to|layout:, layout:",
        "copy|IMAGE|layout:, layout:",
    })
    void pathThatSaysNothingIsNoPath(String words, String named) throws IOException {
        List<Path> before = files();

        Result result = commands.run(words.replace("IMAGE", IMAGE).split("\\|", -1));

        assertThat(result).as(result.err()).returns(2, Result::code);
        assertThat(result.err()).contains(named).containsAnyOf("it is empty", "there is no path behind");
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "copy IMAGE http://bob:S3CR3T@127.0.0.1:1/a/b:v1",
                "copy IMAGE https://bob:x/S3CR3T@127.0.0.1:1/a/b:v1",
                "copy https://bob:S3CR3T/x@registry.test/team/app:v1 layout:out",
                "tree https://bob:/S3CR3T@registry.test/team/app:v1",
                "import in --unsigned --to http://bob:x/S3CR3T@127.0.0.1:1/a",
                "export https://bob:x/S3CR3T@registry.test/team/app:v1 --unsigned --output b.tar",
                "copy https://bob:443/S3CR3T@registry.test/team/app:v1 layout:out",
                "copy bob:S3CR3T/x@registry.test/team/app:v1 layout:out",
                "import in --unsigned --to bob:S3CR3T/x@127.0.0.1:1/a",
                "export bob:S3CR3T/x@registry.test/team/app:v1 --unsigned --output b.tar",
                "cache pin bob:S3CR3T/x@registry.test/team/app:v1",
                "explain bob:S3CR3T/x@registry.test/team/app:v1@sha256:0123",
                "import in --unsigned --to bob:x/S3CR3T@127.0.0.1:1",
                "import in --unsigned --to bob:S3CR3T/x@127.0.0.1:1",
                "import in --unsigned --to http://bob:S3CR3T/x@127.0.0.1:1",
                "copy 127.0.0.1:1/a/b:v1 bob:x/S3CR3T@127.0.0.1:1",
                "tree bob:S3CR3T/x@registry.test",
                "tree http://bob:443/S3CR3T@registry.invalid",
                "cache pin bob:S3CR3T/x@localhost:5000",
                "cache pin bob:S3CR3T/x@registry.test:v1",
                "copy bob:S3CR3T@registry.test/team/app:v1 layout:out",
                "tree https://bob:S3CR3T@registry.test/team/app:v1",
                "import in --unsigned --to http://bob:S3CR3T@127.0.0.1:1/a",
                "receipt --unsigned --receipt r --to http://bob:S3CR3T@127.0.0.1:1/a",
                "export bob:S3CR3T@registry.test/team/app:v1 --unsigned --output b.tar",
            })
    void passwordInTheNameOfARegistryIsRefusedAndNotShown(String command) {
        Result result = run(command.replace("IMAGE", IMAGE));

        assertThat(result).as(result.err()).returns(2, Result::code);
        assertThat(result.err() + result.out()).contains("***@").doesNotContainIgnoringCase("S3CR3T");
    }
}
