package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does what the guide about Docker Hub and MCR says, to the letter but for: the two registries, which are of this test,
 * the address of the mirror, the name in its certificate, and the program {@code htpasswd}, which is not on every
 * machine; a function of the shell that writes the same stands in for it. Takes some seconds, because TLS, bcrypt and
 * the attempts at an upstream that is out are real.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "the guide uses GNU sed")
class MirrorGuideTest {
    private static final String MIRROR = "mirror.internal:5000";
    private static final String ADMIN = "127.0.0.1:5001";

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();
    private final TestRegistry hub = TestRegistry.started();
    private final TestRegistry mcr = TestRegistry.started();
    private final Images images = new Images(31);

    @AfterEach
    void close() {
        hub.close();
        mcr.close();
    }

    @Test
    void guideDoesWhatItSays() throws Exception {
        hub.open(new Access.Basic("example", "token-of-the-hub")).quota(100);
        hub.push("library/alpine", images.image(2000), "3.20");
        mcr.push("dotnet/runtime", images.index("linux/amd64", "linux/arm64"), "9.0");
        Map<String, String> substituted = new LinkedHashMap<>();
        substituted.put("https://registry-1.docker.io", hub.uri().toString());
        substituted.put("https://mcr.microsoft.com", mcr.uri().toString());
        substituted.put("listen: \":5000\"", "listen: 127.0.0.1:0");
        substituted.put("admin: " + ADMIN, "admin: 127.0.0.1:0");
        substituted.put("DNS:mirror.internal", "IP:127.0.0.1");
        String hash = BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, "wonder".toCharArray());
        GuideWalk walk = new GuideWalk(folder, project.resolve("docs/guides/mirror.md"), substituted)
                .addressed(MIRROR, ADMIN)
                .with(
                        Map.of("DOCKER_HUB_TOKEN", "token-of-the-hub", "HASH", hash),
                        "htpasswd() { [ \"$*\" = '-nbB nodes wonder' ] && printf '%s\\n' \"$2:$HASH\"; }; ")
                .at("5. Point the nodes at it", this::clientsAskedTheRegistries)
                .at("8. Without the network", () -> {
                    hub.stop();
                    mcr.stop();
                })
                .at("9. What to watch", () -> filesAreAsPrinted(project));
        walk.walk();
        assertThat(walk.commands()).isEqualTo(31);
        for (MatchResult name : Pattern.compile("`(entrepot_[a-z_]+)`")
                .matcher(walk.text())
                .results()
                .toList()) {
            assertThat(walk.printed()).contains("# TYPE " + name.group(1) + " ");
        }
    }

    private void clientsAskedTheRegistries() {
        assertThat(hub.requests(request -> request.path().contains("library/alpine")))
                .isNotEmpty();
        assertThat(mcr.requests(request -> request.path().contains("dotnet/runtime")))
                .isNotEmpty();
    }

    // What the page shows of the clients' files is what the command writes; to containerd's, three lines are added.
    private void filesAreAsPrinted(Path project) throws Exception {
        GuideWalk printed = new GuideWalk(folder, project.resolve("docs/guides/mirror.md"), Map.of());
        Path etc = folder.resolve("clients/etc");
        assertThat(here(printed.blocks("json").getFirst()))
                .isEqualTo(here(Files.readString(etc.resolve("docker/daemon.json"))));
        assertThat(here(printed.blocks("toml").getFirst()))
                .startsWith(here(Files.readString(etc.resolve("containerd/certs.d/mcr.microsoft.com/hosts.toml"))));
        assertThat(Files.readString(etc.resolve("containers/registries.conf.d/entrepot.conf")))
                .contains("/mcr.microsoft.com\"", "/docker.io\"");
    }

    private static String here(String file) {
        return file.replaceAll("(https://)[a-z0-9.]+:[0-9]+", "$1the-mirror");
    }
}
