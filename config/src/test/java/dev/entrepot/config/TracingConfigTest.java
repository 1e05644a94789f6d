package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TracingConfigTest {
    @TempDir
    private Path folder;

    private LoadedConfig load(String yaml) {
        return Loading.load(yaml, folder, Map.of("TOKEN", "Bearer sesame"));
    }

    @Test
    void nothingIsTracedUnlessItIsAskedFor() {
        assertThat(EntrepotConfig.defaults().tracing()).isEmpty();
    }

    @Test
    void theHeadersAreSecretAndNothingIsToldToUpstreamsThatIsNotAskedFor() {
        LoadedConfig loaded = load("""
                tracing:
                  endpoint: http://collector.test:4318/v1/traces?key=sesame
                  headers: {Authorization: "${env:TOKEN}"}
                """);
        TracingConfig tracing = loaded.config().tracing().orElseThrow();

        assertThat(tracing.oneIn()).isEqualTo(1);
        assertThat(tracing.tell()).isEmpty();
        assertThat(tracing.headers()).containsEntry(new FieldName("Authorization"), Secret.of("Bearer sesame"));
        assertThat(ConfigPrinter.print(loaded) + loaded.config()).doesNotContain("sesame");
    }

    @Test
    void onlyUpstreamsThatThereAreCanBeTold() {
        assertThat(load("tracing: {endpoint: \"http://c.test\", tell-upstreams: [quay.io]}")
                        .config()
                        .tracing()
                        .orElseThrow()
                        .tell())
                .containsExactly(RegistryHost.parse("quay.io"));
        assertThat(Loading.places("tracing: {endpoint: \"http://c.test\", tell-upstreams: [quay.oi]}"))
                .containsExactly("1:55 tracing.tell-upstreams[0] CONFLICT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Host", "content-length", "Connection", "EXPECT", "Upgrade", "Content-Type"})
    void fieldsThatTheClientSetsItselfAreRefused(String name) {
        assertThat(Loading.error("tracing:\n  endpoint: http://c.test\n  headers:\n    " + name + ": x\n"))
                .hasToString(
                        "test.yaml:4:5: tracing.headers[" + name + "]: invalid value \"" + name
                                + "\": expected another field: this one is set by the client that delivers spans; leave it out");
    }

    @Test
    void aFieldIsThereOnceWhateverItsCase() {
        assertThat(Loading.error("tracing:\n  endpoint: http://c.test\n  headers:\n    X-Key: x\n    x-key: y\n")
                        .toString())
                .startsWith("test.yaml:5:5: tracing.headers[x-key]: ")
                .contains("it is there as \"X-Key\" at 4:5 already; each name once, whatever its case");
    }

    @Test
    void mistakesAreReported() {
        assertThat(Loading.places("tracing: {one-in: 5}")).containsExactly("1:10 tracing.endpoint MISSING_KEY");
        assertThat(Loading.places("tracing: {endpoint: \"http://c.test\", ca: pom.xml}"))
                .containsExactly("1:42 tracing.ca INVALID_VALUE");
        assertThat(Loading.places("tracing: {endpoint: \"http://c.test\", headers: {\"a b\": c}}"))
                .hasSize(1);
        assertThat(Loading.places("tracing: {endpoint: \"http://c.test\", headers: {a: \"b\\nc\"}}"))
                .containsExactly("1:47 tracing.headers INVALID_VALUE");
    }
}
