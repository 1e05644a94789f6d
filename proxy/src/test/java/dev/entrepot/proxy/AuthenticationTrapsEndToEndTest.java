package dev.entrepot.proxy;

import static com.github.tomakehurst.wiremock.client.WireMock.absent;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.okJson;
import static com.github.tomakehurst.wiremock.client.WireMock.unauthorized;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.client.MappingBuilder;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.client.WireMock;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The traps of upstreams that want to know who is asking, on a whole mirror between real sockets. */
class AuthenticationTrapsEndToEndTest {
    @RegisterExtension
    static final WireMockExtension ODD = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry cdn = TestRegistry.started();
    private final TokenService tokens = TokenService.forUser("alice", "s3cret");
    private final Images images = new Images(15);
    private final Bundle image = images.image(300_000);
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        registry.open(new Access.Bearer(tokens)).push(APP, image, "1");
        cdn.push(APP, image);
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s", credentials: {username: alice, password: s3cret}}
                  odd.test: {url: "%s"}
                """.formatted(registry.uri(), ODD.baseUrl()));
    }

    @AfterEach
    void stop() {
        mirror.close();
        registry.close();
        cdn.close();
    }

    private Digest layer() {
        return List.copyOf(image.blobs().keySet()).getLast();
    }

    @Test
    void trap15RedirectToAnotherHostDropsTheAuthorizationAndKeepsTheRange() throws Exception {
        mirror.get("/v2/team/app/manifests/1");
        registry.faults().always(Requests.get().and(Requests.blob(layer())), Fault.redirectTo(cdn.uri()));
        cdn.faults().once(Requests.blob(layer()), Fault.resetAfter(100_000));

        HttpResponse<byte[]> blob = mirror.get("/v2/team/app/blobs/" + layer());

        assertThat(Digest.sha256(blob.body())).isEqualTo(layer());
        List<RecordedCall> redirected = cdn.requests(Requests.blob(layer()));
        assertThat(redirected)
                .hasSize(2)
                .noneMatch(call -> call.request().headers().has("Authorization"))
                .noneMatch(call -> call.request().headers().has("Cookie"));
        assertThat(redirected.getLast().request().header("Range").orElse("")).matches("bytes=[1-9][0-9]*-");
        assertThat(registry.requests(Requests.get().and(Requests.blob(layer())))
                        .getLast()
                        .request())
                .satisfies(request ->
                        assertThat(request.header("Authorization").orElse("")).startsWith("Bearer "));
    }

    /** ECR answers 403, and ECR Public 400, to a token that has expired, and neither of them sends a challenge. */
    @ParameterizedTest
    @ValueSource(ints = {403, 400})
    void trap16RefusalOfAnOldTokenWithoutAChallengeStartsAgain(int status) throws Exception {
        assertThat(mirror.get("/v2/team/app/manifests/1").statusCode()).isEqualTo(200);
        mirror.advance(Duration.ofMinutes(2));
        int issued = tokens.issuedCount();
        registry.faults().once(Requests.manifests().and(Requests.withHeader("Authorization")), Fault.status(status));

        HttpResponse<byte[]> again = mirror.get("/v2/team/app/manifests/1");

        assertThat(again.statusCode()).isEqualTo(200);
        assertThat(verdict(again)).isEqualTo("revalidated");
        assertThat(tokens.issuedCount()).isEqualTo(issued + 1);
    }

    /** GHCR's challenge names a scope that has nothing to do with the request; nvcr.io's names no service. */
    @Test
    void trap16ScopeOfTheChallengeIsNotBelievedAndTheServiceMayBeMissing() throws Exception {
        Bundle tool = images.image(10);
        MappingBuilder manifest = any(urlPathEqualTo("/v2/user/tool/manifests/1"));
        ODD.stubFor(manifest.willReturn(
                challenge("realm=\"" + ODD.baseUrl() + "/token\",scope=\"repository:user/image:pull\"")));
        ODD.stubFor(any(urlPathEqualTo("/v2/user/tool/manifests/1"))
                .withHeader("Authorization", equalTo("Bearer right"))
                .willReturn(manifest(tool)));
        ODD.stubFor(get(urlPathEqualTo("/token"))
                .withQueryParam("scope", equalTo("repository:user/tool:pull"))
                .withQueryParam("service", absent())
                .willReturn(okJson("{\"token\":\"right\"}")));

        assertThat(mirror.get("/v2/odd.test/user/tool/manifests/1").body())
                .isEqualTo(tool.root().array());
    }

    /** nvcr.io challenges an expired token with another realm, which gives nothing to anyone. */
    @Test
    void trap16RealmThatSwitchesWhenATokenHasExpiredIsNotFollowed() throws Exception {
        Bundle cuda = images.image(10);
        String path = "/v2/nvidia/cuda/manifests/1";
        String first = "realm=\"" + ODD.baseUrl() + "/proxy_auth\"";
        ODD.stubFor(any(urlPathEqualTo(path)).willReturn(challenge(first)));
        ODD.stubFor(get(urlPathEqualTo("/proxy_auth")).willReturn(okJson("{\"token\":\"old\"}")));
        accept(path, "old", manifest(cuda));
        assertThat(mirror.get("/v2/odd.test/nvidia/cuda/manifests/1").statusCode())
                .isEqualTo(200);

        mirror.advance(Duration.ofSeconds(61));
        String other = "realm=\"" + ODD.baseUrl() + "/authn\",error=\"invalid_token\"";
        accept(path, "old", challenge(other));
        accept(path, "new", manifest(cuda));
        ODD.stubFor(get(urlPathEqualTo("/proxy_auth")).willReturn(okJson("{\"token\":\"new\"}")));
        HttpResponse<byte[]> again = mirror.get("/v2/odd.test/nvidia/cuda/manifests/1");

        assertThat(verdict(again)).isEqualTo("revalidated");
        ODD.verify(0, getRequestedFor(urlPathEqualTo("/authn")));
    }

    private static void accept(String path, String token, ResponseDefinitionBuilder answer) {
        ODD.stubFor(any(urlPathEqualTo(path))
                .withHeader("Authorization", equalTo("Bearer " + token))
                .willReturn(answer));
    }

    private static ResponseDefinitionBuilder challenge(String parameters) {
        return unauthorized().withHeader("WWW-Authenticate", "Bearer " + parameters);
    }

    private static ResponseDefinitionBuilder manifest(Bundle image) {
        return WireMock.ok()
                .withHeader("Content-Type", image.root().mediaType().value())
                .withHeader("Docker-Content-Digest", image.digest().toString())
                .withBody(image.root().array());
    }
}
