package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1DaemonSet;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Service;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.json.JsonMapper;

/**
 * The chart, rendered by Helm itself as a library, and held against the types of the Kubernetes API as its client has
 * them: no field that is unknown, none missing that must be there. Nothing here asks a cluster. Long, because each
 * value of the chart is one case over the same rendering.
 */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class ChartTest {
    private static final Path CHART = Path.of("chart");

    @TempDir
    Path folder;

    @Test
    void lintFindsNothing() {
        LintResult result = new Helm(CHART).lint().strict().call();
        assertThat(result.isFailed()).as(result.getMessages().toString()).isFalse();
    }

    @Test
    void defaultsAreValidAndFitTheRestrictedStandard() throws Exception {
        Map<String, JsonObject> objects = render(template());
        assertThat(objects.keySet())
                .containsExactly(
                        "ConfigMap/mirror",
                        "Deployment/mirror",
                        "NetworkPolicy/mirror",
                        "PersistentVolumeClaim/mirror",
                        "Service/mirror",
                        "Service/mirror-admin");
        assertRestricted(podOf(objects.get("Deployment/mirror")));
    }

    @Test
    void everyOptionTogetherIsValid() throws Exception {
        Map<String, JsonObject> objects = render(everything());
        assertThat(objects.keySet())
                .contains("DaemonSet/mirror-hosts", "ConfigMap/mirror-hosts", "ServiceMonitor/mirror")
                .doesNotContain("PersistentVolumeClaim/mirror");
        assertRestricted(podOf(objects.get("Deployment/mirror")));
    }

    @Test
    void configurationOfTheChartIsOneThatTheServerTakes() throws Exception {
        EntrepotConfig config = configuration(render(everything()));
        assertThat(config.server().listen()).hasToString(":5000");
        assertThat(config.server().admin()).hasToString(":5001");
        assertThat(config.server().tls()).isPresent();
        assertThat(config.cache().directory()).isEqualTo(Path.of("/var/lib/entrepot"));
        assertThat(configuration(render(template())).defaultUpstream())
                .hasValueSatisfying(host -> assertThat(host.value()).isEqualTo("docker.io"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.mirror",
                "2026",
                "1e3",
                "0x1f",
                "7.eu",
                "true",
                "null",
                "a1-very-long.name-of-a.release-with-as-many-letters"
            })
    void releaseOfAnyNameThatHelmTakesHasValidNamesAndLabels(String release) throws Exception {
        Map<String, JsonObject> objects = render(everything().withName(release));
        assertThat(objects).hasSizeGreaterThan(6);
        for (JsonObject object : objects.values()) {
            JsonObject metadata = object.getAsJsonObject("metadata");
            assertThat(text(metadata.get("name"))).matches("[a-z]([a-z0-9-]{0,61}[a-z0-9])?");
            assertThat(text(metadata.getAsJsonObject("labels").get("app.kubernetes.io/instance")))
                    .isEqualTo(release);
        }
    }

    private static String text(JsonElement value) {
        assertThat(value.getAsJsonPrimitive().isString()).as(value.toString()).isTrue();
        return value.getAsString();
    }

    @Test
    void releasesOfSimilarNamesShareNothing() throws Exception {
        for (String[] two : new String[][] {{"a.b", "a-b"}, {"1a", "entrepot-1a"}, {"1.a", "1-a"}}) {
            assertThat(render(template().withName(two[0])).keySet())
                    .doesNotContainAnyElementsOf(
                            render(template().withName(two[1])).keySet());
        }
    }

    @Test
    void typesOfTheApiRefuseWhatTheyDoNotKnow() throws Exception {
        JsonObject deployment = render(template()).get("Deployment/mirror");
        podOf(deployment).getAsJsonArray("containers").get(0).getAsJsonObject().addProperty("readynessProbe", "typo");
        assertThatThrownBy(() -> validate(deployment)).hasMessageContaining("readynessProbe");
    }

    @Test
    void hostsTomlWithoutAnAddressIsRefused() {
        assertThatThrownBy(() -> template().set("hostsToml.enabled", true).call())
                .hasMessageContaining("hostsToml.address");
    }

    @Test
    void hostsTomlThatNodesCouldNotUseIsRefused() {
        String nodes = "hostsToml: {enabled: true, address: \"%s\"}%n";
        for (String wrong : List.of(
                nodes.formatted("http://127.0.0.1:30500") + "tlsSecret: mirror-tls",
                nodes.formatted("https://127.0.0.1:30500"),
                nodes.formatted("http://127.0.0.1:30500") + "config: {server: {authentication: {htpasswd: /a}}}")) {
            assertThatThrownBy(() -> with(wrong).call()).as(wrong).hasMessageContaining("go past the mirror");
        }
    }

    @Test
    void hostsTomlHasTheAuthorityAndWhoTheNodesAre() throws Exception {
        Map<String, JsonObject> objects = render(everything());
        JsonObject data = objects.get("ConfigMap/mirror-hosts").getAsJsonObject("data");
        assertThat(data.get("hosts.toml").getAsString())
                .contains("[host.\"https://127.0.0.1:30500\"]", "ca = \"entrepot-ca.crt\"");
        assertThat(data.get("ca.crt").getAsString()).isEqualTo("a certificate\n");
        // The folders of the container, here.
        Path hosts = Files.createDirectories(folder.resolve("hosts"));
        for (String name : List.of("hosts.toml", "ca.crt")) {
            Files.writeString(hosts.resolve(name), data.get(name).getAsString());
        }
        Files.createDirectories(folder.resolve("made"));
        Files.writeString(
                Files.createDirectories(folder.resolve("authorization")).resolve("authorization"), "Basic x\n");
        Path quay = Files.createDirectories(folder.resolve("host/quay.io"));
        Files.writeString(quay.resolve("hosts.toml"), "somebody else's");
        String script = data.get("write")
                .getAsString()
                .replaceAll("(/(?:hosts?|made|authorization)/)", folder + "$1")
                .replace("sleep 3600", "kill $$; sleep 5");
        assertThat(script).contains(folder + "/host/$registry/");
        Path written = folder.resolve("host/docker.io/hosts.toml");
        Process process = new ProcessBuilder(
                        "sh", "-c", script.replace("while :;", "cp -p " + written + " " + folder + "/seen; while :;"))
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        process.getInputStream().readAllBytes();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

        assertThat(Files.readString(folder.resolve("seen"))).isEqualTo("""
                # Pulls go to Entrepôt first, and to the registry itself if that does not answer.
                [host."https://127.0.0.1:30500"]
                  capabilities = ["pull", "resolve"]
                  ca = "entrepot-ca.crt"
                  [host."https://127.0.0.1:30500".header]
                    authorization = "Basic x"
                """);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("seen"))))
                .isEqualTo("rw-------");
        assertThat(written).as("taken away when the pod ends").doesNotExist();
        assertThat(quay.resolve("hosts.toml")).hasContent("somebody else's");
    }

    @Test
    void nobodyMayPullUnlessSomebodySaysWho() throws Exception {
        assertThatThrownBy(() -> untouched().call()).hasMessageContaining("config.server: say who may pull");
        assertThat(configuration(render(everything())).server().anonymous()).isFalse();
        String authorities = "config: {server: {tls: {client-ca: /etc/entrepot-tls/tls.crt}}}\ntlsSecret: mirror-tls\n";
        Path values = Files.writeString(folder.resolve("changed.yaml"), authorities);
        assertThat(configuration(render(untouched().withValuesFile(values)))
                        .server()
                        .tls()
                        .orElseThrow()
                        .clientCa())
                .isPresent();
    }

    /** What the interoperability run has a shell run and containerd read. */
    @Test
    void filesOfTheDaemonSetAreThoseThatContainerdReads() throws Exception {
        JsonObject data = render(with("""
                        tlsSecret: mirror-tls
                        config: {server: {authentication: {htpasswd: /etc/entrepot-secrets/users/htpasswd}}}
                        hostsToml:
                          enabled: true
                          address: "https://mirror.internal:5000"
                          registries: [docker.io, mcr.microsoft.com]
                          ca: "a certificate"
                          authorization: {secret: nodes}
                        """)).get("ConfigMap/mirror-hosts").getAsJsonObject("data");
        for (String name : List.of("hosts.toml", "write")) {
            Path file = Path.of("interop/daemonset").resolve(name);
            String rendered = data.get(name).getAsString();
            if (Boolean.parseBoolean(System.getenv("ENTREPOT_REGENERATE"))) {
                Files.writeString(file, rendered);
            }
            assertThat(file).content().isEqualTo(rendered);
        }
    }

    @Test
    void networkPolicyLetsInWhomTheValuesName() throws Exception {
        assertThat(ingress(render(template()))).isEqualTo(json("""
                [{"ports": [{"port": "registry", "protocol": "TCP"}]}]"""));
        assertThat(ingress(render(everything()))).isEqualTo(json("""
                [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": "registry", "protocol": "TCP"}]},
                 {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
                  "ports": [{"port": "admin", "protocol": "TCP"}]}]"""));
        assertThat(render(with("networkPolicy: {enabled: false}"))).doesNotContainKey("NetworkPolicy/mirror");
    }

    private static JsonElement ingress(Map<String, JsonObject> objects) {
        return objects.get("NetworkPolicy/mirror").getAsJsonObject("spec").get("ingress");
    }

    private static JsonElement json(String text) {
        return JsonParser.parseString(text);
    }

    @Test
    void volumeIsOfTheSizeThatIsAskedForAndStaysWhenTheReleaseGoes() throws Exception {
        JsonObject claim =
                render(with("persistence: {size: 70Gi, storageClass: fast}")).get("PersistentVolumeClaim/mirror");
        assertThat(claim.getAsJsonObject("spec")).isEqualTo(json("""
                {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "70Gi"}}}"""));
        assertThat(claim.getAsJsonObject("metadata").get("annotations"))
                .isEqualTo(json("{\"helm.sh/resource-policy\": \"keep\"}"));
        assertThat(claimed(render(template()))).isEqualTo("mirror");
        assertThat(claimed(render(everything()))).isEqualTo("mine,exports");
        assertThat(render(template())
                        .get("PersistentVolumeClaim/mirror")
                        .getAsJsonObject("spec")
                        .has("storageClassName"))
                .isFalse();
    }

    @Test
    void claimsAreFoldersThatCommandsMayWriteTo() throws Exception {
        JsonObject container = podOf(render(everything()).get("Deployment/mirror"))
                .getAsJsonArray("containers")
                .get(0)
                .getAsJsonObject();
        assertThat(container.getAsJsonArray("volumeMounts"))
                .contains(json("{\"name\": \"claim-exports\", \"mountPath\": \"/mnt/exports\"}"));
    }

    // The name of a volume is a label of DNS; those of secrets and claims may have dots and be longer.
    @Test
    void foldersOfObjectsWithAnyNameHaveVolumesOfTheirOwn() throws Exception {
        String longName = "a".repeat(80);
        JsonObject pod =
                podOf(render(with("secretFolders: [users.v1, users-v1, %1$s, %1$sb]%nclaimFolders: [exports.a, exports]"
                                .formatted(longName)))
                        .get("Deployment/mirror"));
        List<String> names = namesOf(pod.getAsJsonArray("volumes"));
        assertThat(names)
                .hasSize(8)
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"));
        JsonArray mounts =
                pod.getAsJsonArray("containers").get(0).getAsJsonObject().getAsJsonArray("volumeMounts");
        assertThat(namesOf(mounts)).containsExactlyInAnyOrderElementsOf(names);
        assertThat(mounts.toString()).contains("/etc/entrepot-secrets/users.v1", "/mnt/exports.a");
    }

    private static List<String> namesOf(JsonArray volumes) {
        return volumes.asList().stream()
                .map(volume -> volume.getAsJsonObject().get("name").getAsString())
                .toList();
    }

    private static String claimed(Map<String, JsonObject> objects) {
        return podOf(objects.get("Deployment/mirror")).getAsJsonArray("volumes").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .filter(volume -> volume.has("persistentVolumeClaim"))
                .map(volume -> volume.getAsJsonObject("persistentVolumeClaim")
                        .get("claimName")
                        .getAsString())
                .collect(Collectors.joining(","));
    }

    @Test
    void aServiceMonitorThatNetworkPolicyKeepsAwayIsRefused() {
        assertThatThrownBy(() -> with("serviceMonitor: {enabled: true}").call())
                .hasMessageContaining("networkPolicy.admins");
    }

    @Test
    void probesAndPrometheusSpeakToTheAdminPortAsItIsConfigured() throws Exception {
        assertThat(schemesOfProbes(render(template()))).containsOnly("HTTP");
        assertThat(monitored(render(everything())).has("scheme")).isFalse();
        String secured = """
                config: {server: {admin-tls: {certificate: /etc/entrepot-tls/tls.crt, key: /etc/entrepot-tls/tls.key}}}
                tlsSecret: mirror-tls
                serviceMonitor: {enabled: true%s}
                networkPolicy: {admins: [{podSelector: {}}]}
                """;
        Map<String, JsonObject> objects = render(with(secured.formatted(
                ", tlsConfig: {ca: {secret: {name: mirror-tls, key: ca.crt}}, serverName: mirror.internal}")));
        assertThat(configuration(objects).server().adminTls()).isPresent();
        assertThat(schemesOfProbes(objects)).hasSize(3).containsOnly("HTTPS");
        assertThat(monitored(objects).get("scheme").getAsString()).isEqualTo("https");
        assertThat(monitored(objects)
                        .getAsJsonObject("tlsConfig")
                        .get("serverName")
                        .getAsString())
                .isEqualTo("mirror.internal");
        assertThatThrownBy(() -> with(secured.formatted("")).call()).hasMessageContaining("serviceMonitor.tlsConfig");
    }

    private static List<String> schemesOfProbes(Map<String, JsonObject> objects) {
        JsonObject container = podOf(objects.get("Deployment/mirror"))
                .getAsJsonArray("containers")
                .get(0)
                .getAsJsonObject();
        return Stream.of("startupProbe", "livenessProbe", "readinessProbe")
                .map(probe -> container.getAsJsonObject(probe).getAsJsonObject("httpGet"))
                .map(get -> get.get("scheme").getAsString())
                .toList();
    }

    private static JsonObject monitored(Map<String, JsonObject> objects) {
        return objects.get("ServiceMonitor/mirror")
                .getAsJsonObject("spec")
                .getAsJsonArray("endpoints")
                .get(0)
                .getAsJsonObject();
    }

    @Test
    void addressesOfClientsAreKeptWhereThatIsAskedFor() throws Exception {
        assertThat(render(everything())
                        .get("Service/mirror")
                        .getAsJsonObject("spec")
                        .get("externalTrafficPolicy")
                        .getAsString())
                .isEqualTo("Local");
        assertThat(render(template())
                        .get("Service/mirror")
                        .getAsJsonObject("spec")
                        .has("externalTrafficPolicy"))
                .isFalse();
    }

    @Test
    void changedRulesAreReadAgainAndDoNotRestartThePod() throws Exception {
        Map<String, JsonObject> before = render(template());
        for (String readAgain : List.of(
                "config: {rules: [{deny: closed}]}",
                "config: {access: [{anonymous: true, repositories: [\"docker.io/library/*\"]}]}",
                "config: {cache: {fresh-for: 5m, stale-for: 30d, referrers-fresh-for: 5m}}")) {
            Map<String, JsonObject> after = render(with(readAgain));
            assertThat(checksum(after)).as(readAgain).isEqualTo(checksum(before));
            assertThat(after.get("ConfigMap/mirror")).as(readAgain).isNotEqualTo(before.get("ConfigMap/mirror"));
        }
        String upstream = "config: {upstreams: {quay.io: {%s}}}";
        assertThat(checksum(render(with(upstream.formatted("rules: [{offline: true}], fresh-for: 1h, stale-for: 1d")))))
                .isEqualTo(checksum(render(with(upstream.formatted("")))));
    }

    @Test
    void whatTheServerDoesNotReadAgainRestartsThePod() throws Exception {
        String before = checksum(render(template()));
        for (String needed : List.of(
                "config: {server: {drain: 10s}}",
                "config: {cache: {capacity: 41GiB}}",
                "config: {default-upstream: quay.io}",
                "config: {builtin-upstreams: false, upstreams: {docker.io: {}}}",
                "config: {upstreams: {quay.io: {quota-reserve: 10%}}}",
                "config: {replication: {rules: [{name: a, source: quay.io, repositories: [a]}]}}",
                "tlsSecret: other")) {
            assertThat(checksum(render(with(needed)))).as(needed).isNotEqualTo(before);
        }
    }

    // A folder that is mounted follows the ConfigMap; a single file (subPath) would not.
    @Test
    void configurationIsMountedAsAFolder() throws Exception {
        JsonObject container = podOf(render(template()).get("Deployment/mirror"))
                .getAsJsonArray("containers")
                .get(0)
                .getAsJsonObject();
        assertThat(container.getAsJsonArray("volumeMounts").asList())
                .allSatisfy(
                        mount -> assertThat(mount.getAsJsonObject().keySet()).doesNotContain("subPath"));
    }

    private TemplateCommand with(String values) throws IOException {
        return template().withValuesFile(Files.writeString(folder.resolve("changed.yaml"), values));
    }

    private static String checksum(Map<String, JsonObject> objects) {
        return objects.get("Deployment/mirror")
                .getAsJsonObject("spec")
                .getAsJsonObject("template")
                .getAsJsonObject("metadata")
                .getAsJsonObject("annotations")
                .get("checksum/config")
                .getAsString();
    }

    private EntrepotConfig configuration(Map<String, JsonObject> objects) throws Exception {
        String text = objects.get("ConfigMap/mirror")
                .getAsJsonObject("data")
                .get("entrepot.yaml")
                .getAsString();
        Files.writeString(folder.resolve("tls.crt"), "");
        Files.writeString(folder.resolve("tls.key"), "");
        Files.writeString(folder.resolve("htpasswd"), "");
        Path file = Files.writeString(
                folder.resolve("entrepot.yaml"),
                text.replace("/etc/entrepot-tls", folder.toString())
                        .replace("/etc/entrepot-secrets/users", folder.toString()));
        return ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
    }

    // Somebody has to say who may pull.
    private static TemplateCommand template() {
        return untouched().set("config.server.anonymous", true);
    }

    private static TemplateCommand untouched() {
        return new Helm(CHART).template().withName("mirror").withKubeVersion("1.31.0");
    }

    private TemplateCommand everything() throws IOException {
        Path values = Files.writeString(folder.resolve("values.yaml"), """
                imagePullSecrets: [{name: pull}]
                envFromSecrets: [hub]
                tlsSecret: mirror-tls
                secretFolders: [users, gcr-key]
                claimFolders: [exports]
                config: {server: {authentication: {htpasswd: /etc/entrepot-secrets/users/htpasswd}}}
                javaOptions: -Xmx1g
                persistence: {existingClaim: mine}
                service: {nodePort: 30500, externalTrafficPolicy: Local}
                networkPolicy:
                  clients: [{ipBlock: {cidr: 10.0.0.0/8}}]
                  admins: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
                serviceMonitor: {enabled: true, labels: {release: prometheus}}
                hostsToml: {enabled: true, address: "https://127.0.0.1:30500", ca: "a certificate\\n", authorization: {secret: nodes}}
                nodeSelector: {disk: large}
                tolerations: [{key: mirror, operator: Exists}]
                podAnnotations: {team: platform}
                """);
        return untouched().withValuesFile(values);
    }

    /** What is rendered, by kind and name, each held against its type. */
    private static Map<String, JsonObject> render(TemplateCommand command) throws IOException {
        Map<String, JsonObject> objects = new TreeMap<>();
        JsonMapper json = new JsonMapper();
        Load yaml = new Load(LoadSettings.builder().build());
        for (Object document : yaml.loadAllFromReader(new StringReader(command.call()))) {
            JsonObject object =
                    JsonParser.parseString(json.writeValueAsString(document)).getAsJsonObject();
            validate(object);
            String name = object.getAsJsonObject("metadata").get("name").getAsString();
            objects.put(object.get("kind").getAsString() + "/" + name, object);
        }
        return objects;
    }

    private static void validate(JsonObject object) throws IOException {
        switch (object.get("kind").getAsString()) {
            case "ConfigMap" -> V1ConfigMap.validateJsonElement(object);
            case "Deployment" -> V1Deployment.validateJsonElement(object);
            case "DaemonSet" -> V1DaemonSet.validateJsonElement(object);
            case "NetworkPolicy" -> V1NetworkPolicy.validateJsonElement(object);
            case "PersistentVolumeClaim" -> V1PersistentVolumeClaim.validateJsonElement(object);
            case "Service" -> V1Service.validateJsonElement(object);
            // Of an operator, not of Kubernetes: its type is not at hand.
            case "ServiceMonitor" ->
                assertThat(object.get("apiVersion").getAsString()).isEqualTo("monitoring.coreos.com/v1");
            default -> throw new AssertionError("no type for " + object);
        }
    }

    private static JsonObject podOf(JsonObject workload) {
        return workload.getAsJsonObject("spec").getAsJsonObject("template").getAsJsonObject("spec");
    }

    // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, what concerns this pod
    private static void assertRestricted(JsonObject pod) {
        assertThat(pod.keySet()).doesNotContain("hostNetwork", "hostPID", "hostIPC", "initContainers");
        JsonObject ofPod = pod.getAsJsonObject("securityContext");
        assertThat(ofPod.get("runAsNonRoot").getAsBoolean()).isTrue();
        assertThat(ofPod.get("runAsUser").getAsLong()).isPositive();
        assertThat(ofPod.getAsJsonObject("seccompProfile").get("type").getAsString())
                .isEqualTo("RuntimeDefault");
        for (JsonElement volume : pod.getAsJsonArray("volumes")) {
            assertThat(volume.getAsJsonObject().keySet()).containsAnyOf("configMap", "secret", "persistentVolumeClaim");
        }
        for (JsonElement element : pod.getAsJsonArray("containers")) {
            JsonObject ofContainer = element.getAsJsonObject().getAsJsonObject("securityContext");
            assertThat(ofContainer.get("allowPrivilegeEscalation").getAsBoolean())
                    .isFalse();
            assertThat(ofContainer.get("readOnlyRootFilesystem").getAsBoolean()).isTrue();
            assertThat(ofContainer.keySet())
                    .containsExactlyInAnyOrder("allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities");
            assertThat(ofContainer.get("capabilities")).isEqualTo(JsonParser.parseString("{\"drop\":[\"ALL\"]}"));
            element.getAsJsonObject()
                    .getAsJsonArray("ports")
                    .forEach(port -> assertThat(port.getAsJsonObject().keySet())
                            .containsExactlyInAnyOrderElementsOf(List.of("name", "containerPort")));
        }
    }
}
