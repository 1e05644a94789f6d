package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.binaryEqualTo;
import static com.github.tomakehurst.wiremock.client.WireMock.delete;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.head;
import static com.github.tomakehurst.wiremock.client.WireMock.headRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.put;
import static com.github.tomakehurst.wiremock.client.WireMock.putRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagCondition;
import dev.entrepot.oci.TagState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestWritesTest {
    private static final byte[] BYTES = "{ \"schemaVersion\":2 }\n".getBytes(StandardCharsets.UTF_8);
    private static final Digest DIGEST = Digest.sha256(BYTES);
    private static final Tag TAG = new Tag("v1");
    private static final String BY_TAG = "/v2/team/app/manifests/v1";
    private static final String BY_DIGEST = "/v2/team/app/manifests/" + DIGEST;

    @RegisterExtension
    static final WireMockExtension REGISTRY = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestWorld world = new TestWorld();
    private RegistryClient client;
    private RemoteRepository repository;
    private ManifestBytes manifest;

    @BeforeEach
    void open() throws IOException {
        client = world.client(REGISTRY.baseUrl());
        repository = client.repository(TestWorld.NAME);
        manifest = ManifestBytes.of(MediaType.OCI_MANIFEST, BYTES);
    }

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void pushesTheExactBytesWithTheExactType() throws IOException {
        REGISTRY.stubFor(put(BY_DIGEST)
                .willReturn(aResponse().withStatus(201).withHeader("Docker-Content-Digest", DIGEST.toString())));

        assertThat(repository.pushManifest(manifest, DIGEST).subject()).isEmpty();

        REGISTRY.verify(putRequestedFor(urlEqualTo(BY_DIGEST))
                .withHeader("Content-Type", equalTo("application/vnd.oci.image.manifest.v1+json"))
                .withHeader("Content-Length", equalTo(Integer.toString(BYTES.length)))
                .withRequestBody(binaryEqualTo(BYTES)));
    }

    @Test
    void onlyACommitAs201OfTheRightDigestIsConfirmed() throws IOException {
        ResponseDefinitionBuilder created = aResponse().withStatus(201);
        REGISTRY.stubFor(put(BY_TAG).willReturn(created));
        assertThat(repository.pushManifest(manifest, TAG).confirmed()).isFalse();

        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withHeader("Docker-Content-Digest", DIGEST.toString())));
        assertThat(repository.pushManifest(manifest, TAG).confirmed()).isFalse();

        REGISTRY.stubFor(put(BY_TAG).willReturn(created.withHeader("Docker-Content-Digest", DIGEST.toString())));
        assertThat(repository.pushManifest(manifest, TAG).confirmed()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 202, 204})
    void anotherSuccessIsACommitThatHasToBeLookedAt(int status) throws IOException {
        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse().withStatus(status).withHeader("Docker-Content-Digest", DIGEST.toString())));
        assertThat(repository.pushManifest(manifest, TAG).confirmed()).isFalse();
        assertThat(world.requests).containsExactly("push-manifest " + status);

        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse()
                        .withStatus(status)
                        .withHeader(
                                "Docker-Content-Digest",
                                Digest.sha256(new byte[1]).toString())));
        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void saysWhichSubjectTheRegistryKeepsTrackOf() throws IOException {
        Digest subject = Digest.sha256(new byte[1]);
        REGISTRY.stubFor(
                put(BY_TAG).willReturn(aResponse().withStatus(201).withHeader("OCI-Subject", subject.toString())));

        assertThat(repository.pushManifest(manifest, TAG).subject()).contains(subject);
    }

    @Test
    void refusesACommitOfAnotherDigest() {
        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse()
                        .withStatus(201)
                        .withHeader(
                                "Docker-Content-Digest",
                                Digest.sha256(new byte[1]).toString())));

        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(DIGEST.toString());
    }

    @Test
    void refusesToPushUnderTheDigestOfSomethingElse() {
        assertThatThrownBy(() -> repository.pushManifest(manifest, Digest.sha256(new byte[1])))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(world.requests).isEmpty();
    }

    @Test
    void tellsARefusalFromAMissingRepository() {
        for (int status : new int[] {400, 404, 413}) {
            REGISTRY.stubFor(put(BY_TAG)
                    .willReturn(aResponse()
                            .withStatus(status)
                            .withBody("{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"x\"}]}")));
            assertThatThrownBy(() -> repository.pushManifest(manifest, TAG))
                    .isInstanceOfSatisfying(RefusedException.class, e -> {
                        assertThat(e.status()).isEqualTo(status);
                        assertThat(e.code()).isEqualTo("MANIFEST_BLOB_UNKNOWN");
                    });
        }
        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse().withStatus(404).withBody("{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}")));
        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG)).isInstanceOf(NotFoundException.class);
    }

    @Test
    void missingBlobIsToldFromAmongSeveralErrors() {
        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse()
                        .withStatus(400)
                        .withBody("{\"errors\":[{\"code\":\"DIGEST_INVALID\"},{\"code\":7},"
                                + "{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}")));

        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.code()).isEqualTo("MANIFEST_BLOB_UNKNOWN"));
    }

    @Test
    void pushesOnceOnly() {
        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(503)));

        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG)).isInstanceOf(OutageException.class);

        assertThat(world.requests).containsExactly("push-manifest 503");
    }

    @Test
    void aPageForPeopleOrWhatIsLeftOfAnAnswerIsNoCommit() throws IOException {
        REGISTRY.stubFor(put(BY_TAG)
                .willReturn(aResponse().withHeader("Content-Type", "text/html").withBody("<html>Please log in")));
        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withFault(Fault.MALFORMED_RESPONSE_CHUNK)));
        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(200).withBody("{}")));
        assertThat(repository.pushManifest(manifest, TAG).subject())
                .as("some answer so")
                .isEmpty();
    }

    private static ResponseDefinitionBuilder html(String digest) {
        ResponseDefinitionBuilder answer = aResponse().withHeader("Content-Type", "text/html; charset=utf-8");
        return digest.isEmpty() ? answer : answer.withHeader("Docker-Content-Digest", digest);
    }

    @Test
    void anAnswerWithoutABodyIsNoPageIfItStatesTheDigest() throws IOException {
        REGISTRY.stubFor(put(BY_TAG).willReturn(html(DIGEST.toString()).withHeader("OCI-Subject", DIGEST.toString())));
        assertThat(repository.pushManifest(manifest, TAG).subject()).contains(DIGEST);

        String sha512 = Digest.of(DigestAlgorithm.SHA512, BYTES).toString();
        REGISTRY.stubFor(put(BY_DIGEST).willReturn(html(sha512).withHeader("Content-Length", "0")));
        assertThat(repository.pushManifest(manifest, DIGEST).subject()).isEmpty();
    }

    @Test
    void onlyARightDigestAndAnEmptyBodyTogetherTellThatAnHtmlAnswerIsNoPage() {
        for (ResponseDefinitionBuilder page : List.of(
                html(""),
                html("").withBody("<html>Please log in"),
                html(DIGEST.toString()).withBody("<html>Please log in"),
                html(Digest.sha256(new byte[1]).toString()),
                html("sha256:no digest"),
                html(DIGEST.toString().replace("sha256", "blake3")))) {
            REGISTRY.stubFor(put(BY_TAG).willReturn(page));
            assertThatThrownBy(() -> repository.pushManifest(manifest, TAG))
                    .isInstanceOf(OutageException.class)
                    .hasMessageContaining("answered with an HTML page");
        }
    }

    private static ResponseDefinitionBuilder whole() {
        return aResponse().withBody(BYTES).withHeader("Content-Type", MediaType.OCI_MANIFEST.value());
    }

    @Test
    void writesOnTheConditionThatTheTagIsAsItWas() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(whole().withHeader("ETag", "\"one\"")));
        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(201)));

        TagState there = repository.readTag(TAG, DIGEST);

        assertThat(there.manifest().orElseThrow().digest()).isEqualTo(DIGEST);
        assertThat(repository.pushManifest(manifest, TAG, there.condition().orElseThrow()))
                .isPresent();
        REGISTRY.verify(putRequestedFor(urlEqualTo(BY_TAG)).withHeader("If-Match", equalTo("\"one\"")));
    }

    @Test
    void writesATagThatIsNotThereOnThatConditionWhereOtherManifestsHaveValidators() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withStatus(404)));
        REGISTRY.stubFor(head(urlEqualTo(BY_DIGEST))
                .willReturn(aResponse()
                        .withHeader("Content-Type", MediaType.OCI_MANIFEST.value())
                        .withHeader("Content-Length", Integer.toString(BYTES.length))
                        .withHeader("ETag", "\"one\"")));
        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(201)));

        TagState there = repository.readTag(TAG, DIGEST);
        repository.readTag(TAG, DIGEST);

        assertThat(there.manifest()).isEmpty();
        assertThat(repository.pushManifest(manifest, TAG, there.condition().orElseThrow()))
                .isPresent();
        REGISTRY.verify(putRequestedFor(urlEqualTo(BY_TAG)).withHeader("If-None-Match", equalTo("*")));
        REGISTRY.verify(1, headRequestedFor(urlEqualTo(BY_DIGEST)));
    }

    @Test
    void thereIsNoConditionWithoutAStrongValidator() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(whole().withHeader("ETag", "W/\"one\"")));
        assertThat(repository.readTag(TAG, DIGEST).condition()).isEmpty();

        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withStatus(404)));
        assertThat(repository.readTag(TAG, DIGEST).condition()).isEmpty();
    }

    @Test
    void saysThatAConditionIsNotTakenAndRefusesAsEverOtherwise() throws IOException {
        for (int status : new int[] {304, 400, 412, 501}) {
            REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(status)));
            assertThat(repository.pushManifest(manifest, TAG, new TagCondition.Absent()))
                    .isEmpty();
        }
        REGISTRY.stubFor(put(BY_TAG).willReturn(aResponse().withStatus(409)));
        assertThatThrownBy(() -> repository.pushManifest(manifest, TAG, new TagCondition.Absent()))
                .isInstanceOf(RefusedException.class);
    }

    @Test
    void deletes() throws IOException {
        REGISTRY.stubFor(delete(BY_TAG).willReturn(aResponse().withStatus(202)));
        assertThat(repository.deleteManifest(TAG)).isTrue();

        REGISTRY.stubFor(delete(BY_DIGEST).willReturn(aResponse().withStatus(404)));
        assertThat(repository.deleteManifest(DIGEST)).isFalse();

        REGISTRY.stubFor(delete(BY_DIGEST)
                .willReturn(aResponse().withStatus(405).withBody("{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}")));
        assertThatThrownBy(() -> repository.deleteManifest(DIGEST)).isInstanceOf(RefusedException.class);
    }
}
