package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same content gives the same bytes, in whatever order and by whatever way a registry lists what refers to it. */
class SameBytesExportTest {
    private static final String NAME = "team/app";

    @TempDir
    private Path folder;

    private final Images images = new Images(71);
    private final Bundle image = images.image(30_000, 7_000);
    private final List<Bundle> referrers = List.of(
            images.referrer(image, "application/vnd.test.signature"),
            images.referrer(image, "application/vnd.test.sbom"),
            images.referrer(image, "application/vnd.test.signature"),
            images.referrer(image, "application/vnd.test.provenance"),
            images.referrer(image, "application/vnd.test.sbom"));
    private Path expected = Path.of("");

    @BeforeEach
    void exportAsTheApiListsThem() throws IOException {
        try (TestRegistry source = filled(Abilities.DEFAULT)) {
            expected = export(source, "expected.tar");
        }
    }

    private TestRegistry filled(Abilities abilities) {
        TestRegistry source = TestRegistry.started(abilities);
        source.push(NAME, image, "v1");
        referrers.forEach(referrer -> source.push(NAME, referrer));
        return source;
    }

    private Path export(TestRegistry source, String output) throws IOException {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data-%s, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(output, source.uri()));
        Result result = new CommandRunner(folder)
                .run(
                        "export",
                        "registry.test/" + NAME + ":v1",
                        "--output",
                        output,
                        "--unsigned",
                        "--volume-size",
                        "30KB");
        assertThat(result).as(result.out() + result.err()).returns(0, Result::code);
        return folder.resolve(output);
    }

    private void assertSameVolumes(Path other) throws IOException {
        int volumes = 0;
        for (int volume = 1; Files.exists(volume(expected, volume)); volume++) {
            assertThat(Files.mismatch(volume(expected, volume), volume(other, volume)))
                    .as("volume " + volume)
                    .isEqualTo(-1);
            volumes++;
        }
        assertThat(volumes).isGreaterThan(1);
        assertThat(volume(other, volumes + 1)).doesNotExist();
    }

    private static Path volume(Path output, int number) {
        return output.resolveSibling(output.getFileName().toString().replace(".tar", ".%03d.tar".formatted(number)));
    }

    @Test
    void fromAnApiThatListsThemInAnotherOrder() throws Exception {
        byte[] list = images.fallbackIndex(referrers.reversed()).root().array();
        String type = "application/vnd.oci.image.index.v1+json";
        try (TestRegistry source = filled(Abilities.DEFAULT)) {
            source.beside(
                    "/v2/" + NAME + "/referrers/" + image.digest(),
                    (request, in) -> Response.of(200, type, Content.of(list)));

            assertSameVolumes(export(source, "reversed.tar"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void fromAFallbackTagAlone(boolean reversed) throws Exception {
        List<Bundle> listed = reversed ? referrers.reversed() : referrers;
        try (TestRegistry source = filled(Abilities.WITHOUT_REFERRERS)) {
            source.push(
                    NAME,
                    images.fallbackIndex(listed),
                    image.digest().referrersTag().value());

            assertSameVolumes(export(source, "fallback.tar"));
        }
    }
}
