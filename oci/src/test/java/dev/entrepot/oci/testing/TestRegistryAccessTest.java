package dev.entrepot.oci.testing;

import static dev.entrepot.oci.testing.TestClient.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TestRegistryAccessTest {
    private final TestRegistry registry = TestRegistry.started();
    private final TestClient client = new TestClient(registry.uri());
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    @Test
    void basicAsksForAndAcceptsOneUser() throws Exception {
        registry.open(new Access.Basic("ann", "secret"));
        HttpResponse<byte[]> refused = client.get("/v2/");
        assertThat(refused.statusCode()).isEqualTo(401);
        assertThat(header(refused, "WWW-Authenticate"))
                .hasValueSatisfying(v -> assertThat(v).startsWith("Basic "));
        assertThat(client.get("/v2/", "Authorization", Access.basic("ann", "secret"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(client.get("/v2/", "Authorization", Access.basic("ann", "wrong"))
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void tokenIsGoodForItsScopeUntilItExpires() throws Exception {
        TokenService tokens = new TokenService(
                Map.of("ann", "secret"),
                (user, repository, action) -> repository.equals("open") && action.equals("pull") || user.equals("ann"),
                Duration.ofSeconds(60),
                now::get);
        registry.open(new Access.Bearer(tokens));
        registry.push("open", new Images(3).image(10), "v1");
        registry.push("closed", new Images(3).image(10), "v1");

        String challenge =
                header(client.get("/v2/open/manifests/v1"), "WWW-Authenticate").orElseThrow();
        assertThat(challenge)
                .isEqualTo("Bearer realm=\"%s/token\",service=\"test-registry\",scope=\"repository:open:pull\""
                        .formatted(registry.uri()));

        String anonymous = token("/token?scope=repository:open:pull&scope=repository:closed:pull");
        assertThat(client.get("/v2/open/manifests/v1", "Authorization", anonymous)
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<byte[]> closed = client.get("/v2/closed/manifests/v1", "Authorization", anonymous);
        assertThat(closed.statusCode()).isEqualTo(401);
        assertThat(header(closed, "WWW-Authenticate").orElseThrow()).contains("insufficient_scope");

        String ann =
                token("/token?scope=repository%3Aclosed%3Apull%2Cpush", "Authorization", Access.basic("ann", "secret"));
        assertThat(client.get("/v2/closed/manifests/v1", "Authorization", ann).statusCode())
                .isEqualTo(200);
        now.set(now.get().plusSeconds(60));
        HttpResponse<byte[]> expired = client.get("/v2/closed/manifests/v1", "Authorization", ann);
        assertThat(expired.statusCode()).isEqualTo(401);
        assertThat(header(expired, "WWW-Authenticate").orElseThrow()).contains("invalid_token");
        assertThat(tokens.issuedCount()).isEqualTo(2);
    }

    @Test
    void wrongPasswordGetsNoToken() throws Exception {
        registry.open(new Access.Bearer(TokenService.forUser("ann", "secret")));
        assertThat(client.get("/token", "Authorization", Access.basic("ann", "guess"))
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void formsWithPasswordOrRefreshTokenGetTokens() throws Exception {
        TokenService tokens = TokenService.forUser("ann", "secret");
        tokens.acceptRefreshToken("refresh", "ann");
        registry.open(new Access.Bearer(tokens));
        String scope = "&scope=repository:a:pull";
        assertThat(post("grant_type=password&username=ann&password=secret" + scope))
                .isEqualTo(200);
        assertThat(post("grant_type=password&username=ann&password=guess" + scope))
                .isEqualTo(401);
        assertThat(post("grant_type=refresh_token&refresh_token=refresh" + scope))
                .isEqualTo(200);
        assertThat(post("grant_type=refresh_token&refresh_token=other" + scope)).isEqualTo(401);
    }

    private int post(String form) throws Exception {
        return client.send("POST", "/token", form.getBytes(StandardCharsets.UTF_8))
                .statusCode();
    }

    private String token(String path, String... headers) throws Exception {
        HttpResponse<byte[]> response = client.get(path, headers);
        assertThat(response.statusCode()).isEqualTo(200);
        return "Bearer "
                + OciJson.mapper().readTree(response.body()).path("token").stringValue();
    }

    @Test
    void quotaCountsManifestGetsOnly() throws Exception {
        Bundle image = registry.push("a", new Images(3).image(10), "v1");
        Digest blob = image.blobs().keySet().iterator().next();
        registry.quota(2);
        assertThat(header(client.head("/v2/a/manifests/v1"), "RateLimit-Remaining"))
                .hasValue("2;w=21600");
        client.get("/v2/a/manifests/v1");
        client.get("/v2/a/blobs/" + blob);
        assertThat(header(client.get("/v2/a/manifests/v1"), "RateLimit-Remaining"))
                .hasValue("0;w=21600");
        HttpResponse<byte[]> refused = client.get("/v2/a/manifests/v1");
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(header(refused, "Retry-After")).hasValue("60");
        assertThat(client.head("/v2/a/manifests/v1").statusCode()).isEqualTo(200);
    }

    @Test
    void outageEndsOnTheSamePortWithTheSameContent() throws Exception {
        registry.push("a", new Images(3).image(10), "v1");
        assertThat(client.get("/v2/a/manifests/v1").statusCode()).isEqualTo(200);
        int port = registry.server().port();
        registry.stop();
        assertThatThrownBy(() -> client.get("/v2/a/manifests/v1")).isInstanceOf(IOException.class);
        registry.start();
        assertThat(registry.server().port()).isEqualTo(port);
        assertThat(client.get("/v2/a/manifests/v1").statusCode()).isEqualTo(200);
    }
}
