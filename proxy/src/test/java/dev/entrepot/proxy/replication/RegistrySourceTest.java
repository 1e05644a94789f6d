package dev.entrepot.proxy.replication;

import static com.github.tomakehurst.wiremock.client.WireMock.absent;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.okJson;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.client.WireMock;
import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.DiskLimits;
import dev.entrepot.cache.DiskShares;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.FetchSettings;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.rules.RuleSet;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whether a source has a manifest now, which prune believes: that is the registry's own word, or none. */
class RegistrySourceTest {
    private static final String NAME = "team/app";
    private static final RepositoryName REPOSITORY = new RepositoryName(NAME);

    private static final CacheRules ALWAYS =
            CacheRules.always(CacheSettings.defaults(Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1)));

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry copy = TestRegistry.started();
    private final ClientEnvironment environment =
            ClientEnvironment.system("test").withVariables(Map.of());
    private Digest manifest;

    @BeforeEach
    void fill() {
        Bundle image = registry.push(NAME, new Images(5).image(100), "1");
        copy.push(NAME, image, "1");
        manifest = image.digest();
    }

    @AfterEach
    void stop() {
        registry.close();
        copy.close();
    }

    private RegistryClient client(MirrorEndpoint... mirrors) throws IOException {
        return new RegistryClient(
                RegistryEndpoint.of(registry.host(), registry.uri()), Safeguards.NONE, List.of(mirrors), environment);
    }

    /** Does something with the registry behind a cache, about which these rules are. */
    private interface Use {
        void with(RegistrySource source) throws IOException;
    }

    private void cached(CacheRules rules, Use use) throws IOException {
        Clock clock = Clock.systemUTC();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                ContentStore store = ContentStore.open(folder.resolve("cache"), clock);
                CacheIndex index = CacheIndex.open(store, clock);
                Evictor evictor =
                        new Evictor(store, index, DiskLimits.of(1 << 30, 1 << 20), DiskShares.EQUAL, Duration.ZERO);
                RegistryClient client = client()) {
            PullThroughCache cache =
                    new PullThroughCache(store, index, evictor, clock, 1 << 20, FetchSettings.DEFAULT, threads, rules);
            use.with(new RegistrySource(client, Optional.of(cache)));
        }
    }

    @Test
    void whatTheCacheKeepsIsNotThereOnceTheRegistryLacksIt() throws IOException {
        cached(ALWAYS, source -> {
            assertThat(source.repository(REPOSITORY).fetchManifest(manifest).digest())
                    .isEqualTo(manifest);
            assertThat(source.hasNow(REPOSITORY, manifest)).isTrue();

            registry.removeManifest(NAME, manifest);

            assertThat(source.hasNow(REPOSITORY, manifest)).isFalse();
            assertThat(source.repository(REPOSITORY).fetchManifest(manifest).digest())
                    .as("it is still kept")
                    .isEqualTo(manifest);
        });
    }

    @Test
    void askingCostsNoPull() throws IOException {
        try (RegistryClient client = client()) {
            assertThat(new RegistrySource(client, Optional.empty()).hasNow(REPOSITORY, manifest))
                    .isTrue();
        }
        assertThat(registry.requests(Requests.manifest(manifest).and(Requests.head())))
                .hasSize(1);
        assertThat(registry.requests(Requests.manifests().and(Requests.get()))).isEmpty();
    }

    @Test
    void mirrorThatStillHasItIsNotAsked() throws IOException {
        RegistryEndpoint mirror = RegistryEndpoint.of(copy.host(), copy.uri());
        try (RegistryClient client = client(
                new MirrorEndpoint(new RegistryClient(mirror, Safeguards.NONE, environment), Optional.empty(), true))) {
            RegistrySource source = new RegistrySource(client, Optional.empty());
            assertThat(source.repository(REPOSITORY).resolve(manifest)).isPresent();
            assertThat(copy.requests(Requests.manifests()))
                    .as("content comes from there")
                    .isNotEmpty();
            int before = copy.requests(Requests.any()).size();
            registry.removeManifest(NAME, manifest);

            assertThat(source.hasNow(REPOSITORY, manifest)).isFalse();
            assertThat(copy.requests(Requests.any())).hasSize(before);
        }
    }

    @Test
    void mirrorIsNotBelievedAboutWhatIsAttachedNow() throws IOException {
        Images images = new Images(6);
        Bundle image = registry.push(NAME, images.image(100), "2");
        copy.push(NAME, image, "2");
        Bundle signature = registry.push(NAME, images.referrer(image, "application/vnd.test.signature"));
        MirrorEndpoint mirror = new MirrorEndpoint(
                new RegistryClient(RegistryEndpoint.of(copy.host(), copy.uri()), Safeguards.NONE, environment),
                Optional.empty(),
                true);
        try (RegistryClient client = client(mirror)) {
            RegistrySource source = new RegistrySource(client, Optional.empty());
            assertThat(source.ownReferrers(REPOSITORY, image.digest()))
                    .hasValueSatisfying(own -> assertThat(own.descriptors())
                            .extracting(Descriptor::digest)
                            .containsExactly(signature.digest()));
            assertThat(copy.requests(Requests.any())).isEmpty();
        }
        try (RegistryClient client = client()) {
            assertThat(new RegistrySource(client, Optional.empty()).ownReferrers(REPOSITORY, image.digest()))
                    .as("without mirrors, what the source says is its own word")
                    .isEmpty();
        }
    }

    @Test
    void repositoryThatARuleKeepsOfflineIsNotAskedThoughItsRegistryIs() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                upstreams:
                  "%s": {url: "%s", rules: [{repositories: [team/app], offline: true}]}
                """.formatted(registry.host(), registry.uri()));
        CacheRules rules = RuleSet.of(ConfigLoader.load(Optional.empty(), folder, Map.of()));
        RepositoryName other = new RepositoryName("team/other");
        registry.push("team/other", new Images(5).image(100), "1");

        cached(rules, source -> {
            assertThatThrownBy(() -> source.hasNow(REPOSITORY, manifest))
                    .isInstanceOfSatisfying(
                            OutageException.class,
                            e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.NOT_ASKED))
                    .hasMessageContaining(NAME)
                    .hasMessageContaining(manifest.toString())
                    .hasMessageContaining("offline by upstreams[" + registry.host() + "].rules[0]");
            assertThat(registry.requests(Requests.any())).isEmpty();
            assertThat(source.hasNow(other, manifest)).isTrue();
        });
    }

    @Test
    void registryThatARuleKeepsOfflineIsAskedForNothing() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                upstreams:
                  "%s": {url: "%s", rules: [{offline: true}]}
                """.formatted(registry.host(), registry.uri()));
        cached(RuleSet.of(ConfigLoader.load(Optional.empty(), folder, Map.of())), source -> {
            assertThatThrownBy(() -> source.hasNow(REPOSITORY, manifest)).hasMessageContaining("offline by");
            assertThatThrownBy(source::catalog)
                    .hasMessage("the catalog of " + registry.host() + " is not asked for: it is offline by upstreams["
                            + registry.host() + "].rules[0]");
        });
        assertThat(registry.requests(Requests.any())).isEmpty();
    }

    @Test
    void outageOrRefusalIsNoAbsence() throws IOException {
        try (RegistryClient client = client()) {
            RegistrySource source = new RegistrySource(client, Optional.empty());
            registry.faults().always(Requests.manifests(), Fault.error(500, "UNKNOWN"));
            assertThatThrownBy(() -> source.hasNow(REPOSITORY, manifest)).isInstanceOf(OutageException.class);
            registry.faults().clear();
            registry.faults().always(Requests.manifests(), Fault.error(403, "DENIED"));
            assertThatThrownBy(() -> source.hasNow(REPOSITORY, manifest)).isInstanceOf(UnauthorizedException.class);
        }
    }

    @Test
    void catalogWhosePagesComeAgainIsRefusedAtOnce() throws IOException {
        WireMockServer circling = new WireMockServer(wireMockConfig().dynamicPort());
        circling.start();
        try {
            for (String page : List.of("a", "b")) {
                circling.stubFor(WireMock.get(urlPathEqualTo("/v2/_catalog"))
                        .withQueryParam("last", equalTo(page))
                        .willReturn(page(page, page.equals("a") ? "b" : "a")));
            }
            circling.stubFor(WireMock.get(urlPathEqualTo("/v2/_catalog"))
                    .withQueryParam("last", absent())
                    .willReturn(page("first", "a")));
            try (RegistryClient client = new RegistryClient(
                    RegistryEndpoint.of(registry.host(), URI.create(circling.baseUrl())), environment)) {
                assertThatThrownBy(new RegistrySource(client, Optional.empty())::catalog)
                        .hasMessageContaining("goes round in circles");
            }
            assertThat(circling.getAllServeEvents()).hasSizeLessThan(6);
        } finally {
            circling.stop();
        }
    }

    private static ResponseDefinitionBuilder page(String name, String next) {
        return okJson("{\"repositories\": [\"team/" + name + "\"]}")
                .withHeader("Link", "</v2/_catalog?last=" + next + ">; rel=\"next\"");
    }
}
