package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.absent;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.containing;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.post;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.client.WireMock.urlMatching;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Challenges and tokens. Long, because each way of a registry to ask for credentials is one short case over the same
 * exchange.
 */
class AuthExchangeTest {
    private static final Tag TAG = new Tag("v1");
    private static final String MANIFEST = "/v2/team/app/manifests/v1";
    private static final String BODY = "{\"schemaVersion\":2,\"manifests\":[]}";
    private static final Credential USER = new Credential.UserPassword("bob", "s3cret-pass");
    private static final String BASIC = "Basic Ym9iOnMzY3JldC1wYXNz";
    private static final Credential IDENTITY = new Credential.IdentityToken("s3cret-refresh");

    @RegisterExtension
    static final WireMockExtension REGISTRY = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    /** Reached as 127.0.0.1, while the registry is reached as localhost: another host. */
    @RegisterExtension
    static final WireMockExtension STRANGER = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestWorld world = new TestWorld();
    private final List<RegistryClient> clients = new ArrayList<>();

    @AfterEach
    void close() {
        clients.forEach(RegistryClient::close);
    }

    private RemoteRepository repository(CredentialSource credentials) throws IOException {
        return client(credentials).repository(TestWorld.NAME);
    }

    private RegistryClient client(CredentialSource credentials) throws IOException {
        RegistryEndpoint endpoint = TestWorld.endpoint(REGISTRY.baseUrl()).withCredentials(credentials);
        RegistryClient client = new RegistryClient(endpoint, world.environment());
        clients.add(client);
        return client;
    }

    private static String realm() {
        return REGISTRY.baseUrl() + "/token";
    }

    private static void challenge(String challenge) {
        REGISTRY.stubFor(any(urlMatching("/v2/.*"))
                .atPriority(9)
                .willReturn(aResponse().withStatus(401).withHeader("WWW-Authenticate", challenge)));
    }

    private static void bearerChallenge() {
        challenge("Bearer realm=\"" + realm() + "\",service=\"svc\",scope=\"repository:user/image:pull\"");
    }

    private static void accept(String path, String authorization) {
        REGISTRY.stubFor(get(path)
                .atPriority(1)
                .withHeader("Authorization", equalTo(authorization))
                .willReturn(manifest()));
    }

    private static ResponseDefinitionBuilder manifest() {
        return aResponse()
                .withHeader("Content-Type", "application/vnd.oci.image.index.v1+json")
                .withBody(BODY);
    }

