package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The dashboard and the alert rules of {@code deploy/monitoring} speak of metrics and labels that a running server has.
 */
class MonitoringTest {
    private static final Path MONITORING = Path.of("../deploy/monitoring");
    private static final Pattern NAME = Pattern.compile("entrepot_[a-z_]+");
    private static final Pattern SELECTOR = Pattern.compile("(entrepot_[a-z_]+)\\{([^}]*)}");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)\\s*(?:=~|!~|!=|=)\\s*\"([^\"]*)\"");
    private static final Pattern GROUPING = Pattern.compile("\\bby \\(([^)]*)\\)");
    /** What Prometheus itself adds. */
    private static final Set<String> SCRAPED = Set.of("instance", "job");

    @TempDir
    private Path folder;

    /** What a server says: its metrics, each with the values of its labels. */
    private record Exposed(Map<String, Map<String, Set<String>>> labels) {
        static Exposed parse(String text) {
            Map<String, Map<String, Set<String>>> found = new HashMap<>();
            Pattern sample = Pattern.compile("(entrepot_[a-z_]+)(?:\\{(.*)})? \\S+");
            text.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
                Matcher matcher = sample.matcher(line);
                assertThat(matcher.matches()).as(line).isTrue();
                Map<String, Set<String>> labels = found.computeIfAbsent(matcher.group(1), name -> new HashMap<>());
                if (matcher.group(2) != null) {
                    Matcher label = LABEL.matcher(matcher.group(2));
                    while (label.find()) {
                        labels.computeIfAbsent(label.group(1), name -> new TreeSet<>())
                                .add(label.group(2));
                    }
                }
            });
            return new Exposed(found);
        }

        Exposed and(Exposed other) {
            Map<String, Map<String, Set<String>>> both = new HashMap<>(other.labels);
            both.putAll(labels);
            return new Exposed(both);
        }
    }

    private Exposed exposed() throws Exception {
        try (TestRegistry upstream = TestRegistry.started();
                TestRegistry target = TestRegistry.started()) {
            Bundle image = new Images(3).image(1000, 100);
            upstream.push(MirrorFixture.APP, image, "v1");
            upstream.quota(1000);
            try (MirrorFixture mirror = MirrorFixture.started(folder, """
                    default-upstream: registry.test
                    upstreams:
                      registry.test: {url: "%s"}
                    replication:
                      rules: [{name: to-eu, source: registry.test, repositories: ["team/*"], targets: [{url: "%s"}], schedule: every 1h}]
                    """.formatted(upstream.uri(), target.uri()))) {
                mirror.get("/v2/" + MirrorFixture.APP + "/manifests/v1");
                MirrorFixture.await(() -> mirror.metrics().contains("entrepot_replication_lag_seconds{"));
                return Exposed.parse(mirror.metrics());
            }
        }
    }

    // What is there with a certificate only.
    private Exposed withCertificate() throws Exception {
        PemFiles files = PemFiles.make(folder, "server", "-keyalg", "EC");
        Path other = Files.createDirectory(folder.resolve("other"));
        try (MirrorFixture mirror = MirrorFixture.started(other, """
                builtin-upstreams: false
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", tls: {certificate: "%s", key: "%s"}}
                """.formatted(files.certificate(), files.key()))) {
            return Exposed.parse(mirror.metrics());
        }
    }

    @Test
    void everyMetricAndLabelOfDashboardAndAlertsExists() throws Exception {
        Exposed exposed = exposed().and(withCertificate());
        List<String> expressions = expressions();
        assertThat(expressions).hasSizeGreaterThan(60);
        for (String expression : expressions) {
            Set<String> known = new TreeSet<>(SCRAPED);
            Matcher name = NAME.matcher(expression);
            while (name.find()) {
                assertThat(exposed.labels()).as(expression).containsKey(name.group());
                known.addAll(exposed.labels().get(name.group()).keySet());
            }
            Matcher selector = SELECTOR.matcher(expression);
            while (selector.find()) {
                checkSelector(expression, exposed.labels().get(selector.group(1)), selector.group(2));
            }
            Matcher grouping = GROUPING.matcher(expression);
            while (grouping.find()) {
                assertThat(known).as(expression).contains(grouping.group(1).split(", "));
            }
        }
    }

    private static void checkSelector(String expression, Map<String, Set<String>> labels, String selector) {
        Matcher label = LABEL.matcher(selector);
        while (label.find()) {
            if (!SCRAPED.contains(label.group(1))) {
                assertThat(labels).as(expression).containsKey(label.group(1));
            }
            // Kinds are a closed set, all of which are there from the start where there is a histogram of them.
            if (label.group(1).equals("kind") && labels.get("kind").size() > 1) {
                assertThat(labels.get("kind"))
                        .as(expression)
                        .contains(label.group(2).split("\\|"));
            }
        }
    }

    @Test
    void thereIsAnAlertAndAPanelForWhatSomebodyHasToSeeTo() throws Exception {
        String alerts = Files.readString(MONITORING.resolve("alerts.yaml"));
        String dashboard = Files.readString(MONITORING.resolve("dashboard.json"));
        for (String metric : List.of(
                "entrepot_authentication_failures_total",
                "entrepot_access_refused_total",
                "entrepot_certificate_expiry_timestamp_seconds",
                "entrepot_files_outdated",
                "entrepot_rules_outdated",
                "entrepot_pins_incomplete",
                "entrepot_scrub_bad_total",
                "entrepot_upstream_breaker_state",
                "entrepot_upstream_quota_remaining",
                "entrepot_connections_limit",
                "entrepot_replication_failing",
                "entrepot_fills_failed_total")) {
            assertThat(alerts).as("alert").contains(metric);
            assertThat(dashboard).as("panel").contains(metric);
        }
    }

    @Test
    void everyAlertIsTriedBothWaysAndNoneThatThereIsNot() throws Exception {
        Set<String> alerts = found("- alert: (\\w+)\n", "alerts.yaml");
        assertThat(alerts).hasSizeGreaterThan(20);
        assertThat(found("\n +alertname: (\\w+)\n +exp_alerts:\n", "alerts.test.yaml"))
                .as("fires")
                .isEqualTo(alerts);
        Set<String> silent = found("alertname: (\\w+), exp_alerts: \\[]", "alerts.test.yaml");
        // Of these one instance or upstream fires in a test and another one does not.
        silent.addAll(List.of("EntrepotUpstreamFailing", "EntrepotReplicationLate"));
        assertThat(silent).as("does not fire").isEqualTo(alerts);
    }

    private static Set<String> found(String pattern, String file) throws Exception {
        Matcher matcher = Pattern.compile(pattern).matcher(Files.readString(MONITORING.resolve(file)));
        Set<String> found = new TreeSet<>();
        while (matcher.find()) {
            found.add(matcher.group(1));
        }
        return found;
    }

    // As the page on the admin port counts (Traffic): what brought no content says nothing, and only a miss was
    // fetched.
    @Test
    void theDashboardCountsAnswersWithoutAFetchAsThePageDoes() throws Exception {
        String answered = "entrepot_requests_total{instance=~\\\"$instance\\\",status=~\\\"2..|3..\\\",verdict";
        assertThat(Files.readString(MONITORING.resolve("dashboard.json")))
                .contains("sum(rate(" + answered + "!~\\\"miss|none\\\"}[$__rate_interval])) / sum(rate(" + answered
                        + "!=\\\"none\\\"}[$__rate_interval]))");
    }

    private static List<String> expressions() throws Exception {
        List<String> expressions = new ArrayList<>();
        collect(OciJson.mapper().readTree(Files.readAllBytes(MONITORING.resolve("dashboard.json"))), expressions);
        // Of the rules every metric is in an expression; their texts have none.
        for (String rule : Files.readString(MONITORING.resolve("alerts.yaml")).split("- alert: ")) {
            int from = rule.indexOf("expr:");
            if (from >= 0) {
                expressions.add(rule.substring(from, rule.indexOf("annotations:")));
            }
        }
        return expressions;
    }

    private static void collect(JsonNode node, List<String> expressions) {
        if (node.has("expr")) {
            expressions.add(node.get("expr").stringValue());
        }
        // That of a variable.
        if (node.path("query").isString()) {
            expressions.add(node.get("query").stringValue());
        }
        node.forEach(child -> collect(child, expressions));
    }
}
