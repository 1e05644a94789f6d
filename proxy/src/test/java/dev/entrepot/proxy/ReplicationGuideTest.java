package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
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
    private final Images images = new Images(23);
    private final Bundle image = images.image(4000, 300);
    private final Bundle signature = images.referrer(image, "application/vnd.test.signature");

    @AfterEach
    void close() {
        source.close();
        eu.close();
        us.close();
    }

    @Test
    void guideDoesWhatItSays() throws Exception {
        String guide = addressed(
                Files.readString(project.resolve("docs/guides/geo-replication.md")),
                Map.of(
                        "https://registry.internal", source.uri(),
                        "https://eu.registry.internal", eu.uri(),
                        "https://us.registry.internal", us.uri()));
        source.push("team/app", image, "v1.2.0");
        source.push("team/app", signature);
        List<String> configurations = blocks(guide, "yaml");
        configure(configurations.getFirst());
        List<String> commands = lines(guide);
        int serve = commands.indexOf("./entrepot serve");

        commands.subList(0, serve).forEach(this::succeeds);
        assertThat(eu.resolve("team/app", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("mirror/team/app", "v1.2.0")).contains(image.digest());
        assertThat(eu.manifests("team/app")).contains(signature.digest());
        assertThat(us.resolve("mirror/team/app", image.digest().referrersTag().value()))
                .isPresent();
        assertThat(eu.resolve("team/hotfix", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("team/carried", "v1.2.0")).contains(image.digest());
        assertThat(us.resolve("team/carried", image.digest().referrersTag().value()))
                .isPresent();
        asksTheServer(commands.subList(serve + 1, commands.size()), guide);

        configure(configurations.getLast());
        EntrepotConfig notifying = ConfigLoader.load(
                        Optional.empty(), folder, Map.of("PUSH_SECRET", "p", "HOOK_KEY", "h"))
                .config();
        assertThat(notifying.replication().notifications().receive()).isPresent();
        assertThat(notifying.replication().notifications().deliver()).hasSize(1);
    }

    private void asksTheServer(List<String> commands, String guide) throws Exception {
        assertThat(commands).hasSize(4).allMatch(command -> command.startsWith("curl "));
        EntrepotConfig config =
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config();
        ClientEnvironment environment = ClientEnvironment.system("test");
        try (Mirror mirror = Mirror.start(config, environment, OutputStream.nullOutputStream());
                HttpClient client = HttpClient.newHttpClient()) {
            String metrics = "";
            for (String command : commands) {
                HttpResponse<String> answer = client.send(
                        request(command.replace("127.0.0.1:5001", "127.0.0.1:" + mirror.adminPort())),
                        HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).as(command).isBetween(200, 299);
                metrics = answer.body();
            }
            for (String name : Pattern.compile("`(entrepot_[a-z_]+)`")
                    .matcher(guide)
                    .results()
                    .map(found -> found.group(1))
                    .toList()) {
                assertThat(metrics).contains("# TYPE " + name + " ");
            }
        }
    }

    private static HttpRequest request(String curl) {
        String url = curl.substring(curl.lastIndexOf(' ') + 1);
        return HttpRequest.newBuilder(URI.create(url))
                .method(curl.startsWith("curl -X POST ") ? "POST" : "GET", HttpRequest.BodyPublishers.noBody())
                .build();
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
