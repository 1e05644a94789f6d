package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.absent;
import static com.github.tomakehurst.wiremock.client.WireMock.containing;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReferrersReadsTest {
    private static final Digest SUBJECT = Digest.sha256("subject".getBytes(StandardCharsets.UTF_8));
    private static final Digest FIRST = Digest.sha256(new byte[] {1});
    private static final Digest SECOND = Digest.sha256(new byte[] {2});
    private static final String API = "/v2/team/app/referrers/" + SUBJECT;
    private static final String FALLBACK = "/v2/team/app/manifests/" + SUBJECT.referrersTag();

    @RegisterExtension
    static final WireMockExtension REGISTRY = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    @RegisterExtension
    static final WireMockExtension ELSEWHERE = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private static final String THERE = "/v2/images/team/app/referrers/" + SUBJECT;

    private final TestWorld world = new TestWorld();
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void open() throws IOException {
        client = world.client(REGISTRY.baseUrl());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void close() {
        client.close();
    }

    private static String entry(Digest digest) {
        return "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" + digest
                + "\",\"size\":7,\"artifactType\":\"a/b\",\"annotations\":{\"k\":\"v\"}}";
    }

    private static ResponseDefinitionBuilder index(String entries) {
        return aResponse()
                .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                .withBody("{\"schemaVersion\":2,\"manifests\":[" + entries + "]}");
    }

    @Test
    void readsAllPagesOfTheApi() throws IOException {
        REGISTRY.stubFor(
                get(API).willReturn(index(entry(FIRST)).withHeader("Link", "<" + API + "?page=2>; rel=\"next\"")));
        REGISTRY.stubFor(get(API + "?page=2").willReturn(index(entry(FIRST) + "," + entry(SECOND))));

        Referrers referrers = repository.referrers(SUBJECT);

        assertThat(referrers.origin()).isEqualTo(Referrers.Origin.API);
        assertThat(referrers.descriptors()).extracting(Descriptor::digest).containsExactly(FIRST, SECOND);
        assertThat(referrers.descriptors().getFirst().artifactType()).contains("a/b");
    }

    @Test
    void unpacksAListThatIsGzippedUnasked() throws IOException {
        byte[] list = TestWorld.gzipped(
                ("{\"schemaVersion\":2,\"manifests\":[" + entry(FIRST) + "]}").getBytes(StandardCharsets.UTF_8));
        REGISTRY.stubFor(get(API).willReturn(index("").withBody(list).withHeader("Content-Encoding", "gzip")));

        assertThat(repository.referrers(SUBJECT).descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(FIRST);
    }

    @Test
    void believesAnEmptyAnswerOfTheApi() throws IOException {
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withHeader("Content-Type", "application/vnd.oci.image.index.v1+json; charset=utf-8")
                .withBody("{\"schemaVersion\":2,\"manifests\":[]}")));

        assertThat(repository.referrers(SUBJECT)).isEqualTo(new Referrers(Referrers.Origin.API, List.of()));
    }

    @ParameterizedTest
    @CsvSource({
        "404,application/json,{}",
        "400,application/json,{}",
        "405,application/json,{}",
        "406,application/json,{}",
        "302,text/html,<html>",
        "301,text/html,<html>",
        "200,text/html,<html>",
        "200,application/json,{\"manifests\":[]}",
        "200,application/vnd.oci.image.index.v1+json,<html>"
    })
    void readsTheFallbackTagWhereThereIsNoApi(int status, String type, String body) throws IOException {
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withStatus(status)
                .withHeader("Location", "https://login.example/")
                .withHeader("Content-Type", type)
                .withBody(body)));
        REGISTRY.stubFor(get(FALLBACK).willReturn(index(entry(FIRST))));

        Referrers referrers = repository.referrers(SUBJECT);

        assertThat(referrers.origin()).isEqualTo(Referrers.Origin.FALLBACK_TAG);
        assertThat(referrers.descriptors()).extracting(Descriptor::digest).containsExactly(FIRST);
    }

    private static void leadElsewhere() {
        for (String query : List.of("", "?page=2")) {
            REGISTRY.stubFor(get(API + query)
                    .willReturn(
                            aResponse().withStatus(307).withHeader("Location", ELSEWHERE.baseUrl() + THERE + query)));
        }
    }

    private RemoteRepository withPassword() throws IOException {
        client.close();
        client = new RegistryClient(
                TestWorld.endpoint(REGISTRY.baseUrl())
                        .withCredentials(CredentialSource.fixed(new Credential.UserPassword("bob", "s3cret"))),
                world.environment());
        return client.repository(TestWorld.NAME);
    }

    /** As of registry.k8s.io, which has nothing but leads to where all is. */
    @Test
    void readsAllPagesOfAnApiAtAnotherHostAndShowsNoCredentialsThere() throws IOException {
        leadElsewhere();
        REGISTRY.stubFor(get(urlPathEqualTo(API))
                .withHeader("Authorization", absent())
                .atPriority(1)
                .willReturn(aResponse().withStatus(401).withHeader("WWW-Authenticate", "Basic realm=\"r\"")));
        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE))
                .willReturn(index(entry(FIRST)).withHeader("Link", "<" + THERE + "?page=2>; rel=\"next\"")));
        ELSEWHERE.stubFor(
                get(urlPathEqualTo(THERE)).withQueryParam("page", equalTo("2")).willReturn(index(entry(SECOND))));

        Referrers referrers = withPassword().referrers(SUBJECT);

        assertThat(referrers.origin()).isEqualTo(Referrers.Origin.API);
        assertThat(referrers.descriptors()).extracting(Descriptor::digest).containsExactly(FIRST, SECOND);
        assertThat(ELSEWHERE.getAllServeEvents())
                .hasSize(2)
                .noneMatch(event -> event.getRequest().containsHeader("Authorization"));
        REGISTRY.verify(2, getRequestedFor(urlPathEqualTo(API)).withHeader("Authorization", containing("Basic")));
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 400})
    void anApiThatIsNotAtTheOtherHostIsNone(int status) throws IOException {
        leadElsewhere();
        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE)).willReturn(aResponse().withStatus(status)));
        REGISTRY.stubFor(get(FALLBACK).willReturn(index(entry(FIRST))));

        assertThat(repository.referrers(SUBJECT).origin()).isEqualTo(Referrers.Origin.FALLBACK_TAG);
    }

    @Test
    void aPageForPeopleAtTheOtherHostIsNoList() throws IOException {
        leadElsewhere();
        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE))
                .willReturn(aResponse().withHeader("Content-Type", "text/html").withBody("<html>")));

        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 401, 403, 404})
    void theOtherHostThatHasListedReferrersAndDoesNotNowHasNotLostThem(int status) throws IOException {
        leadElsewhere();
        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE)).willReturn(index(entry(FIRST))));
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(404)));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);

        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE)).willReturn(aResponse().withStatus(status)));
        assertThatThrownBy(() -> repository.referrers(SUBJECT))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("status " + status);
    }

    @Test
    void anOutageAtTheOtherHostIsNotAnEmptyList() {
        leadElsewhere();
        ELSEWHERE.stubFor(get(urlPathEqualTo(THERE)).willReturn(aResponse().withStatus(503)));
        REGISTRY.stubFor(get(FALLBACK).willReturn(index(entry(FIRST))));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);
    }

    @Test
    void asksNobodyWhereARegistryLeadsToSomethingElse() throws IOException {
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withStatus(302)
                .withHeader("Location", ELSEWHERE.baseUrl() + "/ServiceLogin?continue=" + API)));

        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);
        assertThat(ELSEWHERE.getAllServeEvents()).isEmpty();
    }

    @Test
    void saysThatThereIsNeither() throws IOException {
        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403})
    void aRefusalIsNotAnEmptyList(int status) {
        REGISTRY.stubFor(get(API).willReturn(aResponse().withStatus(status)));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(UnauthorizedException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 503})
    void anOutageIsNotAnEmptyList(int status) {
        REGISTRY.stubFor(get(API).willReturn(aResponse().withStatus(status)));
        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(get(API).willReturn(aResponse().withStatus(404)));
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(status)));
        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);
    }

    @Test
    void aBrokenListIsNotAnEmptyListAndNotRememberedAsNone() throws IOException {
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                .withBody(" {\"schemaVersion\":2,\"manifests\":[{\"media")));
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(404)));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
    }

    @Test
    void anAnswerThatBrokeIsNotAnEmptyListAndNotRememberedAsNone() throws IOException {
        REGISTRY.stubFor(get(API).willReturn(aResponse().withFault(Fault.MALFORMED_RESPONSE_CHUNK)));
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(404)));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
    }

    @Test
    void pagesThatGoRoundInACircleAreNoListAndEnd() {
        String next = API + "?page=";
        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST)).withHeader("Link", "<" + next + "1>; rel=\"next\"")));
        for (int page = 1; page <= 2; page++) {
            REGISTRY.stubFor(get(next + page)
                    .willReturn(index(entry(FIRST)).withHeader("Link", "<" + next + (3 - page) + ">; rel=\"next\"")));
        }

        assertThatThrownBy(() -> repository.referrers(SUBJECT))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("has been read already");

        assertThat(world.requests).hasSize(3);
    }

    @Test
    void aMissingPageIsNotTheEnd() {
        REGISTRY.stubFor(
                get(API).willReturn(index(entry(FIRST)).withHeader("Link", "<" + API + "?page=2>; rel=\"next\"")));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void boundsAPage() {
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                .withBody(new byte[OciLimits.MAX_MANIFEST_BYTES + 1])));

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void remembersForTenMinutesThatThereIsNoApi() throws IOException {
        repository.referrers(SUBJECT);
        client.repository(TestWorld.NAME).referrers(FIRST);
        assertThat(world.requests).containsExactly("referrers 404", "manifest 404", "manifest 404");

        world.advance(Duration.ofMinutes(10));
        repository.referrers(SUBJECT);
        assertThat(world.requests).hasSize(5).endsWith("referrers 404", "manifest 404");
    }

    private static ResponseDefinitionBuilder page() {
        return aResponse().withHeader("Content-Type", "text/html").withBody("<html>Please log in");
    }

    private static Digest subject(int number) {
        return Digest.sha256(new byte[] {9, (byte) number});
    }

    private static String api(Digest subject) {
        return "/v2/team/app/referrers/" + subject;
    }

    @Test
    void aPageIsRememberedAsNoApiOnlyWhenItAnswersThreeSubjects() throws IOException {
        for (int subject = 0; subject < 5; subject++) {
            REGISTRY.stubFor(get(api(subject(subject))).willReturn(page()));
        }
        for (int again = 0; again < 3; again++) {
            assertThat(repository.referrers(subject(0))).isEqualTo(Referrers.NONE);
        }
        for (int subject = 1; subject < 5; subject++) {
            assertThat(repository.referrers(subject(subject))).isEqualTo(Referrers.NONE);
        }

        assertThat(world.requests.stream().filter(request -> request.startsWith("referrers")))
                .as("the first three times, the second and the third subject once, and then no other")
                .hasSize(5);
    }

    @Test
    void onePageBeforeTheFirstListHidesNoListAndIsOddFromThenOn() throws IOException {
        REGISTRY.stubFor(get(API).willReturn(page()));
        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);

        REGISTRY.stubFor(get(api(FIRST)).willReturn(index(entry(SECOND))));
        assertThat(repository.referrers(FIRST).descriptors()).hasSize(1);

        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "text/html,''",
        "application/json,''",
        "application/json,{}",
        "application/json,'{\"errors\":[]}'",
        "application/json,{",
        "application/vnd.oci.image.index.v1+json,{}"
    })
    void nothingAndAnObjectWithoutAListAreBrokenAnswersAndNotNoApi(String type, String body) throws IOException {
        REGISTRY.stubFor(get(FALLBACK).willReturn(index(entry(FIRST))));
        REGISTRY.stubFor(
                get(API).willReturn(aResponse().withHeader("Content-Type", type).withBody(body)));

        assertThatThrownBy(() -> repository.referrers(SUBJECT))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("status 200 and a list that is broken");

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST) + "," + entry(SECOND))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource({"400,MANIFEST_INVALID", "404,NAME_UNKNOWN", "404,MANIFEST_UNKNOWN"})
    void doesNotRememberWhatMayBeAboutTheSubject(int status, String code) throws IOException {
        REGISTRY.stubFor(get(API).willReturn(
                        aResponse().withStatus(status).withBody("{\"errors\":[{\"code\":\"" + code + "\"}]}")));
        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"400,''", "404,NOT_FOUND", "404,MANIFEST_UNKNOWN"})
    void whatARepositoryHasListedIsNotTakenBackByAnAnswerAboutAnotherSubject(int status, String code)
            throws IOException {
        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
        REGISTRY.stubFor(get(API).willReturn(
                        aResponse().withStatus(status).withBody("{\"errors\":[{\"code\":\"" + code + "\"}]}")));
        assertThat(repository.referrers(SUBJECT)).isEqualTo(Referrers.NONE);

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "404,text/plain,404 page not found",
        "404,text/html,<html>",
        "405,application/json,{}",
        "302,text/html,<html>",
        "200,text/html,<html>",
        "200,application/json,{}",
        "200,application/vnd.oci.image.index.v1+json,{}",
        "200,application/vnd.oci.image.index.v1+json,<html>"
    })
    void whoHasListedReferrersAndAnswersOtherwiseHasNotLostThem(int status, String type, String body)
            throws IOException {
        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(404)));
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withStatus(status)
                .withHeader("Location", "https://login.example/")
                .withHeader("Content-Type", type)
                .withBody(body)));

        assertThatThrownBy(() -> repository.referrers(SUBJECT))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("status " + status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{\"errors\":[{\"code\":\"UNKNOWN\"}]}"})
    void anAnswerWithoutAListThatCallsItselfOneIsBroken(String body) throws IOException {
        REGISTRY.stubFor(get(FALLBACK).willReturn(aResponse().withStatus(404)));
        REGISTRY.stubFor(get(API).willReturn(aResponse()
                .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                .withBody(body)));
        assertThatThrownBy(() -> repository.referrers(SUBJECT)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST))));
        assertThat(repository.referrers(SUBJECT).descriptors()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<%s?page=2>; title=\"a; rel=prev\"; rel=\"next\"",
                "<%s?page=2>;rel=next",
                "</elsewhere>; rel=help, <%s?page=2>; a; b=c; REL=\"x Next\"",
                "<%s?page=2>; rel=\"next\"; rel=\"prev\"",
                "<%s?page=2> ; rel = \"next\" ;"
            })
    void readsTheLinkToTheNextPageAsTheRfcWritesIt(String link) throws IOException {
        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST)).withHeader("Link", link.formatted(API))));
        REGISTRY.stubFor(get(API + "?page=2").willReturn(index(entry(SECOND))));

        assertThat(repository.referrers(SUBJECT).descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(FIRST, SECOND);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"<%s?page=2>", "%s?page=2; rel=\"next\"", "<%s?page=2>; rel=\"next", "<%s?page=2>; rel=prev junk"
            })
    void aLinkThatCannotBeReadIsNotTheLastPage(String link) {
        REGISTRY.stubFor(get(API).willReturn(index(entry(FIRST)).withHeader("Link", link.formatted(API))));

        assertThatThrownBy(() -> repository.referrers(SUBJECT))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("malformed link");
    }

    @Test
    void readsAFallbackTagThatIsAListOfDockersKind() throws IOException {
        REGISTRY.stubFor(get(FALLBACK)
                .willReturn(aResponse()
                        .withHeader("Content-Type", MediaType.DOCKER_MANIFEST_LIST.value())
                        .withBody("{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.DOCKER_MANIFEST_LIST
                                + "\",\"manifests\":[" + entry(FIRST) + "]}")));

        assertThat(repository.referrers(SUBJECT).descriptors())
                .extracting(Descriptor::digest)
                .containsExactly(FIRST);
    }
}
