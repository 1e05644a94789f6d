package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.proxy.admin.Metrics.Description;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page with all metrics, which is made of what a server says of them that has everything switched on. With
 * {@code ENTREPOT_REGENERATE=true} in the environment it is written anew instead of compared.
 */
class MetricsPageTest {
    private static final Path PAGE = Path.of("../docs/metrics.md");
    private static final String HEAD = """
            # Metrics

            All metrics of a server, as `/metrics` of the admin port shows them, with what it says of each; made from the code, and compared with it by a test. Alerts and a dashboard: [deploy.md](deploy.md#monitoring).
            What verdicts are: [watching.md](watching.md#where-an-answer-came-from). Those that speak of certificates, traces, the access log or passed credentials are there where these are in use. A label has the values that occurred;
            a histogram has `_bucket` (with the label `le`), `_sum` and `_count`.

            | name | type | labels | |
            |---|---|---|---|
            """;

    @TempDir
    private Path folder;

    private List<Description> described() throws Exception {
        PemFiles files = PemFiles.make(folder, "server", "-keyalg", "EC");
        try (MirrorFixture mirror = MirrorFixture.started(
                Files.createDirectory(folder.resolve("server")), """
                upstreams: {registry.test: {url: "http://127.0.0.1:9", pass-through: {proof: head, proof-for: 5m}}}
                tracing: {endpoint: "http://127.0.0.1:9/v1/traces"}
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 0s, tls: {certificate: "%s", key: "%s"}}
                """.formatted(files.certificate(), files.key()))) {
            return mirror.describedMetrics();
        }
    }

    private static String row(Description metric) {
        String labels =
                metric.labelNames().stream().map(label -> "`" + label + "`").collect(Collectors.joining(", "));
        return "| `" + metric.name() + "` | " + metric.type() + " | " + labels + " | "
                + metric.help().replace("|", "\\|") + " |\n";
    }

    @Test
    void thePageInTheRepositoryIsThatOfTheMetrics() throws Exception {
        String expected = HEAD + described().stream().map(MetricsPageTest::row).collect(Collectors.joining());

        if ("true".equals(System.getenv("ENTREPOT_REGENERATE"))) {
            Files.writeString(PAGE, expected);
        }
        assertThat(Files.readString(PAGE))
                .as("%s; run this test with ENTREPOT_REGENERATE=true in the environment to write it anew", PAGE)
                .isEqualTo(expected);
    }
}