    private static void tokens(String... tokens) {
        for (int i = 0; i < tokens.length; i++) {
            REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                    .inScenario("tokens")
                    .whenScenarioStateIs(i == 0 ? "Started" : "t" + i)
                    .willSetStateTo("t" + Math.min(i + 1, tokens.length - 1))
                    .willReturn(json("{\"token\":\"" + tokens[i] + "\",\"expires_in\":300}")));
        }
    }

    @Test
    void unpacksATokenThatIsGzippedUnasked() throws IOException {
        bearerChallenge();
        byte[] token = TestWorld.gzipped("{\"token\":\"t1\",\"expires_in\":300}".getBytes(StandardCharsets.UTF_8));
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .willReturn(json("").withBody(token).withHeader("Content-Encoding", "gzip")));
        accept("/v2/team/app/manifests/v1", "Bearer t1");

        repository(CredentialSource.NONE).fetchManifest(new Tag("v1"));

        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 200");
    }

    private static ResponseDefinitionBuilder json(String text) {
        return aResponse().withHeader("Content-Type", "application/json").withBody(text);
    }

    @Test
    void fetchesATokenByGetAndRemembersWhereFrom() throws IOException {
        bearerChallenge();
        tokens("t1");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.fixed(USER));

        repository.fetchManifest(TAG);
        repository.fetchManifest(TAG);

        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 200", "manifest 200");
        REGISTRY.verify(
                1,
                getRequestedFor(urlPathEqualTo("/token"))
                        .withQueryParam("service", equalTo("svc"))
                        .withQueryParam("account", equalTo("bob"))
                        .withQueryParam("client_id", equalTo("entrepot"))
                        .withHeader("Authorization", equalTo(BASIC)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",scope=\"repository:user/image:pull\"", ",scope=\"repository:team/app:pull,push\""})
    void asksForItsOwnScopeWhateverTheChallengeSays(String scope) throws IOException {
        challenge("Bearer realm=\"" + realm() + "\"" + scope);
        tokens("t1");
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.NONE).fetchManifest(TAG);

        REGISTRY.verify(
                1,
                getRequestedFor(urlEqualTo("/token?scope=repository%3Ateam%2Fapp%3Apull&client_id=entrepot"))
                        .withHeader("Authorization", absent()));
    }

    @Test
    void keepsTokensByScope() throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        accept("/v2/other/manifests/v1", "Bearer t2");
        RegistryClient client = client(CredentialSource.fixed(USER));

        client.repository(TestWorld.NAME).fetchManifest(TAG);
        client.repository(new RepositoryName("other")).fetchManifest(TAG);
        client.repository(TestWorld.NAME).fetchManifest(TAG);

        assertThat(world.requests)
                .containsExactly(
                        "manifest 401", "token 200", "manifest 200", "token 200", "manifest 200", "manifest 200");
    }

    @Test
    void keepsTokensByCredential() throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        AtomicReference<Credential> current = new AtomicReference<>(USER);
        RemoteRepository repository = repository(registry -> Optional.of(current.get()));
        repository.fetchManifest(TAG);

        current.set(new Credential.UserPassword("bob", "another"));
        accept(MANIFEST, "Bearer t2");
        repository.fetchManifest(TAG);

        assertThat(world.requests)
                .containsExactly("manifest 401", "token 200", "manifest 200", "token 200", "manifest 200");
    }

    @Test
    void refreshesATokenAtFourFifthsOfItsLife() throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);

        world.advance(Duration.ofSeconds(239));
        repository.fetchManifest(TAG);
        assertThat(world.requests).hasSize(4);

        world.advance(Duration.ofSeconds(1));
        accept(MANIFEST, "Bearer t2");
        repository.fetchManifest(TAG);
        fetchUntilSent(repository, "Bearer t2");
        assertThat(world.requests.stream().filter("token 200"::equals)).hasSize(2);
    }

    // The token at hand is used until the other is there.
    private static void fetchUntilSent(RemoteRepository repository, String authorization) throws IOException {
        while (REGISTRY.findAll(
                        getRequestedFor(urlEqualTo(MANIFEST)).withHeader("Authorization", equalTo(authorization)))
                .isEmpty()) {
            repository.fetchManifest(TAG);
        }
    }

    @Test
    void believesInSixtySecondsWhereNoLifeIsStated() throws IOException {
        bearerChallenge();
        for (String token : List.of("t1", "t2")) {
            REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                    .inScenario("tokens")
                    .whenScenarioStateIs(token.equals("t1") ? "Started" : "t2")
                    .willSetStateTo("t2")
                    .willReturn(json("{\"access_token\":\"" + token + "\"}")));
        }
        accept(MANIFEST, "Bearer t1");
        accept(MANIFEST, "Bearer t2");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);

        world.advance(Duration.ofSeconds(47));
        repository.fetchManifest(TAG);
        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 200", "manifest 200");
        world.advance(Duration.ofSeconds(1));
        fetchUntilSent(repository, "Bearer t2");
        world.advance(Duration.ofSeconds(60));
        repository.fetchManifest(TAG);
        assertThat(world.requests.stream().filter("token 200"::equals)).hasSize(3);
    }

    @Test
    void usesATokenToItsEndWhileTheTokenServiceIsOut() throws IOException {
        bearerChallenge();
        tokens("t1");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .atPriority(1)
                .willReturn(aResponse().withStatus(500)));

        world.advance(Duration.ofSeconds(299));
        repository.fetchManifest(TAG);

        world.advance(Duration.ofSeconds(1));
        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TOKEN_SERVICE));
    }

    @Test
    void refreshesOnceOn401() throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);

        // The registry revokes t1.
        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo("Bearer t1"))
                .willReturn(aResponse()
                        .withStatus(401)
                        .withHeader(
                                "WWW-Authenticate",
                                "Bearer realm=\"" + realm() + "\",service=\"svc\",error=\"invalid_token\"")));
        accept(MANIFEST, "Bearer t2");
        repository.fetchManifest(TAG);

        assertThat(world.requests.subList(3, 6)).containsExactly("manifest 401", "token 200", "manifest 200");
    }

    /** As of a repository that the account has no rights to, or that is not there: a helper may be slow, or fail. */
    @Test
    void asksNobodyForAnotherPasswordWhereATokenIsRefused() throws IOException {
        bearerChallenge();
        tokens("t1", "t1");
        accept(MANIFEST, "Bearer t1");
        challenge("no/such", "Bearer realm=\"" + realm() + "\",service=\"svc\"");
        AtomicInteger reread = new AtomicInteger();
        RegistryClient client = client(counted(new AtomicReference<>(USER), reread, USER));
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        for (int i = 0; i < 2; i++) {
            world.advance(Duration.ofMinutes(6));
            assertThatThrownBy(() ->
                            client.repository(new RepositoryName("no/such")).fetchManifest(TAG))
                    .isInstanceOf(UnauthorizedException.class);
        }
        assertThat(reread).hasValue(0);
    }

    /** A password that was changed or taken back is found out where the next token is fetched with it. */
    @ParameterizedTest
    @ValueSource(ints = {401, 403})
    void readsThePasswordAnewWhereNoTokenIsGivenForItAnyMore(int status) throws IOException {
        bearerChallenge();
        tokens("t1");
        accept(MANIFEST, "Bearer t1");
        AtomicInteger reread = new AtomicInteger();
        Credential next = new Credential.UserPassword("AWS", "new");
        RemoteRepository repository = repository(counted(new AtomicReference<>(USER), reread, next));
        repository.fetchManifest(TAG);

        challenge("team/app", "Bearer realm=\"" + realm() + "\",service=\"svc\"");
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .atPriority(1)
                .willReturn(aResponse().withStatus(status)));
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .atPriority(1)
                .withHeader("Authorization", equalTo("Basic QVdTOm5ldw=="))
                .willReturn(json("{\"token\":\"t2\"}")));
        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo("Bearer t1"))
                .willReturn(aResponse().withStatus(401)));
        accept(MANIFEST, "Bearer t2");
        repository.fetchManifest(TAG);
        assertThat(reread).hasValue(1);
    }

    /** What is kept is served then; a denial would be passed on. */
    @ParameterizedTest
    @ValueSource(ints = {401, 403})
    void refusalOfAPasswordThatMayBeOverIsNoDenialWhileItsSourceFails(int status) throws IOException {
        challenge("Basic realm=\"r\"");
        accept(MANIFEST, BASIC);
        AtomicReference<Optional<IOException>> doubt = new AtomicReference<>(Optional.empty());
        RemoteRepository repository = repository(doubted(doubt));
        repository.fetchManifest(TAG);
        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo(BASIC))
                .willReturn(aResponse().withStatus(status).withHeader("WWW-Authenticate", "Basic realm=\"r\"")));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);
        }
        doubt.set(Optional.of(new IOException("exit code 3")));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> repository.fetchManifest(TAG))
                    .isInstanceOf(OutageException.class)
                    .hasMessageContaining("exit code 3")
                    .message()
                    .doesNotContain("s3cret");
        }
    }

    @Test
    void refusalByATokenServiceIsNoDenialWhileTheSourceOfThePasswordFails() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token")).willReturn(aResponse().withStatus(403)));
        AtomicReference<Optional<IOException>> doubt = new AtomicReference<>(Optional.empty());
        RemoteRepository repository = repository(doubted(doubt));
        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);
        doubt.set(Optional.of(new IOException("exit code 3")));
        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(OutageException.class);
    }

    private static CredentialSource doubted(AtomicReference<Optional<IOException>> doubt) {
        return new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(USER);
            }

            @Override
            public Optional<IOException> doubt() {
                return doubt.get();
            }
        };
    }

    private static CredentialSource counted(
            AtomicReference<Credential> current, AtomicInteger reread, Credential next) {
        return new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(current.get());
            }

            @Override
            public void refused(RegistryHost registry) {
                reread.incrementAndGet();
                current.set(next);
            }
        };
    }

    @Test
    void givesUpWhenAFreshTokenIsRefused() throws IOException {
        bearerChallenge();
        tokens("t1");
        RemoteRepository repository = repository(CredentialSource.NONE);

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        UnauthorizedException.class, e -> assertThat(e.status()).isEqualTo(401));

        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 401");
    }

    @Test
    void startsAgainWithoutATokenWhenTheRealmSwitches() throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);

        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo("Bearer t1"))
                .willReturn(aResponse()
                        .withStatus(401)
                        .withHeader(
                                "WWW-Authenticate",
                                "Bearer realm=\"" + REGISTRY.baseUrl() + "/elsewhere\",error=\"invalid_token\"")));
        accept(MANIFEST, "Bearer t2");
        repository.fetchManifest(TAG);

        assertThat(world.requests.subList(3, 7))
                .containsExactly("manifest 401", "manifest 401", "token 200", "manifest 200");
        REGISTRY.verify(0, anyRequestedFor(urlPathEqualTo("/elsewhere")));
    }

    @ParameterizedTest
    @CsvSource({"400", "403"})
    void startsAgainWhenAnOldTokenIsRefusedWithoutAChallenge(int status) throws IOException {
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);

        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo("Bearer t1"))
                .willReturn(aResponse().withStatus(status)));
        accept(MANIFEST, "Bearer t2");
        world.advance(Duration.ofSeconds(61));
        repository.fetchManifest(TAG);

        assertThat(world.requests.subList(3, 7))
                .containsExactly("manifest " + status, "manifest 401", "token 200", "manifest 200");
    }

    @Test
    void believesARefusalOfAYoungToken() throws IOException {
        bearerChallenge();
        tokens("t1");
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        repository.fetchManifest(TAG);
        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo("Bearer t1"))
                .willReturn(aResponse().withStatus(403)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);

        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 200", "manifest 403");
    }

    @Test
    void readsAPasswordAnewWhenItIsRefusedLikeEcrDoes() throws IOException {
        challenge("Basic realm=\"https://registry/\",service=\"ecr.amazonaws.com\"");
        accept(MANIFEST, BASIC);
        AtomicReference<Credential> current = new AtomicReference<>(USER);
        AtomicInteger reread = new AtomicInteger();
        RemoteRepository repository = repository(new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(current.get());
            }

            @Override
            public void refused(RegistryHost registry) {
                reread.incrementAndGet();
                current.set(new Credential.UserPassword("AWS", "new"));
            }
        });
        repository.fetchManifest(TAG);

        REGISTRY.stubFor(get(MANIFEST)
                .atPriority(1)
                .withHeader("Authorization", equalTo(BASIC))
                .willReturn(aResponse().withStatus(403)));
        accept(MANIFEST, "Basic QVdTOm5ldw==");
        repository.fetchManifest(TAG);

        assertThat(world.requests)
                .containsExactly("manifest 401", "manifest 200", "manifest 403", "manifest 401", "manifest 200");
        assertThat(reread).hasValue(1);
    }

    /** As at the end of an ECR token's twelve hours, with many pods that pull. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void allThatAreRefusedTogetherAtAPasswordsEndGoOnWithTheNewOne(boolean challenged) throws Exception {
        int together = 8;
        String fresh = "Basic QVdTOm5ldw==";
        CyclicBarrier refusals = new CyclicBarrier(together);
        AtomicReference<Credential> current = new AtomicReference<>(USER);
        CredentialSource source = new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(current.get());
            }

            @Override
            public void refused(RegistryHost registry) {
                current.set(new Credential.UserPassword("AWS", "new"));
            }
        };
        AtomicBoolean ended = new AtomicBoolean();
        String index = "Content-Type: application/vnd.oci.image.index.v1+json";
        String challenge = "WWW-Authenticate: Basic realm=\"r\"";
        try (RawServer registry = new RawServer(request -> {
                    String shown = request.headers.getOrDefault("Authorization", "");
                    if (shown.equals(fresh) || shown.equals(BASIC) && !ended.get()) {
                        request.answer(200, BODY, index);
                    } else if (shown.isEmpty()) {
                        request.answer(401, "", challenge);
                    } else {
                        awaitAll(refusals);
                        request.answer(challenged ? 401 : 403, "", challenged ? challenge : "X-Nothing: yes");
                    }
                });
                RegistryClient client = new RegistryClient(
                        TestWorld.endpoint(registry.url()).withCredentials(source), world.environment());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            repository.fetchManifest(TAG);
            ended.set(true);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < together; i++) {
                all.add(threads.submit(() -> repository.fetchManifest(TAG)));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
    }

    private static void awaitAll(CyclicBarrier all) throws IOException {
        try {
            all.await(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    @Test
    void doesNotOfferARefusedPasswordTwice() throws IOException {
        challenge("Basic realm=\"r\"");
        RemoteRepository repository = repository(CredentialSource.fixed(USER));
        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);
        assertThat(world.requests).containsExactly("manifest 401", "manifest 401");

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);
        assertThat(world.requests).hasSize(3);
    }

    private static void challenge(String repository, String challenge) {
        REGISTRY.stubFor(any(urlMatching("/v2/" + repository + "/.*"))
                .atPriority(8)
                .willReturn(aResponse().withStatus(401).withHeader("WWW-Authenticate", challenge)));
    }

    @Test
    void followsARegistryThatWantsAPasswordForOneRepositoryAndATokenForAnother() throws IOException {
        challenge("team/app", "Basic realm=\"r\"");
        accept(MANIFEST, BASIC);
        challenge("team/other", "Bearer realm=\"" + realm() + "\",service=\"svc\"");
        accept("/v2/team/other/manifests/v1", "Bearer t1");
        tokens("t1");
        RegistryClient client = client(CredentialSource.fixed(USER));

        for (int i = 0; i < 3; i++) {
            for (String name : List.of("team/app", "team/other")) {
                client.repository(new RepositoryName(name)).fetchManifest(TAG);
            }
        }
    }

    @Test
    void doesNotOfferATokenServiceAWrongPasswordEachTimeThatTheRegistryAsksForATokenInItsPlace() throws IOException {
        challenge("team/app", "Basic realm=\"r\"");
        accept(MANIFEST, BASIC);
        challenge("team/other", "Bearer realm=\"" + realm() + "\",service=\"svc\"");
        REGISTRY.stubFor(get(urlPathEqualTo("/token")).willReturn(aResponse().withStatus(401)));
        RegistryClient client = client(CredentialSource.fixed(USER));
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        RemoteRepository other = client.repository(new RepositoryName("team/other"));

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> other.fetchManifest(TAG))
                    .isInstanceOf(UnauthorizedException.class)
                    .hasMessageContaining("the token service localhost answered 401");
        }
        REGISTRY.verify(1, anyRequestedFor(urlPathEqualTo("/token")));
        world.advance(Duration.ofMinutes(1));
        assertThatThrownBy(() -> other.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);
        REGISTRY.verify(2, anyRequestedFor(urlPathEqualTo("/token")));
    }

    /** That of a credential helper, for example, which was renewed while the registry refused the former one. */
    @Test
    void offersATokenServiceAnotherPasswordAtOnce() throws IOException {
        AtomicReference<Credential> current = new AtomicReference<>(USER);
        AtomicReference<Credential> next = new AtomicReference<>(USER);
        RegistryClient client = client(registry -> Optional.of(current.getAndSet(next.get())));
        challenge("team/app", "Basic realm=\"r\"");
        accept(MANIFEST, BASIC);
        challenge("team/other", "Bearer realm=\"" + realm() + "\",service=\"svc\"");
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .withHeader("Authorization", equalTo(BASIC))
                .willReturn(aResponse().withStatus(401)));
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .withHeader("Authorization", equalTo("Basic QVdTOm5ldw=="))
                .willReturn(json("{\"token\":\"t1\"}")));
        accept("/v2/team/other/manifests/v1", "Bearer t1");
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        RemoteRepository other = client.repository(new RepositoryName("team/other"));
        assertThatThrownBy(() -> other.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);

        next.set(new Credential.UserPassword("AWS", "new"));
        other.fetchManifest(TAG);
    }

    /** As of ACR, whose refresh tokens no registry ever sees; it cannot say that one is over. */
    @Test
    void readsWhatTheTokenServiceRefusesAnew() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(any(urlPathEqualTo("/token")).willReturn(aResponse().withStatus(401)));
        REGISTRY.stubFor(post("/token")
                .atPriority(1)
                .withRequestBody(containing("refresh_token=new"))
                .willReturn(json("{\"access_token\":\"t1\"}")));
        accept(MANIFEST, "Bearer t1");
        AtomicReference<Credential> current = new AtomicReference<>(IDENTITY);
        AtomicInteger reread = new AtomicInteger();
        RemoteRepository repository = repository(new CredentialSource() {
            @Override
            public Optional<Credential> credential(RegistryHost registry) {
                return Optional.of(current.get());
            }

            @Override
            public void refused(RegistryHost registry) {
                if (reread.incrementAndGet() == 2) {
                    current.set(new Credential.IdentityToken("new"));
                }
            }
        });
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> repository.fetchManifest(TAG))
                    .isInstanceOf(UnauthorizedException.class)
                    .hasMessageContaining("the token service localhost answered 401");
        }
        assertThat(reread).as("at most once a minute").hasValue(1);
        world.advance(Duration.ofMinutes(1));
        repository.fetchManifest(TAG);
    }

    @Test
    void fetchesATokenAnewAtItsEndThoughTheWallClockWasSetBack() throws IOException {
        AtomicLong nanos = new AtomicLong(77);
        bearerChallenge();
        tokens("t1", "t2");
        accept(MANIFEST, "Bearer t1");
        RegistryClient client = new RegistryClient(
                TestWorld.endpoint(REGISTRY.baseUrl()), world.environment().withNanoTime(nanos::get));
        clients.add(client);
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        world.advance(Duration.ofHours(-1));
        nanos.addAndGet(Duration.ofSeconds(300).toNanos());
        accept(MANIFEST, "Bearer t2");
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        assertThat(world.requests)
                .containsExactly("manifest 401", "token 200", "manifest 200", "token 200", "manifest 200");
    }

    /** What the service says of when it issued a token goes by the wall clock as it stands, not as it once stood. */
    @Test
    void keepsATokenForItsLifeThoughTheWallClockWasAheadAtTheStart() throws IOException {
        AtomicLong nanos = new AtomicLong(77);
        bearerChallenge();
        RegistryClient client = new RegistryClient(
                TestWorld.endpoint(REGISTRY.baseUrl()), world.environment().withNanoTime(nanos::get));
        clients.add(client);
        world.advance(Duration.ofSeconds(-270));
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .willReturn(json("{\"token\":\"t1\",\"expires_in\":300,\"issued_at\":\"" + world.instant() + "\"}")));
        accept(MANIFEST, "Bearer t1");
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        nanos.addAndGet(Duration.ofSeconds(60).toNanos());
        world.advance(Duration.ofSeconds(60));
        client.repository(TestWorld.NAME).fetchManifest(TAG);
        assertThat(world.requests).containsExactly("manifest 401", "token 200", "manifest 200", "manifest 200");
    }

    @Test
    void sendsAStrangeRealmNothingWhenATokenIsWantedInPlaceOfAPassword() throws IOException {
        challenge("team/app", "Basic realm=\"r\"");
        accept(MANIFEST, BASIC);
        challenge("team/other", "Bearer realm=\"http://127.0.0.1:" + STRANGER.getPort() + "/token\"");
        RegistryClient client = client(CredentialSource.fixed(USER));
        client.repository(TestWorld.NAME).fetchManifest(TAG);

        assertThatThrownBy(() ->
                        client.repository(new RepositoryName("team/other")).fetchManifest(TAG))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("token-realms");
        STRANGER.verify(0, anyRequestedFor(anyUrl()));
    }

    @Test
    void sendsAnIdentityTokenByPost() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(post("/token").willReturn(json("{\"access_token\":\"t1\",\"expires_in\":300}")));
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.fixed(IDENTITY)).fetchManifest(TAG);

        REGISTRY.verify(
                1,
                postRequestedFor(urlEqualTo("/token"))
                        .withHeader("Content-Type", equalTo("application/x-www-form-urlencoded"))
                        .withRequestBody(
                                equalTo("grant_type=refresh_token&refresh_token=s3cret-refresh&client_id=entrepot"
                                        + "&service=svc&scope=repository%3Ateam%2Fapp%3Apull")));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 404, 405})
    void sendsAnIdentityTokenByGetWhereThePostIsNotTaken(int status) throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(post("/token").willReturn(aResponse().withStatus(status)));
        tokens("t1");
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.fixed(IDENTITY)).fetchManifest(TAG);

        assertThat(world.requests).containsExactly("manifest 401", "token " + status, "token 200", "manifest 200");
    }

    @Test
    void sendsAPasswordByPostWhereTheGetIsNotTaken() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token")).willReturn(aResponse().withStatus(405)));
        REGISTRY.stubFor(post("/token")
                .withRequestBody(containing("grant_type=password&username=bob&password=s3cret-pass"))
                .willReturn(json("{\"access_token\":\"t1\"}")));
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.fixed(USER)).fetchManifest(TAG);

        assertThat(world.requests).containsExactly("manifest 401", "token 405", "token 200", "manifest 200");
    }

    @Test
    void sendsAGivenBearerTokenAsItIs() throws IOException {
        bearerChallenge();
        accept(MANIFEST, "Bearer given");

        repository(CredentialSource.fixed(new Credential.BearerToken("given"))).fetchManifest(TAG);

        assertThat(world.requests).containsExactly("manifest 401", "manifest 200");
    }

    @Test
    void prefersTokensToPasswords() throws IOException {
        challenge("Basic realm=\"r\", Bearer realm=\"" + realm() + "\"");
        tokens("t1");
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.fixed(USER)).fetchManifest(TAG);

        REGISTRY.verify(0, getRequestedFor(urlEqualTo(MANIFEST)).withHeader("Authorization", equalTo(BASIC)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"500|", "429|", "302|", "200|<html>", "200|{}", "200|{\"token\":\"a\\nb\"}"})
    void takesAFailingTokenServiceForAnOutage(int status, String body) throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .willReturn(aResponse()
                        .withStatus(status)
                        .withBody(body)
                        .withHeader("Location", "http://127.0.0.1:" + STRANGER.getPort() + "/token")));
        RemoteRepository repository = repository(CredentialSource.fixed(USER));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TOKEN_SERVICE));
        STRANGER.verify(0, anyRequestedFor(anyUrl()));
    }

    @Test
    void tellsASilentTokenServiceFromOneThatIsNotAskedAfterIt() throws IOException {
        try (ServerSocket silent = new ServerSocket(0)) {
            challenge("Bearer realm=\"http://localhost:" + silent.getLocalPort() + "/token\"");
            RegistryClient client = new RegistryClient(
                    TestWorld.endpoint(REGISTRY.baseUrl()).withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(200)),
                    Safeguards.shared(QuotaReserve.DEFAULT),
                    world.environment());
            clients.add(client);
            RemoteRepository repository = client.repository(TestWorld.NAME);

            for (OutageException.Reason how :
                    List.of(OutageException.Reason.TIMEOUT, OutageException.Reason.NOT_ASKED)) {
                assertThatThrownBy(() -> repository.fetchManifest(TAG))
                        .isInstanceOfSatisfying(
                                OutageException.class,
                                e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TOKEN_SERVICE))
                        .cause()
                        .isInstanceOfSatisfying(
                                OutageException.class,
                                e -> assertThat(e.reason()).isEqualTo(how));
            }
        }
    }

    @Test
    void keepsNoSlotOfTheRegistryWhileATokenServiceLetsWait() throws Exception {
        try (ServerSocket silent = new ServerSocket(0);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            challenge("Bearer realm=\"http://localhost:" + silent.getLocalPort() + "/token\"");
            REGISTRY.stubFor(
                    get(urlEqualTo("/v2/team/open/manifests/v1")).atPriority(1).willReturn(manifest()));
            RegistryClient client = new RegistryClient(
                    TestWorld.endpoint(REGISTRY.baseUrl()).withMaxConcurrentRequests(1), world.environment());
            clients.add(client);
            Future<?> waiting =
                    threads.submit(() -> client.repository(TestWorld.NAME).fetchManifest(TAG));
            Socket asked = silent.accept();
            assertThat(client.repository(new RepositoryName("team/open"))
                            .fetchManifest(TAG)
                            .sizeBytes())
                    .isEqualTo(BODY.length());
            assertThat(waiting.isDone()).isFalse();
            silent.close();
            asked.close();
            assertThatThrownBy(waiting::get).hasMessageContaining("token");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404})
    void takesARefusingTokenServiceForAnAnswer(int status) throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(any(urlPathEqualTo("/token")).willReturn(aResponse().withStatus(status)));
        RemoteRepository repository = repository(CredentialSource.fixed(USER));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("localhost")
                .hasMessageContaining(Integer.toString(status))
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void boundsTheAnswerOfTheTokenService() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token")).willReturn(json("{\"token\":\"" + "x".repeat(1 << 20) + "\"}")));
        RemoteRepository repository = repository(CredentialSource.NONE);

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("limit");
    }

    @Test
    void takesNoTokenThatNoServerWouldTake() throws IOException {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .willReturn(json("{\"token\":\"" + "x".repeat((16 << 10) + 1) + "\"}")));
        RemoteRepository repository = repository(CredentialSource.NONE);

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TOKEN_SERVICE))
                .hasMessageContaining("longer than the limit of 16384");
        assertThat(world.requests).containsExactly("manifest 401", "token 200");
    }

    @Test
    void sendsAStrangeRealmNothingWhenThereAreCredentials() throws IOException {
        challenge("Bearer realm=\"http://127.0.0.1:" + STRANGER.getPort() + "/token\"");
        RemoteRepository repository = repository(CredentialSource.fixed(USER));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("127.0.0.1")
                .hasMessageContaining("token-realms")
                .hasMessageNotContaining("s3cret");
        STRANGER.verify(0, anyRequestedFor(anyUrl()));
    }

    @Test
    void asksAStrangeRealmAnonymously() throws IOException {
        challenge("Bearer realm=\"http://127.0.0.1:" + STRANGER.getPort() + "/token\"");
        STRANGER.stubFor(get(urlPathEqualTo("/token")).willReturn(json("{\"token\":\"t1\"}")));
        accept(MANIFEST, "Bearer t1");

        repository(CredentialSource.NONE).fetchManifest(TAG);

        STRANGER.verify(getRequestedFor(urlPathEqualTo("/token")).withHeader("Authorization", absent()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://169.254.169.254/token", "http://[fd00:ec2::254]/token", "ftp://localhost/token"})
    void neverAsksAMetadataServiceNorAnotherProtocol(String realm) throws IOException {
        challenge("Bearer realm=\"" + realm + "\"");
        RemoteRepository repository = repository(CredentialSource.NONE);

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);

        assertThat(world.requests).containsExactly("manifest 401");
    }

    @Test
    void fetchesOneTokenForAllWhoWait() throws Exception {
        bearerChallenge();
        REGISTRY.stubFor(get(urlPathEqualTo("/token"))
                .willReturn(json("{\"token\":\"t1\",\"expires_in\":300}").withFixedDelay(300)));
        accept(MANIFEST, "Bearer t1");
        RemoteRepository repository = repository(CredentialSource.NONE);
        CountDownLatch start = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                all.add(threads.submit(() -> {
                    start.await();
                    return repository.fetchManifest(TAG);
                }));
            }
            start.countDown();
            for (Future<?> one : all) {
                one.get();
            }
        }

        REGISTRY.verify(1, getRequestedFor(urlPathEqualTo("/token")));
    }

    @Test
    void reportsCredentialsThatCannotBeReadAsAnOutage() throws IOException {
        bearerChallenge();
        RemoteRepository repository = repository(registry -> {
            throw new IOException("no such file");
        });

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.NOT_ASKED))
                .hasMessageContaining("registry.test")
                .hasMessageContaining("no such file");
    }

    @Test
    void asksForTheScopeOfTheRepositoryThatItIsRedirectedTo() throws IOException {
        REGISTRY.stubFor(get(MANIFEST)
                .willReturn(aResponse().withStatus(301).withHeader("Location", "/v2/team/library/app/manifests/v1")));
        REGISTRY.stubFor(get("/v2/team/library/app/manifests/v1")
                .willReturn(aResponse()
                        .withStatus(401)
                        .withHeader(
                                "WWW-Authenticate",
                                "Bearer realm=\"" + realm() + "\",scope=\"repository:team/library/app:pull\"")));
        tokens("t1");
        accept("/v2/team/library/app/manifests/v1", "Bearer t1");

        repository(CredentialSource.NONE).fetchManifest(TAG);

        REGISTRY.verify(
                getRequestedFor(
                        urlEqualTo(
                                "/token?scope=repository%3Ateam%2Fapp%3Apull&scope=repository%3Ateam%2Flibrary%2Fapp%3Apull&client_id=entrepot")));
    }

    @ParameterizedTest
    @CsvSource({
        "/v2/secret/manifests/v1,repository:secret:pull",
        "/v2/team/app/manifests/other,repository:secret:pull",
        "/v2/team/library/app/manifests/v1,repository:secret:pull",
        "/v2/app/team/manifests/v1,repository:app/team:pull",
        "/v2/team/library/app/manifests/v1,registry:catalog:*"
    })
    void redirectedChallengeCannotChooseWhatATokenIsFor(String location, String scope) throws IOException {
        REGISTRY.stubFor(get(MANIFEST).willReturn(aResponse().withStatus(301).withHeader("Location", location)));
        REGISTRY.stubFor(get(location)
                .willReturn(aResponse()
                        .withStatus(401)
                        .withHeader(
                                "WWW-Authenticate",
                                "Bearer realm=\"" + realm() + "\",service=\"other\",scope=\"" + scope + "\"")));
        tokens("t1");
        RemoteRepository repository = repository(CredentialSource.fixed(USER));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(UnauthorizedException.class);

        REGISTRY.verify(
                1,
                getRequestedFor(urlEqualTo(
                        "/token?service=other&scope=repository%3Ateam%2Fapp%3Apull&client_id=entrepot&account=bob")));
    }

    @Test
    void redirectedChallengeGivesATokenToReadNoMoreThanThat() throws IOException {
        REGISTRY.stubFor(get(MANIFEST)
                .willReturn(aResponse().withStatus(301).withHeader("Location", "/v2/team/library/app/manifests/v1")));
        challenge("Bearer realm=\"" + realm() + "\",scope=\"repository:team/library/app:pull,push,delete\"");
        tokens("t1");
        accept("/v2/team/library/app/manifests/v1", "Bearer t1");

        repository(CredentialSource.NONE).fetchManifest(TAG);

        REGISTRY.verify(
                1,
                getRequestedFor(
                        urlEqualTo(
                                "/token?scope=repository%3Ateam%2Fapp%3Apull&scope=repository%3Ateam%2Flibrary%2Fapp%3Apull&client_id=entrepot")));
    }
}
