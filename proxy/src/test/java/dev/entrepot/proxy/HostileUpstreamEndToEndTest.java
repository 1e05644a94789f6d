package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.GoogleService;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An upstream that somebody has taken over and that wants something of us: credentials, requests to where it cannot go
 * itself, or content in the place of other content. It gets nothing. The accomplice is reached as {@code localhost},
 * which is another host than the upstream's.
 */
class HostileUpstreamEndToEndTest {
    private final TestRegistry registry = TestRegistry.started();
    private final MiniHttpServer accomplice =
            MiniHttpServer.started((request, body) -> Response.json(200, "{\"token\":\"gift\"}"));
    private final FixtureClock clock = new FixtureClock();
    private final GoogleService google = new GoogleService(clock);
    private final MiniHttpServer metadata = MiniHttpServer.started(google);
    private final Images images = new Images(50);
    private final Bundle image = registry.push("team/app", images.image(20_000), "1");
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(
                folder,
                """
                default-upstream: user.test
                upstreams:
                  user.test: {url: "%1$s", credentials: {username: alice, password: pass-s3cret}}
                  cloud.test: {url: "%1$s", credentials: {provider: google}}
                  open.test: {url: "%1$s"}
                  through.test: {url: "%1$s", pass-through: {}}
                """.formatted(registry.uri()),
                clock,
                Map.of("GCE_METADATA_HOST", "127.0.0.1:" + metadata.port()));
    }

    @AfterEach
    void stop() {
        mirror.close();
        registry.close();
        accomplice.close();
        metadata.close();
    }

    private String elsewhere() {
        return "http://localhost:" + accomplice.port();
    }

    private void challenge(String value) {
        registry.open(new Access.By(request -> request.headers().has("Authorization")
                ? Optional.empty()
                : Optional.of(Response.error(401, "UNAUTHORIZED").header("WWW-Authenticate", value))));
    }

    private void assertNoSecret(HttpResponse<byte[]> answer) {
        assertThat(text(answer)).doesNotContain("s3cret", "ya29");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user.test", "cloud.test"})
    void challengeThatNamesAnotherHostGetsNoCredentials(String upstream) throws Exception {
        challenge("Bearer realm=\"" + elsewhere() + "/token\",service=\"registry.test\"");

        HttpResponse<byte[]> answer = mirror.get("/v2/" + upstream + "/team/app/manifests/1");

        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(accomplice.calls().all()).isEmpty();
        assertNoSecret(answer);
    }

    @Test
    void challengeThatNamesAnotherHostGetsNoCredentialsOfAClient() throws Exception {
        challenge("Bearer realm=\"" + elsewhere() + "/token\",service=\"registry.test\"");
        String alice = Access.basic("alice", "pass-s3cret");

        HttpResponse<byte[]> answer = mirror.get("/v2/through.test/team/app/manifests/1", "Authorization", alice);

        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(accomplice.calls().all()).isEmpty();
        assertThat(registry.calls().all())
                .noneMatch(call -> call.request().headers().has("Authorization"));
        assertNoSecret(answer);
    }

    @Test
    void redirectTakesNoCredentialsOfAClientWithIt() throws Exception {
        Digest layer = image.blobs().keySet().iterator().next();
        challenge("Basic realm=\"registry\"");
        registry.faults()
                .always(
                        Requests.blobs().and(Requests.withHeader("Authorization")),
                        Fault.redirect(request -> elsewhere() + "/blob"));

        HttpResponse<byte[]> answer = mirror.get(
                "/v2/through.test/team/app/blobs/" + layer, "Authorization", Access.basic("alice", "pass-s3cret"));

        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(accomplice.calls().all())
                .isNotEmpty()
                .noneMatch(call -> call.request().headers().has("Authorization"));
        assertNoSecret(answer);
    }

    @ParameterizedTest
    @CsvSource({
        "http://169.254.169.254/latest/meta-data/, 169.254.169.254 is a link-local or metadata address",
        "http://2852039166/latest/meta-data/, 2852039166 is a link-local or metadata address",
        "http://metadata.google.internal./token, metadata.google.internal is a metadata service",
        "http://[fd00:ec2::254]/token, fd00:ec2::254 is a link-local or metadata address",
        "file:///etc/passwd, the realm of its challenge is no http(s) URL with a host"
    })
    void challengeCannotSendUsToAMetadataService(String realm, String refusal) throws Exception {
        challenge("Bearer realm=\"" + realm + "\"");

        HttpResponse<byte[]> answer = mirror.get("/v2/open.test/team/app/manifests/1");

        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(text(answer)).contains("the token service of 127.0.0.1 is not asked: " + refusal);
        assertThat(metadata.calls().all()).isEmpty();
    }

    @Test
    void redirectTakesNoCredentialsWithItAndItsContentIsNotBelieved() throws Exception {
        Digest layer = image.blobs().keySet().iterator().next();
        challenge("Basic realm=\"registry\"");
        registry.faults()
                .always(
                        Requests.get().and(Requests.blobs()).and(Requests.withHeader("Authorization")),
                        Fault.redirect(request -> elsewhere() + "/blob"));

        HttpResponse<byte[]> answer = mirror.get("/v2/user.test/team/app/blobs/" + layer);

        assertThat(answer.statusCode()).isEqualTo(502);
        assertNoSecret(answer);
        assertThat(accomplice.calls().all())
                .isNotEmpty()
                .extracting(RecordedCall::request)
                .noneMatch(request -> request.headers().has("Authorization"))
                .noneMatch(request -> request.headers().has("Cookie"));
        registry.faults().clear();
        assertThat(Digest.sha256(
                        mirror.get("/v2/user.test/team/app/blobs/" + layer).body()))
                .isEqualTo(layer);
    }

    @ParameterizedTest
    @CsvSource({
        "http://169.254.169.254/x, 169.254.169.254 is a link-local or metadata address",
        "http://2852039166/x, 2852039166 is a link-local or metadata address",
        "http://metadata.google.internal/x, metadata.google.internal is a metadata service",
        "file:///etc/passwd, answered 307 with a Location that is no http(s) URL",
        "gopher://localhost/x, answered 307 with a Location that is no http(s) URL"
    })
    void redirectLeadsNowhereItMayNot(String location, String refusal) throws Exception {
        registry.faults().always(Requests.manifests().or(Requests.blobs()), Fault.redirect(request -> location));

        HttpResponse<byte[]> manifest = mirror.get("/v2/open.test/team/app/manifests/1");
        assertThat(manifest.statusCode()).isEqualTo(502);
        assertThat(text(manifest)).contains(refusal);
        Digest layer = image.blobs().keySet().iterator().next();
        HttpResponse<byte[]> blob = mirror.get("/v2/open.test/team/app/blobs/" + layer);
        assertThat(blob.statusCode()).isEqualTo(502);
        assertThat(text(blob)).contains(refusal);
    }

    @Test
    void manifestWithForeignUrlsMakesUsAskNobody() throws Exception {
        Digest foreign = Digest.sha256(images.randomBytes(10));
        String json =
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":"
                        + "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" + foreign
                        + "\",\"size\":10,\"urls\":[\""
                        + elsewhere() + "/a\"]},\"layers\":[{\"mediaType\":"
                        + "\"application/vnd.oci.image.layer.nondistributable.v1.tar\",\"digest\":\"" + foreign
                        + "\",\"size\":10,\"urls\":[\"" + elsewhere() + "/b\",\"http://169.254.169.254/c\"]}]}";
        registry.pushManifest(
                "team/app", MediaType.OCI_MANIFEST.value(), json.getBytes(StandardCharsets.UTF_8), "foreign");

        assertThat(text(mirror.get("/v2/open.test/team/app/manifests/foreign"))).isEqualTo(json);
        assertThat(mirror.get("/v2/open.test/team/app/blobs/" + foreign).statusCode())
                .isEqualTo(404);
        assertThat(accomplice.calls().all()).isEmpty();
    }

    @Test
    void manifestInThePlaceOfAnotherIsNotServed() throws Exception {
        registry.faults()
                .always(
                        Requests.get().and(Requests.manifest(image.digest())),
                        Fault.answer(answer -> answer.withBody(
                                Content.of(images.image(1).root().array()))));

        assertThat(mirror.get("/v2/open.test/team/app/manifests/" + image.digest())
                        .statusCode())
                .isEqualTo(502);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"token\":\"x\\r\\nX-Smuggled: yes\"}",
                "{\"token\":[\"x\"]}",
                "{\"token\":\"\",\"refresh_token\":\"x\"}",
                "<html>login</html>"
            })
    void answerOfATokenServiceCannotBreakOut(String body) throws Exception {
        registry.beside("/token", (request, in) -> Response.json(200, body));
        challenge("Bearer realm=\"" + registry.uri() + "/token\"");

        HttpResponse<byte[]> answer = mirror.get("/v2/user.test/team/app/manifests/1");

        assertThat(answer.statusCode()).isEqualTo(502);
        assertNoSecret(answer);
        assertThat(registry.calls().all())
                .noneMatch(call -> call.request().headers().has("X-Smuggled"));
    }

    /** The token service is one that other registries use as well, and the token would be sent back to this one. */
    @ParameterizedTest
    @ValueSource(strings = {"user.test", "through.test"})
    void redirectedChallengeGetsNoTokenForWhatSomebodyElseHas(String upstream) throws Exception {
        registry.beside("/token", (request, in) -> Response.json(200, "{\"token\":\"t\"}"));
        registry.faults().always(Requests.repository("team/app"), Fault.redirect(request -> "/v2/secret/manifests/1"));
        challenge("Bearer realm=\"" + registry.uri()
                + "/token\",service=\"other\",scope=\"repository:secret:pull,push,delete\"");

        mirror.get("/v2/" + upstream + "/team/app/manifests/1", "Authorization", Access.basic("alice", "pass-s3cret"));

        assertThat(registry.requests(Requests.path("/token")))
                .isNotEmpty()
                .extracting(RecordedCall::request)
                .noneMatch(request -> request.target().contains("secret"));
    }

    @Test
    void tokenServiceThatRedirectsTakesNoCredentialsElsewhere() throws Exception {
        registry.beside("/token", (request, in) -> Response.of(307).header("Location", elsewhere() + "/token"));
        challenge("Bearer realm=\"" + registry.uri() + "/token\"");

        assertThat(mirror.get("/v2/user.test/team/app/manifests/1").statusCode())
                .isNotEqualTo(200);
        assertThat(accomplice.calls().all()).isEmpty();
    }
}
