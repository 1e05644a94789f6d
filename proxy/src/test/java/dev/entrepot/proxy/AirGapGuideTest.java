package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Does what the guide and the README say about the air gap, to the letter but for the addresses of the registries and
 * the size of a volume.
 */
class AirGapGuideTest {
    private static final String SERVER = "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: \"off\"}\n";
    private static final Pattern EXITS = Pattern.compile(" +# exits with ([0-9]+)$");

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();
    private final TestRegistry outside = TestRegistry.started();
    private final TestRegistry inside = TestRegistry.started();
    private final TestRegistry other = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final Images images = new Images(29);
    private final Bundle image = images.image(60_000, 70_000, 80_000);
    private final Bundle signature = images.referrer(image, "application/vnd.test.signature");

    @AfterEach
    void close() {
        outside.close();
        inside.close();
        other.close();
    }

    @Test
    void guideDoesWhatItSays() throws Exception {
        String guide = addressed(
                Files.readString(project.resolve("docs/guides/air-gap.md")),
                Map.of(
                        "https://registry.internal", outside.uri().toString(),
                        "https://registry.inside", inside.uri().toString(),
                        "https://other.inside", other.uri().toString(),
                        "4.7GB", "100KB",
                        "127.0.0.1:5000", "127.0.0.1:0"));
        outside.push("team/app", image, "v1.2.0");
        outside.push("team/app", signature);
        Bundle next = withMore(90_000);
        outside.push("team/app", next, "v1.3.0");
        Bundle fix = withMore(1_000);
        outside.push("team/app", fix, "v1.2.1");
        Files.writeString(
                folder.resolve("entrepot.yaml"), SERVER + blocks(guide, "yaml").getFirst());

        List<String> commands =
                blocks(guide, "sh").stream().flatMap(String::lines).toList();
        assertThat(commands).hasSize(22);
        for (String command : commands) {
            does(command);
        }

        assertThat(inside.resolve("mirror/team/app", "v1.2.0")).contains(image.digest());
        assertThat(inside.manifests("mirror/team/app")).contains(signature.digest());
        assertThat(other.resolve("team/app", "v1.2.0")).contains(image.digest());
        assertThat(other.resolve("team/app", image.digest().referrersTag().value()))
                .isPresent();
        assertThat(inside.resolve("mirror/team/app", "v1.3.0")).contains(next.digest());
        assertThat(Files.size(folder.resolve("next/update.tar")))
                .as("the new layer, and none of the 210 kB that are inside")
                .isBetween(90_000L, 110_000L);
        assertThat(inside.resolve("mirror/team/app", "v1.2.1")).contains(fix.digest());
        assertThat(Files.size(folder.resolve("later/patch.tar"))).isLessThan(40_000);
    }

    @Test
    void readmeDoesWhatItSays() throws Exception {
        String readme = Files.readString(project.resolve("README.md"));
        String section = addressed(
                readme.substring(readme.indexOf("### Carry it"), readme.indexOf("### Watch it")),
                Map.of("http://127.0.0.1:5105", inside.uri().toString()));
        outside.push("mcr/app", image, "v1");
        outside.push("mcr/app", signature);
        Bundle next = withMore(90_000);
        outside.push("mcr/app", next, "v2");
        Files.writeString(
                folder.resolve("entrepot.yaml"), SERVER + "upstreams: {registry.test: {url: " + outside.uri() + "}}\n");
        List<String> commands =
                blocks(section, "sh").stream().flatMap(String::lines).toList();
        assertThat(commands).hasSize(8);
        for (String command : commands) {
            does(command);
        }
        assertThat(inside.resolve("mirror/mcr/app", "v1")).contains(image.digest());
        assertThat(inside.resolve("mirror/mcr/app", "v2")).contains(next.digest());
        assertThat(inside.manifests("mirror/mcr/app")).contains(signature.digest());
        assertThat(Files.size(folder.resolve("disk/release.tar"))).isGreaterThan(210_000);
        assertThat(Files.size(folder.resolve("next/update.tar")))
                .as("the new layer, and none of the 210 kB that are inside")
                .isBetween(90_000L, 110_000L);
        assertThat(folder.resolve("receipt.json.sig")).exists();
        assertThat(Files.readString(folder.resolve("receipt.json"))).contains("\"tag\":\"v1\"", "\"tag\":\"v2\"");
    }

    /** The layers of the first image, and one more. */
    private Bundle withMore(long layerBytes) {
        Bundle more = new Images(29).image(60_000, 70_000, 80_000, layerBytes);
        assertThat(image.blobs().keySet().stream()
                        .filter(more.blobs().keySet()::contains)
                        .mapToLong(blob -> more.blobs().get(blob).sizeBytes())
                        .sum())
                .isGreaterThanOrEqualTo(210_000);
        return more;
    }

    private void does(String line) throws Exception {
        Matcher exits = EXITS.matcher(line);
        int expected = exits.find() ? Integer.parseInt(exits.group(1)) : 0;
        String command = EXITS.matcher(line).replaceFirst("");
        String[] words = command.split(" +");
        if (!words[0].equals("./entrepot")) {
            Process process = new ProcessBuilder(words)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .start();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(command).isTrue();
            assertThat(process.exitValue()).as(command).isEqualTo(expected);
            return;
        }
        String[] arguments = List.of(words).subList(1, words.length).toArray(new String[0]);
        Result result = words[1].equals("serve")
                ? new CommandRunner(folder).run(this::pulls, arguments)
                : new CommandRunner(folder).run(arguments);
        assertThat(result.code())
                .as(command + "\n" + result.err() + result.out())
                .isEqualTo(expected);
    }

    private void pulls(Serving mirror) throws InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI uri = URI.create("http://127.0.0.1:" + mirror.port() + "/v2/team/app/manifests/v1.2.0");
            HttpResponse<byte[]> answer =
                    client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
            assertThat(answer.body()).isEqualTo(image.root().array());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String addressed(String text, Map<String, String> replacements) {
        String result = text;
        for (Map.Entry<String, String> replacement : replacements.entrySet()) {
            assertThat(text).contains(replacement.getKey());
            result = result.replace(replacement.getKey(), replacement.getValue());
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
}
