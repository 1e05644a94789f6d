package dev.entrepot.replicator.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PushNotificationsTest {
    private static final String DISTRIBUTION = """
            {"events":[
             {"action":"push","target":{"mediaType":"application/octet-stream","repository":"team/app","digest":"sha256:1"}},
             {"action":"pull","target":{"mediaType":"application/vnd.oci.image.index.v1+json","repository":"team/app","tag":"v0"}},
             {"action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":"team/app"}},
             {"action":"push","target":{"mediaType":"application/vnd.oci.image.index.v1+json","repository":"team/app","tag":"v1"}},
             {"action":"push","target":{"mediaType":"application/vnd.oci.image.index.v1+json","repository":"team/app","tag":"v1"}},
             {"action":"push","target":{"mediaType":"application/vnd.oci.image.index.v1+json","repository":"../NO","tag":"v1"}}]}""";
    private static final String HARBOR = """
            {"type":"PUSH_ARTIFACT","occur_at":1,"operator":"admin","event_data":{
              "resources":[{"digest":"sha256:1","tag":"v1"},{"digest":"sha256:2","tag":"sha256:2"}],
              "repository":{"name":"app","namespace":"team","repo_full_name":"team/app"}}}""";
    private static final String HARBOR_CLOUDEVENT = """
            {"specversion":"1.0","id":"1","type":"harbor.artifact.pushed","data":{
              "resources":[{"tag":"v1"}],"repository":{"repo_full_name":"team/app"}}}""";
    private static final String ACR = """
            {"id":"1","timestamp":"x","action":"push","target":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
              "repository":"team/app","tag":"v1"},"request":{"host":"x.azurecr.io"}}""";
    private static final String EVENT_GRID = """
            [{"specversion":"1.0","type":"Microsoft.ContainerRegistry.ImagePushed","subject":"team/app:v1","data":{"action":"push",
              "target":{"repository":"team/app","tag":"v1"}}},
             {"specversion":"1.0","type":"Microsoft.ContainerRegistry.ImageDeleted","data":{"target":{"repository":"team/app"}}}]""";
    private static final String ACR_CHART = """
            {"id":"1","timestamp":"x","action":"chart_push","target":{"mediaType":"application/vnd.acr.helm.chart","size":25265,
              "repository":"team/app","tag":"v1","name":"wordpress","version":"5.4.0.tgz"}}""";
    private static final String VALIDATION = """
            [{"id":"1","topic":"/subscriptions/x","subject":"","data":{"validationCode":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
              "validationUrl":"https://rp-eastus2.eventgrid.azure.net:553/x"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent",
              "eventTime":"2026-11-20T10:00:00Z","metadataVersion":"1","dataVersion":"1"}]""";
    private static final String ECR = """
            {"detail-type":"ECR Image Action","source":"aws.ecr","detail":{"result":"SUCCESS","repository-name":"team/app",
              "action-type":"PUSH","image-tag":"v1"}}""";
    private static final String HUB = """
            {"push_data":{"pusher":"x","tag":"v1"},"repository":{"repo_name":"team/app","name":"app"}}""";
    private static final String QUAY = """
            {"name":"app","repository":"team/app","namespace":"team","docker_url":"quay.test/team/app","updated_tags":["v1","v2"]}""";

    private static Pushed pushed(String tag) {
        return new Pushed(new RepositoryName("team/app"), Optional.of(new Tag(tag)));
    }

    static Stream<Arguments> formats() {
        Pushed untagged = new Pushed(new RepositoryName("team/app"), Optional.empty());
        return Stream.of(
                Arguments.of("distribution", DISTRIBUTION, Set.of(pushed("v1"), untagged)),
                Arguments.of("Harbor", HARBOR, Set.of(pushed("v1"), untagged)),
                Arguments.of("Harbor CloudEvents", HARBOR_CLOUDEVENT, Set.of(pushed("v1"))),
                Arguments.of("ACR", ACR, Set.of(pushed("v1"))),
                Arguments.of("ACR chart", ACR_CHART, Set.of(pushed("v1"))),
                Arguments.of(
                        "ACR blob",
                        ACR.replace("distribution.manifest.v2+json", "image.rootfs.diff.tar.gzip"),
                        Set.of()),
                Arguments.of("Event Grid", EVENT_GRID, Set.of(pushed("v1"))),
                Arguments.of(
                        "Event Grid chart", EVENT_GRID.replace("ImagePushed", "ChartPushed"), Set.of(pushed("v1"))),
                Arguments.of("Event Grid validation", VALIDATION, Set.of()),
                Arguments.of("ECR", ECR, Set.of(pushed("v1"))),
                Arguments.of("Docker Hub", HUB, Set.of(pushed("v1"))),
                Arguments.of("Quay", QUAY, Set.of(pushed("v1"), pushed("v2"))),
                Arguments.of("Harbor delete", HARBOR.replace("PUSH", "DELETE"), Set.of()),
                Arguments.of("ECR failure", ECR.replace("SUCCESS", "FAILURE"), Set.of()),
                Arguments.of("something else", "{\"hello\":[1]}", Set.of()),
                Arguments.of("a number", "7", Set.of()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("formats")
    void everyFormatYieldsRepositoriesAndTags(String name, String body, Set<Pushed> expected) throws Exception {
        assertThat(PushNotifications.read(body.getBytes(StandardCharsets.UTF_8)))
                .as(name)
                .isEqualTo(expected);
    }

    @Test
    void codeOfEventGridsQuestionIsFoundAndNoOther() throws Exception {
        assertThat(PushNotifications.validationCode(VALIDATION.getBytes(StandardCharsets.UTF_8)))
                .contains("512d38b6-c7b8-40c8-89fe-f46f9e9622b6");
        for (String other : List.of(EVENT_GRID, ACR, VALIDATION.replace("EventGrid.Sub", "Other.Sub"), "7", "[]")) {
            assertThat(PushNotifications.validationCode(other.getBytes(StandardCharsets.UTF_8)))
                    .as(other)
                    .isEmpty();
        }
    }

    @Test
    void whatIsNoJsonOrTooLongIsRefused() {
        assertThatThrownBy(() -> PushNotifications.read("{".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(InvalidContentException.class);
        assertThatThrownBy(() -> PushNotifications.read(new byte[PushNotifications.MAX_BYTES + 1]))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("limit");
    }

    @Test
    void secretIsKnownWithOrWithoutAScheme() {
        assertThat(PushNotifications.knowsSecret("s3cret", "s3cret")).isTrue();
        assertThat(PushNotifications.knowsSecret("Bearer s3cret", "s3cret")).isTrue();
        // RFC 9110, section 11.1: in any case
        assertThat(PushNotifications.knowsSecret("bearer s3cret", "s3cret")).isTrue();
        assertThat(PushNotifications.knowsSecret("BEARER s3cret", "S3CRET")).isFalse();
        assertThat(PushNotifications.knowsSecret("Bearer ", "s3cret")).isFalse();
        assertThat(PushNotifications.knowsSecret("s3cre", "s3cret")).isFalse();
    }
}
