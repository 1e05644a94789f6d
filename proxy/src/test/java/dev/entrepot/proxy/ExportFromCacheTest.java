package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code entrepot cache warm}, and then an export of what it kept, with everything that was signed, while the upstream
 * is gone.
 */
class ExportFromCacheTest {
    private static final String NAME = "team/app";
    private static final String IMAGE = "registry.test/" + NAME + ":v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Images images = new Images(61);
    private final Bundle index = images.index("linux/amd64", "linux/arm64");
    private final Bundle sbom = images.referrer(index, "application/vnd.test.sbom");
    private final List<Bundle> referrers = List.of(
            images.referrer(index, "application/vnd.test.signature"),
            sbom,
            images.referrer(sbom, "application/vnd.test.signature"));
    private final Bundle cosign = images.cosign("application/vnd.dev.cosign.simplesigning.v1+json");
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
        source.push(NAME, index, "v1");
        referrers.forEach(referrer -> source.push(NAME, referrer));
        source.push(NAME, cosign, Images.cosignTag(index.digest(), "sig"));
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

    private Result export(String output, String... more) {
        List<String> arguments = new ArrayList<>(List.of("export", IMAGE, "--output", output, "--unsigned"));
        arguments.addAll(List.of(more));
        return commands.run(arguments.toArray(String[]::new));
    }

    @Test
    void whatWasWarmedIsExportedSignaturesAndAllWhileTheUpstreamIsGone() throws Exception {
        Result there = export("there.tar", "--from", "upstream", "--data", "other");
        assertThat(there).as(there.out() + there.err()).returns(0, Result::code);
        Result warmed = commands.runOn(IMAGE + "\n", "cache", "warm", "-");
        assertThat(warmed).as(warmed.out() + warmed.err()).returns(0, Result::code);
        source.stop();

        Result kept = export("kept.tar", "--from", "cache");

        assertThat(kept).as(kept.out() + kept.err()).returns(0, Result::code);
        assertThat(Files.mismatch(folder.resolve("there.tar"), folder.resolve("kept.tar")))
                .isEqualTo(-1);
        String tree =
                commands.run("tree", "kept.tar", NAME + ":v1", "--unsigned").out();
        for (Bundle referrer : referrers) {
            assertThat(tree).contains(referrer.digest().toString());
        }
        assertThat(tree).contains(cosign.digest().toString());
        assertThat(commands.run("verify", "kept.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void withoutBeingWarmedItFailsByName() {
        source.stop();

        Result kept = export("kept.tar", "--from", "cache");

        assertThat(kept).returns(1, Result::code);
        assertThat(kept.out()).contains("does not keep v1 of registry.test/" + NAME);
        assertThat(folder.resolve("kept.tar")).doesNotExist();
    }
}
