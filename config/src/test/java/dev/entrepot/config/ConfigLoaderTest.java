package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigLoaderTest {
    @TempDir
    Path directory;

    @Test
    void loadsTheDefaultsWithoutAnyFile() throws Exception {
        LoadedConfig loaded = ConfigLoader.load(Optional.empty(), directory, Map.of());

        assertThat(loaded.file()).isEmpty();
        assertThat(loaded.config().server().listen()).hasToString("127.0.0.1:5000");
        assertThat(loaded.config().server().admin()).hasToString("127.0.0.1:5001");
        assertThat(loaded.config().server().drain()).isEqualTo(Duration.ofSeconds(30));
        assertThat(loaded.config().server().clientStall()).isEqualTo(Duration.ofSeconds(60));
        assertThat(loaded.config().server().maxConnections()).isEqualTo(12_000);
        assertThat(loaded.config().server().accessLog()).isEqualTo(AccessLogFormat.TEXT);
        assertThat(loaded.config().cache().directory()).isEqualTo(directory.resolve("data"));
        assertThat(loaded.config().cache().capacity().bytes()).isEqualTo(50L << 30);
        assertThat(loaded.config().cache().minFree().bytes()).isEqualTo(1L << 30);
        assertThat(loaded.config().cache().freshFor()).isEqualTo(Duration.ofMinutes(1));
        assertThat(loaded.config().cache().staleFor()).isEqualTo(Duration.ofDays(7));
        assertThat(loaded.config().cache().referrersFreshFor()).isEqualTo(Duration.ofMinutes(1));
        assertThat(loaded.config().cache().memory().bytes()).isEqualTo(64L << 20);
        assertThat(loaded.config().defaultUpstream()).contains(RegistryHost.DOCKER_HUB);
        assertThat(loaded.config().replication()).isEqualTo(ReplicationConfig.NONE);
        assertThat(loaded.originOf("server.listen")).isEqualTo(new Origin.Default());
    }

    @Test
    void knowsThePublicRegistriesWithoutAnyFile() {
        assertThat(EntrepotConfig.defaults().upstreams().values())
                .extracting(upstream -> upstream.name() + " " + upstream.url())
                .containsExactly(
                        "docker.io https://registry-1.docker.io",
                        "mcr.microsoft.com https://mcr.microsoft.com",
                        "ghcr.io https://ghcr.io",
                        "quay.io https://quay.io",
                        "registry.k8s.io https://registry.k8s.io",
                        "gcr.io https://gcr.io",
                        "public.ecr.aws https://public.ecr.aws",
                        "nvcr.io https://nvcr.io");
    }

    @Test
    void defaultsEqualAnEmptyFile() {
        assertThat(Loading.config("")).isEqualTo(EntrepotConfig.defaults());
        assertThat(Loading.config("# nothing\n")).isEqualTo(EntrepotConfig.defaults());
        assertThat(Loading.config("server:\ncache:\nupstreams:\nreplication:\n"))
                .isEqualTo(EntrepotConfig.defaults());
    }

    @Test
    void aLinkThatLeadsNowhereIsNotTakenForNoFile() throws Exception {
        Files.createSymbolicLink(directory.resolve("entrepot.yaml"), Path.of("gone.yaml"));

        assertThatThrownBy(() -> ConfigLoader.load(Optional.empty(), directory, Map.of()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("entrepot.yaml: the link leads to no file");
    }

    @Test
    void readsTheFileOfTheWorkingDirectoryIfItIsThere() throws Exception {
        Files.writeString(directory.resolve("entrepot.yaml"), "server: {listen: \":80\", anonymous: true}\n");

        LoadedConfig loaded = ConfigLoader.load(Optional.empty(), directory, Map.of());

        assertThat(loaded.config().server().listen()).isEqualTo(new ListenAddress(Optional.empty(), 80));
        assertThat(loaded.file()).contains(Path.of("entrepot.yaml"));
        assertThat(loaded.originOf("server.listen")).hasToString("entrepot.yaml:1");
    }

    @Test
    void theNamedFileGoesBeforeThatOfTheWorkingDirectory() throws Exception {
        Files.writeString(directory.resolve("entrepot.yaml"), "server: {listen: \":80\", anonymous: true}\n");
        Files.writeString(directory.resolve("other.yaml"), "server: {listen: \":81\", anonymous: true}\n");

        LoadedConfig loaded = ConfigLoader.load(Optional.of(Path.of("other.yaml")), directory, Map.of());

        assertThat(loaded.config().server().listen().port()).isEqualTo(81);
    }

    @Test
    void aNamedFileThatIsNotThereIsAnError() {
        assertThat(refusal(Path.of("missing.yaml"))).satisfies(error -> {
            assertThat(error.kind()).isEqualTo(ConfigError.Kind.UNREADABLE);
            assertThat(error).hasToString("missing.yaml: there is no such file");
        });
    }

    @Test
    void aFolderInPlaceOfAFileIsAnError() throws IOException {
        Files.createDirectory(directory.resolve("folder.yaml"));

        assertThat(refusal(Path.of("folder.yaml"))).hasToString("folder.yaml: is not a file");
    }

    @Test
    void aFileOfMoreThanOneMebibyteIsRefused() throws IOException {
        Files.writeString(directory.resolve("large.yaml"), "#".repeat((1 << 20) + 1));

        assertThat(refusal(Path.of("large.yaml"))).hasToString("large.yaml: the file is longer than 1MiB");
    }

    @Test
    void readsTheWholeOfServerAndCache() {
        EntrepotConfig config = Loading.config("""
                server:
                  listen: "[::1]:6000"
                  anonymous: true
                  admin: localhost:6001
                  admin-access: {open: [readyz], read-token: one, operate-token: two}
                  authentication: {groups: {dev: [alice]}}
                  drain: 1m30s
                  client-stall: 500ms
                  max-connections: 12
                  max-connections-per-client: 3
                  client-rate: {per-second: 10, burst: 20}
                  access-log: json
                  log: {format: json, level: warn}
                cache:
                  directory: /srv/cache
                  capacity: 4.7GB
                  min-free: 512
                  fresh-for: 0s
                  stale-for: 2d
                  referrers-fresh-for: 1h
                  high-watermark: 90%
                  low-watermark: 80%
                  scrub-every: 7d
                  scrub-rate: 2MiB
                  platforms: [linux/arm64, windows/amd64]
                  memory: 1 MiB
                """);

        assertThat(config.server())
                .isEqualTo(new ServerConfig(
                        new ListenAddress(Optional.of("::1"), 6000),
                        true,
                        new ListenAddress(Optional.of("localhost"), 6001),
                        new AdminAccessConfig(
                                false,
                                List.of(AdminAccessConfig.Open.READYZ),
                                Optional.empty(),
                                Optional.empty(),
                                TlsConfig.ClientCertificates.OPTIONAL,
                                List.of(),
                                Optional.of(Secret.of("one")),
                                Optional.of(Secret.of("two"))),
                        Optional.empty(),
                        Optional.empty(),
                        new AuthenticationConfig(
                                Optional.empty(), Map.of("dev", List.of("alice")), Optional.empty(), List.of()),
                        Duration.ofSeconds(90),
                        Duration.ofMillis(500),
                        12,
                        3,
                        Optional.of(new ClientRateConfig(10, 20)),
                        AccessLogFormat.JSON,
                        new LogConfig(LogConfig.Format.JSON, LogConfig.Level.WARN)));
        assertThat(config.cache())
                .isEqualTo(new CacheConfig(
                        Path.of("/srv/cache"),
                        new ByteSize(4_700_000_000L),
                        new ByteSize(512),
                        new Percent(90),
                        new Percent(80),
                        Duration.ZERO,
                        Duration.ofDays(2),
                        Duration.ofHours(1),
                        Duration.ofDays(7),
                        new ByteSize(2 << 20),
                        new ByteSize(1 << 20),
                        List.of(Platform.parse("linux/arm64"), Platform.parse("windows/amd64"))));
    }

    @Test
    void readsTheWholeOfAnUpstream() throws IOException {
        Files.writeString(directory.resolve("ca.pem"), "ca");
        Files.writeString(directory.resolve("cert.pem"), "cert");
        Files.writeString(directory.resolve("key.pem"), "key");

        UpstreamConfig upstream =
                Loading.load("""
                        upstreams:
                          Registry.test:5000:
                            url: HTTPS://Registry.test:8443/
                            credentials: {username: me, password: "it's me"}
                            hosts: [mirror.test, "other.test:80"]
                            aliases: [test]
                            ca: ca.pem
                            client-certificate: {certificate: cert.pem, key: key.pem}
                            proxy: http://proxy.test:3128
                            token-realms: [auth.test]
                            max-concurrent-requests: 3
                            quota-reserve: 50
                            hedge: false
                            probe: team/app:1.2
                            mirrors:
                              - {url: "http://mirror.test:5000/", timeout: 5s}
                              - {url: "https://mirror.test", prefix: hub/proxy, answers: tags, credentials: {bearer-token: t}}
                            fresh-for: 5m
                            stale-for: 1d
                        """, directory, Map.of()).config().upstreams().get(new RegistryHost("registry.test:5000"));

        assertThat(upstream)
                .isEqualTo(new UpstreamConfig(
                        new RegistryHost("registry.test:5000"),
                        URI.create("https://registry.test:8443"),
                        Optional.of(new CredentialsConfig.UsernamePassword("me", Secret.of("it's me"))),
                        Optional.empty(),
                        List.of(
                                mirror("http://mirror.test:5000", Duration.ofSeconds(5)),
                                new MirrorConfig(
                                        URI.create("https://mirror.test"),
                                        Optional.of(new RepositoryName("hub/proxy")),
                                        MirrorConfig.Answers.TAGS,
                                        Optional.of(new CredentialsConfig.BearerToken(Secret.of("t"))),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        List.of(),
                                        Duration.ofSeconds(10))),
                        List.of(new RegistryHost("mirror.test"), new RegistryHost("other.test:80")),
                        List.of("test"),
                        Optional.of(directory.resolve("ca.pem")),
                        Optional.of(new ClientCertificate(directory.resolve("cert.pem"), directory.resolve("key.pem"))),
                        Optional.of(URI.create("http://proxy.test:3128")),
                        List.of(new RegistryHost("auth.test")),
                        3,
                        new QuotaReserve(50, false),
                        false,
                        Optional.of(new ProbedImage(new RepositoryName("team/app"), new Tag("1.2"))),
                        Optional.of(Duration.ofMinutes(5)),
                        Optional.of(Duration.ofDays(1)),
                        List.of()));
    }

    private static MirrorConfig mirror(String url, Duration timeout) {
        return new MirrorConfig(
                URI.create(url),
                Optional.empty(),
                MirrorConfig.Answers.DIGESTS,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                timeout);
    }

    @Test
    void mirrorIsNamedOnceAndIsNotTheUpstreamItself() {
        for (String wrong : List.of(
                "{url: \"https://registry.test\"}",
                "{url: \"http://m.test\", prefix: a}, {url: \"http://m.test:80\", prefix: a}")) {
            ConfigError error = Loading.error("upstreams:\n  registry.test: {mirrors: [" + wrong + "]}\n");
            assertThat(error.path()).isEqualTo("upstreams[registry.test].mirrors");
            assertThat(error.toString()).contains("each place once, and not the upstream itself");
        }
        assertThat(Loading.error("upstreams:\n  registry.test: {mirrors: [{prefix: a}]}\n")
                        .path())
                .isEqualTo("upstreams[registry.test].mirrors[0].url");
        assertThat(Loading.error("upstreams:\n  registry.test: {mirrors: [{url: \"http://m.test\", answers: all}]}\n")
                        .toString())
                .contains("one of digests, tags");
    }

    @Test
    void probeIsARepositoryWithOrWithoutATag() {
        assertThat(Loading.config("upstreams:\n  registry.test: {probe: app}\n")
                        .upstreams()
                        .get(new RegistryHost("registry.test"))
                        .probe())
                .map(ProbedImage::toString)
                .contains("app:latest");
        for (String wrong : List.of("App", "app:", "app@sha256:1", "app:1:2", "https://registry.test/app")) {
            ConfigError error = Loading.error("upstreams:\n  registry.test: {probe: \"" + wrong + "\"}\n");
            assertThat(error.toString()).as(wrong).contains("a repository of this registry");
        }
    }

    @Test
    void quotaReserveIsANumberOrAShareAndAQuarterWithout() {
        assertThat(reserve("quota-reserve: 10%")).isEqualTo(new QuotaReserve(10, true));
        assertThat(reserve("quota-reserve: 0")).isEqualTo(new QuotaReserve(0, false));
        assertThat(reserve("")).isEqualTo(new QuotaReserve(25, true));
        for (String wrong : List.of("101%", "-1", "1.5", "half", "%", "9999999999")) {
            ConfigError error = Loading.error("upstreams:\n  registry.test: {quota-reserve: \"" + wrong + "\"}\n");
            assertThat(error.toString()).as(wrong).contains("a number of pulls");
        }
    }

    private static QuotaReserve reserve(String line) {
        return Loading.config("upstreams:\n  registry.test: {" + line + "}\n")
                .upstreams()
                .get(new RegistryHost("registry.test"))
                .quotaReserve();
    }

    @Test
    void upstreamsOfTheFileJoinTheBuiltInOnesAndReplaceThoseOfTheSameName() {
        EntrepotConfig config = Loading.config("""
                upstreams:
                  ghcr.io: {url: "http://localhost:1"}
                  "[::1]:5000":
                """);

        assertThat(config.upstreams()).hasSize(9);
        assertThat(config.upstreams().get(new RegistryHost("ghcr.io")).url()).hasToString("http://localhost:1");
        assertThat(config.upstreams().get(new RegistryHost("[::1]:5000")).url()).hasToString("https://[::1]:5000");
    }

    @Test
    void anEntryForDockerHubKeepsItsUrl() {
        EntrepotConfig config = Loading.config("upstreams: {docker.io: {credentials: {identity-token: abc}}}");

        UpstreamConfig hub = config.upstreams().get(RegistryHost.DOCKER_HUB);
        assertThat(hub.url()).hasToString("https://registry-1.docker.io");
        assertThat(hub.credentials()).contains(new CredentialsConfig.IdentityToken(Secret.of("abc")));
    }

    @Test
    void withoutTheBuiltInUpstreamsThereIsNoDefaultUpstreamUnlessOneIsNamed() {
        assertThat(Loading.config("builtin-upstreams: false").defaultUpstream()).isEmpty();
        assertThat(Loading.config("builtin-upstreams: false").upstreams()).isEmpty();
        for (String none : List.of("none", "None", "NONE", "\"none\"")) {
            assertThat(Loading.config("default-upstream: " + none).defaultUpstream())
                    .as(none)
                    .isEmpty();
        }
        assertThat(Loading.config("default-upstream: quay.io").defaultUpstream())
                .contains(new RegistryHost("quay.io"));
    }

    @Test
    void readsEveryKindOfCredentials() throws IOException {
        Files.writeString(directory.resolve("password"), "p");
        Files.writeString(directory.resolve("config.json"), "{}");
        Map<RegistryHost, UpstreamConfig> upstreams =
                Loading.load("""
                        upstreams:
                          a.test: {credentials: {username: u, password-file: password}}
                          b.test: {credentials: {bearer-token: t}}
                          c.test: {credentials: {docker-config: config.json}}
                        """, directory, Map.of()).config().upstreams();

        assertThat(upstreams.get(new RegistryHost("a.test")).credentials())
                .contains(new CredentialsConfig.UsernamePasswordFile("u", directory.resolve("password")));
        assertThat(upstreams.get(new RegistryHost("b.test")).credentials())
                .contains(new CredentialsConfig.BearerToken(Secret.of("t")));
        assertThat(upstreams.get(new RegistryHost("c.test")).credentials())
                .contains(new CredentialsConfig.DockerConfig(directory.resolve("config.json")));
    }

    @Test
    void readsCredentialsOfCloudsAndPrograms() throws IOException {
        Files.writeString(directory.resolve("key.json"), "{}");
        Map<RegistryHost, UpstreamConfig> upstreams =
                Loading.load("""
                        builtin-upstreams: false
                        default-upstream: none
                        upstreams:
                          123456789012.dkr.ecr.eu-central-1.amazonaws.com: {credentials: {provider: ecr}}
                          public.ecr.aws: {credentials: {provider: ecr, profile: p, role: arn}}
                          ecr.test:
                            url: https://123456789012.dkr.ecr.eu-central-1.amazonaws.com
                            credentials: {provider: ecr}
                          pkg.test: {credentials: {provider: google, key-file: key.json}}
                          acr.test: {credentials: {provider: azure, tenant: t, client-id: i, client-secret: s}}
                          exec.test: {credentials: {exec: [login, now]}}
                        """, directory, Map.of()).config().upstreams();

        assertThat(upstreams.values().stream().flatMap(upstream -> upstream.credentials().stream()))
                .containsExactlyInAnyOrder(
                        new CredentialsConfig.Ecr(Optional.empty(), Optional.empty(), Optional.empty()),
                        new CredentialsConfig.Ecr(Optional.empty(), Optional.of("p"), Optional.of("arn")),
                        new CredentialsConfig.Ecr(Optional.empty(), Optional.empty(), Optional.empty()),
                        new CredentialsConfig.Google(Optional.of(directory.resolve("key.json"))),
                        new CredentialsConfig.Azure(
                                Optional.of("t"), Optional.of("i"), Optional.of(Secret.of("s")), Optional.empty()),
                        new CredentialsConfig.Exec(List.of("login", "now")));
    }

    private ConfigError refusal(Path file) {
        ConfigException refused = catchThrowableOfType(
                ConfigException.class, () -> ConfigLoader.load(Optional.of(file), directory, Map.of()));
        assertThat(refused.errors()).hasSize(1);
        return refused.errors().getFirst();
    }
}
