package dev.entrepot.proxy.upstreams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.RemoteRepository;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.oci.client.Sample;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UpstreamSurveyTest {
    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry silent = TestRegistry.started();
    private final Gate never = new Gate();
    private final Map<RegistryHost, RegistryClient> clients = new LinkedHashMap<>();

    @AfterEach
    void stop() {
        never.open();
        clients.values().forEach(RegistryClient::close);
        registry.close();
        silent.close();
    }

    private void add(String name, TestRegistry at, CredentialSource credentials) throws IOException {
        RegistryHost host = new RegistryHost(name);
        RegistryEndpoint endpoint = RegistryEndpoint.of(host, at.uri()).withCredentials(credentials);
        clients.put(
                host,
                new RegistryClient(
                        endpoint,
                        Safeguards.shared(QuotaReserve.DEFAULT),
                        ClientEnvironment.system("test").withVariables(Map.of())));
    }

    private static CredentialSource robot(String password) {
        return CredentialSource.fixed(new Credential.UserPassword("robot", password));
    }

    @Test
    void upstreamThatNeverAnswersDoesNotKeepTheOthersBack() throws Exception {
        silent.faults().always(request -> true, Fault.hold(never));
        add("silent.test", silent, CredentialSource.NONE);
        add("good.test", registry, CredentialSource.NONE);
        UpstreamReport report = new UpstreamSurvey(clients, Duration.ofMillis(500)).check();
        assertThat(report.isWell()).isFalse();
        assertThat(report.lines().getFirst().problem())
                .hasValueSatisfying(p -> assertThat(p).contains("no answer within"));
        assertThat(report.lines().getLast().problem()).isEmpty();
        assertThat(report.lines().getLast().reachable()).contains(true);
    }

    @Test
    void upstreamWithoutPullsOrWithTooManyRequestsAnswers() throws Exception {
        registry.push("team/app", new Images(1).image(10), "1");
        registry.quota(0);
        add("limited.test", registry, CredentialSource.NONE);
        RemoteRepository app = clients.values().iterator().next().repository(new RepositoryName("team/app"));
        // The first is answered 429, the second is not sent.
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> app.fetchManifest(new Tag("1"))).isInstanceOf(OutageException.class);
        }
        UpstreamSurvey survey = new UpstreamSurvey(clients);
        assertThat(survey.known().isWell()).isTrue();
        assertThat(survey.known().text()).contains("answers, but has no pulls left, last answer ");
        registry.faults().always(Requests.tags(), Fault.instead(Response.of(429).header("Retry-After", "600")));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> app.listTags(Optional.empty())).isInstanceOf(OutageException.class);
        }
        assertThat(survey.known().isWell()).isTrue();
        assertThat(survey.known().text()).contains("answers 429, last answer ", "after 429 (rate) until ");
        assertThat(survey.known().json().toString()).contains("\"leftAloneUntil\":{\"rate\":\"");
        assertThat(survey.check().lines().getFirst().reachable()).contains(true);
        assertThat(survey.check().lines().getFirst().problem())
                .hasValueSatisfying(problem -> assertThat(problem).contains("wants to be left alone"));
    }

    @Test
    void credentialsAreSaidToBeAcceptedOrRefusedAndNeverShown() throws Exception {
        registry.open(new Access.Bearer(TokenService.forUser("robot", "right-secret")));
        add("right.test", registry, robot("right-secret"));
        add("wrong.test", registry, robot("wrong-secret"));
        add("nobody.test", registry, CredentialSource.NONE);
        UpstreamReport report = new UpstreamSurvey(clients).check();
        assertThat(report.lines().get(0).credentials()).isEqualTo("robot (bearer), accepted");
        assertThat(report.lines().get(0).problem()).isEmpty();
        assertThat(report.lines().get(1).check().orElseThrow().credentialsAccepted())
                .contains(false);
        assertThat(report.lines().get(1).problem()).isPresent();
        // Without an account the registry may still have public repositories.
        assertThat(report.lines().get(2).problem()).isEmpty();
        assertThat(report.isWell()).isFalse();
        assertThat(report.text() + report.json()).contains("refused").doesNotContain("secret");
    }

    @Test
    void registryThatAsksNobodyWhoHeIsHasAcceptedNothing() throws Exception {
        add("open.test", registry, robot("wrong-secret"));
        UpstreamReport report = new UpstreamSurvey(clients).check();
        assertThat(report.isWell()).isTrue();
        assertThat(report.lines().getFirst().reachable()).contains(true);
        assertThat(report.lines().getFirst().check().orElseThrow().credentialsAccepted())
                .isEmpty();
        assertThat(report.lines().getFirst().credentials()).doesNotContain("accepted", "refused");
    }

    @Test
    void mirrorIsAskedTooAndShownBehindItsUpstream() throws Exception {
        ClientEnvironment environment = ClientEnvironment.system("test").withVariables(Map.of());
        MirrorEndpoint mirror = new MirrorEndpoint(
                new RegistryClient(
                        RegistryEndpoint.of(silent.host(), silent.uri()),
                        Safeguards.shared(QuotaReserve.DEFAULT).ofMirror(),
                        environment),
                Optional.of(new RepositoryName("proxy")),
                false);
        RegistryHost host = new RegistryHost("good.test");
        clients.put(
                host,
                new RegistryClient(
                        RegistryEndpoint.of(host, registry.uri()),
                        Safeguards.shared(QuotaReserve.DEFAULT),
                        List.of(mirror),
                        environment));
        assertThat(new UpstreamSurvey(clients).check().isWell()).isTrue();
        silent.stop();
        UpstreamReport report = new UpstreamSurvey(clients).check();
        assertThat(report.isWell()).isFalse();
        assertThat(report.lines().getFirst().problem()).isEmpty();
        assertThat(report.lines().getLast().name()).isEqualTo("good.test via " + silent.host() + "/proxy");
        assertThat(report.lines().getLast().problem()).isPresent();
        assertThat(report.text()).contains("answers digests, 0 answered, 0 passed on");
        clients.values()
                .iterator()
                .next()
                .source(new RepositoryName("team/app"), Priority.INTERACTIVE)
                .statBlob(Digest.sha256(new byte[0]));
        assertThat(new UpstreamSurvey(clients).known().text()).contains("answers digests, 0 answered, 1 passed on");
    }

    @Test
    void targetAtTheAddressOfAnUpstreamKnowsThatItDoesNotMount() throws Exception {
        registry.push("team/app", new Images(1).image(10), "1");
        registry.faults().always(Requests.uploads(), Fault.error(405, "UNSUPPORTED"));
        add("good.test", registry, CredentialSource.NONE);
        Sample sample = new Sample(new RepositoryName("team/app"), new Tag("1"), Optional.empty());
        try (RegistryClient target = new RegistryClient(
                RegistryEndpoint.of(new RegistryHost("target.test"), registry.uri()),
                ClientEnvironment.system("test").withVariables(Map.of()))) {
            UpstreamSurvey survey = new UpstreamSurvey(clients, _ -> Optional.of(sample), List.of(target));
            assertThat(survey.check().text()).contains("mounts not asked (only read from;");
            assertThat(registry.calls().count(Requests.uploads())).isZero();
            assertThat(survey.checkWithMounts().text())
                    .contains("mounts no\n", "good.test/team/app does not mount: answered 405 UNSUPPORTED")
                    .containsPattern("target target.test .*\n +capabilities +mounts no\n");
        }
    }

    @Test
    void breakerWhoseTimeHasPassedIsAskedAgainAtTheNextRequestAndTheStateSaysOfWhat() throws Exception {
        registry.push("team/app", new Images(1).image(10), "1");
        registry.faults().always(Requests.blobs(), Fault.status(500));
        AtomicLong nanos = new AtomicLong();
        RegistryHost host = new RegistryHost("good.test");
        ClientEnvironment environment = ClientEnvironment.system("test")
                .withVariables(Map.of())
                .withSleeper(pause -> {})
                .withNanoTime(nanos::get);
        RegistryClient client = new RegistryClient(
                RegistryEndpoint.of(host, registry.uri()), Safeguards.shared(QuotaReserve.DEFAULT), environment);
        clients.put(host, client);
        RemoteRepository repository = client.repository(new RepositoryName("team/app"));
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> repository.statBlob(Digest.sha256(new byte[0])))
                    .isInstanceOf(OutageException.class);
        }
        repository.resolve(new Tag("1"));
        assertThat(new UpstreamSurvey(clients).known().text())
                .contains("answers, but not for blobs, last answer ")
                .containsPattern("blobs is open \\(answered 500\\) until 2");
        nanos.addAndGet(Duration.ofSeconds(10).toNanos());
        UpstreamReport later = new UpstreamSurvey(clients).known();
        assertThat(later.text())
                .contains("answers, but not for blobs", "blobs is open (answered 500): asked again at the next request")
                .doesNotContain("until");
        assertThat(later.json().toString())
                .contains("\"lastError\":\"answered 500\"")
                .doesNotContain("until");
    }

    @Test
    void withoutACheckNobodyIsAskedAndNothingIsSaidOfThoseThatNeverWere() throws Exception {
        add("good.test", registry, CredentialSource.NONE);
        UpstreamReport report = new UpstreamSurvey(clients).known();
        assertThat(report.isWell()).isTrue();
        assertThat(report.lines().getFirst().reachable()).isEqualTo(Optional.empty());
        assertThat(report.text()).contains("not asked yet");
        assertThat(registry.calls().count(request -> true)).isZero();
    }
}
