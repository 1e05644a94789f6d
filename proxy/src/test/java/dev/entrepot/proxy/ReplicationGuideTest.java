package dev.entrepot.proxy;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.verification.LoggedRequest;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Does what the guide and the README say about replication, to the letter but for the addresses of the registries. */
class ReplicationGuideTest {
    private static final String SERVER = "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: \"off\"}\n";

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();
    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry eu = TestRegistry.started();
    private final TestRegistry us = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final WireMockServer hooks =
            new WireMockServer(wireMockConfig().bindAddress("127.0.0.1").dynamicPort());
    private final Images images = new Images(23);
    private final Bundle image = images.image(4000, 300);
    private final Bundle signature = images.referrer(image, "application/vnd.test.signature");

    @BeforeEach
    void listenForEvents() {
        hooks.start();
        hooks.stubFor(any(anyUrl()).willReturn(ok()));
    }

    @AfterEach
    void close() {
        hooks.stop();
        source.close();
        eu.close();
        us.close();
    }

    @Test
    void guideDoesWhatItSays() throws Exception {
        Map<String, String> substituted = new LinkedHashMap<>();
        substituted.put("https://registry.internal", source.uri().toString());
        substituted.put("https://eu.registry.internal", eu.uri().toString());
        substituted.put("https://us.registry.internal", us.uri().toString());
        substituted.put("https://events.internal/hook", hooks.baseUrl() + "/hook");
        // The ports of the guide are the defaults, which another server may have.
        substituted.put("upstreams:\n", SERVER + "upstreams:\n");
        source.push("team/app", image, "v1.2.0");
        source.push("team/app", signature);
        GuideWalk walk = new GuideWalk(folder, project.resolve("docs/guides/geo-replication.md"), substituted)
                .addressed("127.0.0.1:5000", "127.0.0.1:5001")
                .at("4. Copy when something is pushed, and tell others", this::isCopied)
                .at("5. Keep it going", () -> source.push("team/app", image, "v1.3.0"))
                .at("When something is missing", this::pushHasArrivedAndIsTold);
        walk.walk();
        assertThat(walk.commands()).isEqualTo(18);
        for (MatchResult name : Pattern.compile("`(entrepot_[a-z_]+)`")
                .matcher(walk.text())
                .results()
                .toList()) {
            assertThat(walk.printed()).contains("# TYPE " + name.group(1) + " ");
        }
    }

    private void isCopied() {
        assertThat(eu.resolve("team/app", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("mirror/team/app", "v1.2.0")).contains(image.digest());
        assertThat(eu.manifests("team/app")).contains(signature.digest());
        assertThat(us.resolve("mirror/team/app", image.digest().referrersTag().value()))
                .isPresent();
        assertThat(eu.resolve("team/hotfix", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("team/carried", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("team/carried", image.digest().referrersTag().value()))
                .isPresent();
    }

    private void pushHasArrivedAndIsTold() throws Exception {
        MirrorFixture.await(() -> us.resolve("mirror/team/app", "v1.3.0").isPresent());
        MirrorFixture.await(
                () -> told().stream().anyMatch(event -> event.getBodyAsString().contains("v1.3.0")));
        Mac mac = Mac.getInstance("HmacSHA256");
        String secret = Files.readString(folder.resolve("hook.secret")).strip();
        for (LoggedRequest event : told()) {
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            assertThat(event.getHeader("X-Entrepot-Signature"))
                    .isEqualTo("sha256=" + HexFormat.of().formatHex(mac.doFinal(event.getBody())));
        }
    }

    private List<LoggedRequest> told() {
        return hooks.findAll(postRequestedFor(urlEqualTo("/hook")));
    }

    @Test
    void readmeDoesWhatItSays() throws Exception {
        String readme = Files.readString(project.resolve("README.md"));
        String section =
                readme.substring(readme.indexOf("### Replicate it"), readme.indexOf("### Carry it across an air gap"));
        String addressed = addressed(
                section,
                Map.of(
                        "http://127.0.0.1:5101", source.uri(),
                        "http://127.0.0.1:5105", us.uri(),
                        "https://eu.registry.internal", eu.uri()));
        source.push("mcr/app", image, "v1");
        source.push("mcr/app", signature);
        configure(blocks(addressed, "yaml").getFirst());

        List<String> commands = lines(addressed);
        assertThat(commands).hasSize(6);
        commands.forEach(this::succeeds);

        assertThat(eu.manifests("mcr/app")).contains(image.digest(), signature.digest());
        assertThat(us.resolve("mirror/mcr/app", "v1")).contains(image.digest());
        assertThat(us.resolve("by-hand/app", "v1")).contains(image.digest());
        assertThat(folder.resolve("export/images.tar")).exists();
    }

    private void configure(String yaml) throws IOException {
        Files.writeString(folder.resolve("entrepot.yaml"), SERVER + yaml);
    }

    private void succeeds(String command) {
        String[] words = command.split(" +");
        assertThat(words[0]).isEqualTo("./entrepot");
        Result result = new CommandRunner(folder)
                .run(List.of(words).subList(1, words.length).toArray(new String[0]));
        assertThat(result.code())
                .as(command + "\n" + result.err() + result.out())
                .isZero();
    }

    private static String addressed(String text, Map<String, URI> addresses) {
        String result = text;
        for (Map.Entry<String, URI> address : addresses.entrySet()) {
            assertThat(text).contains(address.getKey());
            result = result.replace(address.getKey(), address.getValue().toString());
        }
        return result;
    }

    private static List<String> blocks(String markdown, String language) {
        return Pattern.compile("(?s)```" + language + "\n(.*?)```")
                .matcher(markdown)
                .results()
                .map(block -> block.group(1))
                .toList();
    }

    private static List<String> lines(String markdown) {
        return blocks(markdown, "sh").stream()
                .flatMap(String::lines)
                .map(line -> line.replaceAll(" +#.*", ""))
                .toList();
    }
}
