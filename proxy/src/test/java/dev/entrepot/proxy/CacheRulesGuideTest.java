package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does what the guide about cache rules says, to the letter but for the registry, which is of this test, and the ports.
 */
class CacheRulesGuideTest {
    private static final String PULLS = "127.0.0.1:5000";
    private static final String ADMIN = "127.0.0.1:5001";

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();
    private final TestRegistry hub = TestRegistry.started();
    private final Images images = new Images(37);

    @AfterEach
    void close() {
        hub.close();
    }

    @Test
    void guideDoesWhatItSays() throws Exception {
        for (String tag : new String[] {"3.20", "3.20.3", "3.21", "latest"}) {
            hub.push("library/alpine", images.index("linux/amd64", "linux/arm64"), tag);
        }
        hub.push("library/debian", images.image(100), "12");
        Bundle busybox = hub.push("library/busybox", images.image(100), "1.37");
        hub.push("library/busybox", images.referrer(busybox, "application/vnd.dev.sigstore.bundle.v0.3+json"));
        GuideWalk walk = new GuideWalk(
                        folder,
                        project.resolve("docs/guides/cache-rules.md"),
                        Map.of(
                                "https://registry-1.docker.io",
                                hub.uri().toString(),
                                "listen: " + PULLS + ", admin: " + ADMIN,
                                "listen: 127.0.0.1:0, admin: 127.0.0.1:0"))
                .addressed(PULLS, ADMIN);
        walk.at("7. Ask nobody", () -> hub.calls().clear());
        walk.walk();
        assertThat(walk.commands()).isEqualTo(28);
        assertThat(hub.requests(request -> request.path().contains("/debian/"))).isEmpty();
    }

    /** The reference of rules begins with a configuration that says what its comments say. */
    @Test
    void configurationOfTheReferenceIsTaken() throws Exception {
        GuideWalk reference = new GuideWalk(folder, project.resolve("docs/cache-rules.md"), Map.of());
        Path file = Files.writeString(
                folder.resolve("entrepot.yaml"), reference.blocks("yaml").getFirst());
        EntrepotConfig config =
                ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
        assertThat(config.rules()).hasSize(2);
        assertThat(config.upstreams().get(new RegistryHost("docker.io")).rules())
                .hasSize(2);
        assertThat(new CommandRunner(folder)
                        .run("explain", "archive.example.com/a:1")
                        .out())
                .contains("offline", "upstreams[archive.example.com].rules[0]");
        assertThat(new CommandRunner(folder)
                        .run("explain", "docker.io/team/malware:1")
                        .out())
                .contains("deny                 not reviewed; ask the platform team");
    }
}
