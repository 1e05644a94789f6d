package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReferencesTest {
    @TempDir
    Path directory;

    @Test
    void variablesAreReplacedAnywhereInAValue() {
        LoadedConfig loaded = Loading.load(
                "server: {listen: \"${env:HOST}:${env:PORT:-5000}\", drain: \"${env:DRAIN}\"}",
                directory,
                Map.of("HOST", "localhost", "DRAIN", "5s"));

        assertThat(loaded.config().server().listen()).hasToString("localhost:5000");
        assertThat(loaded.config().server().drain()).hasSeconds(5);
        assertThat(loaded.originOf("server.drain")).isEqualTo(new Origin.Environment("DRAIN"));
        assertThat(loaded.originOf("server.listen")).isEqualTo(new Origin.Environment("HOST"));
    }

    @Test
    void aDefaultCountsIfTheVariableIsNotSetOrEmpty() {
        Map<String, String> environment = Map.of("EMPTY", "");

        assertThat(resolve("${env:MISSING:-a:-b}", environment)).isEqualTo("a:-b");
        assertThat(resolve("${env:EMPTY:-x}", environment)).isEqualTo("x");
        assertThat(resolve("${env:EMPTY}", environment)).isEmpty();
        assertThat(resolve("${env:MISSING:-}", environment)).isEmpty();
        assertThat(Loading.load("server: {drain: \"${env:MISSING:-7s}\"}", directory, environment)
                        .originOf("server.drain"))
                .hasToString("test.yaml:1");
    }

    @Test
    void whatAVariableHoldsIsNotLookedAtAgain() {
        assertThat(resolve("${env:A}", Map.of("A", "${env:B}"))).isEqualTo("${env:B}");
    }

    @Test
    void twoDollarsAreAPlainOne() {
        assertThat(resolve("a$${b} $${env:C} $$ $5", Map.of())).isEqualTo("a${b} ${env:C} $$ $5");
        assertThat(resolve(References.escape("x${env:A}$${y}"), Map.of())).isEqualTo("x${env:A}$${y}");
    }

    @Test
    void aMissingVariableIsAnErrorWithItsPlace() {
        assertThat(Loading.error("cache:\n  capacity: ${env:CAPACITY}\n"))
                .hasToString("test.yaml:2:13: cache.capacity: unresolved reference \"${env:CAPACITY}\":"
                        + " the environment variable CAPACITY is not set");
    }

    @Test
    void malformedReferencesAreErrors() {
        for (String text : List.of("${env:A", "${HOME}", "${env:}", "${env:a b}", "${sys:x}", "${}")) {
            assertThatThrownBy(() -> resolve(text, Map.of()))
                    .as(text)
                    .isInstanceOf(InvalidValueException.class)
                    .hasMessageContaining("${env:NAME}");
        }
    }

    @Test
    void aReferenceWithinAnotherIsAnError() {
        Map<String, String> environment = Map.of("A", "a", "B", "b");

        for (String text : List.of("${env:A:-${env:B}}", "${env:MISSING:-${env:B}}", "${file:${env:A}}")) {
            assertThatThrownBy(() -> resolve(text, environment))
                    .as(text)
                    .isInstanceOf(InvalidValueException.class)
                    .hasMessageContaining("no reference within another");
        }
        assertThat(resolve("${env:A}${env:MISSING:-x}${env:B}", environment)).isEqualTo("axb");
    }

    @Test
    void aFileThatIsNotUtf8IsAnError() throws IOException {
        Files.write(directory.resolve("latin"), new byte[] {'p', (byte) 0xe9, '\n'});

        assertThatThrownBy(() -> resolve("${file:latin}", Map.of())).hasMessageContaining("latin is not UTF-8");
    }

    @Test
    void theByteOrderMarkOfAFileIsNoPartOfAValue() throws IOException {
        Files.writeString(directory.resolve("marked"), "\uFEFFghcr.io\r\n");
        assertThat(Loading.load("default-upstream: \"${file:marked}\"", directory, Map.of())
                        .config()
                        .defaultUpstream())
                .contains(new RegistryHost("ghcr.io"));
    }

    @Test
    void filesAreReadWithoutTheLineBreakAtTheirEnd() throws IOException {
        Files.writeString(directory.resolve("unix"), "two\nlines\n");
        Files.writeString(directory.resolve("windows"), "one\r\n");

        assertThat(resolve("${file:unix}", Map.of())).isEqualTo("two\nlines");
        assertThat(resolve("${file:" + directory.resolve("windows") + "}", Map.of()))
                .isEqualTo("one");
    }

    @Test
    void aFileThatIsMissingOrTooLargeIsAnError() throws IOException {
        Files.write(directory.resolve("large"), new byte[References.MAX_FILE_BYTES + 1]);

        assertThatThrownBy(() -> resolve("${file:missing}", Map.of()))
                .hasMessageContaining("the file missing is not there");
        assertThatThrownBy(() -> resolve("${file:large}", Map.of())).hasMessageContaining("longer than 64KiB");
        assertThatThrownBy(() -> resolve("${file:.}", Map.of())).hasMessageContaining("is not there");
    }

    @Test
    void secretsAreReadThroughReferencesAndShownNowhere() {
        LoadedConfig loaded = Loading.load(
                "upstreams: {a.test: {credentials: {username: u, password: \"${env:PASSWORD}\"}}}",
                directory,
                Map.of("PASSWORD", "hunter2"));
        CredentialsConfig credentials = loaded.config()
                .upstreams()
                .get(new RegistryHost("a.test"))
                .credentials()
                .orElseThrow();

        assertThat(credentials).isEqualTo(new CredentialsConfig.UsernamePassword("u", Secret.of("hunter2")));
        assertThat(credentials.toString()).contains("***").doesNotContain("hunter2");
        assertThat(loaded.toString()).doesNotContain("hunter2");
        assertThat(ConfigPrinter.print(loaded))
                .contains("password: \"***\"  # env PASSWORD")
                .doesNotContain("hunter2");
    }

    @Test
    void errorsShowTheReferenceButNoSecret() {
        Map<String, String> environment = Map.of("PASSWORD", "", "URL", "ftp://hunter2@a.test");

        assertThat(Loading.errors(
                                "upstreams: {a.test: {url: \"${env:URL}\", credentials: {bearer-token: \"${env:PASSWORD}\"}}}",
                                directory,
                                environment)
                        .toString())
                .contains("${env:URL}", "${env:PASSWORD}")
                .doesNotContain("hunter2");
        assertThat(Loading.error("upstreams: {a.test: {credentials: {bearer-token: \"hunter2${env:X}\"}}}")
                        .toString())
                .contains("***")
                .doesNotContain("hunter2");
    }

    private String resolve(String text, Map<String, String> environment) {
        return new References(directory, environment).resolve(text).text();
    }
}
