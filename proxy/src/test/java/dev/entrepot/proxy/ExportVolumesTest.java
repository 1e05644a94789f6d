package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The files that {@code entrepot export} writes: what they are called, and that a dry run knows their sizes. */
class ExportVolumesTest {
    private static final String IMAGE = "registry.test/team/app:v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Images images = new Images(82);
    private CommandRunner commands;

    @BeforeEach
    void configure() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
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

    private Result done(List<String> arguments) {
        Result result = commands.run(arguments.toArray(String[]::new));
        assertThat(result.code()).as(result.err() + result.out()).isZero();
        return result;
    }

    private List<String> names(String place) throws Exception {
        try (Stream<Path> files = Files.list(folder.resolve(place))) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void whatFitsIntoOneVolumeHasTheNameThatWasAskedForAndNoNumber() throws Exception {
        source.push("team/app", images.image(150_000, 700), "v1");

        done(List.of("export", IMAGE, "--output", "disk/release.tar", "--volume-size", "4.7GB", "--unsigned"));
        done(List.of("export", IMAGE, "--output", "small/release.tar", "--volume-size", "100KB", "--unsigned"));

        assertThat(names("disk")).containsExactly("release.tar");
        assertThat(names("small"))
                .contains("release.001.tar", "release.002.tar")
                .doesNotContain("release.tar");
        done(List.of("verify", "disk", "--unsigned"));
    }

    @Test
    void ofBlobsNamedBySha512ADryRunKnowsTheSizesOfThePartsToo() throws Exception {
        source.push("team/app", images.sha512Image(450_000, 450_000), "v1");
        List<String> export =
                List.of("export", IMAGE, "--output", "out.tar", "--volume-size", "100KB", "--unsigned", "--json");
        List<String> dry = new ArrayList<>(export);
        dry.add("--dry-run");

        JsonNode plan = OciJson.mapper().readTree(done(dry).out());
        done(export);

        // Eight digests of parts that were longer than those in the end would be seen in each volume.
        assertThat(plan.path("volumes").size()).isGreaterThan(8);
        for (JsonNode volume : plan.path("volumes")) {
            assertThat(Files.size(Path.of(volume.path("file").asString())))
                    .isEqualTo(volume.path("bytes").asLong());
        }
    }
}
