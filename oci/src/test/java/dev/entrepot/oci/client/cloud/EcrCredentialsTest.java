package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.cloud.CloudCredentials.EcrSettings;
import dev.entrepot.oci.testing.AwsService;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ECR's tokens, from each place where AWS's tools look for keys. Long for the number of these places. */
class EcrCredentialsTest {
    private static final String REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    private static final EcrSettings NOTHING = new EcrSettings(Optional.empty(), Optional.empty(), Optional.empty());

    private static final EcrSettings WITH_ROLE =
            new EcrSettings(Optional.empty(), Optional.empty(), Optional.of("arn:aws:iam::1:role/mirror"));

    @TempDir
    Path folder;

    private final CloudWorld world = new CloudWorld();
    private final AwsService aws = new AwsService(world);
    private final MiniHttpServer server = MiniHttpServer.started(aws);

    @BeforeEach
    void inTheCloud() {
        String url = server.uri().toString();
        world.with("AWS_ENDPOINT_URL_ECR", url)
                .with("AWS_ENDPOINT_URL_ECR_PUBLIC", url)
                .with("AWS_ENDPOINT_URL_STS", url)
                .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
                .with("HOME", folder.toString());
    }

    @AfterEach
    void close() {
        server.close();
    }

    private CredentialSource source(EcrSettings settings) {
        return CloudCredentials.ecr(CloudWorld.endpoint(REGISTRY), settings, world.environment());
    }

    private CredentialSource source() {
        return source(NOTHING);
    }

    private static Credential password(int count) {
        return new Credential.UserPassword("AWS", "ecr-pass-" + count);
    }

    private void withKeys() {
        world.with("AWS_ACCESS_KEY_ID", AwsService.KEY_ID).with("AWS_SECRET_ACCESS_KEY", AwsService.SECRET);
    }

    private void file(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(".aws"));
        Files.writeString(folder.resolve(".aws").resolve(name), text);
    }

    private static String keysOfAFile() {
        return "aws_access_key_id = " + AwsService.KEY_ID + "\naws_secret_access_key=" + AwsService.SECRET + "\n";
    }

    @Test
    void nothingIsAskedBeforeTheyAreNeededAndOneTokenServesTwelveHours() throws IOException {
        withKeys();
        CredentialSource source = source();
        assertThat(source.account()).contains("ecr");
        assertThat(server.calls().all()).isEmpty();

        assertThat(CloudWorld.get(source)).isEqualTo(password(1));
        world.advance(Duration.ofHours(9));
        assertThat(CloudWorld.get(source)).isEqualTo(password(1));
        assertThat(server.calls().all()).hasSize(1);
        assertThat(aws.signer("token")).isEqualTo("AKIDEXAMPLE/eu-central-1/ecr");

        world.advance(Duration.ofHours(1));
        assertThat(CloudWorld.get(source)).isEqualTo(password(1));
        // Behind the request; the service looks at the clock, too.
        while (aws.passwords() < 2) {
            Thread.onSpinWait();
        }
        world.advance(Duration.ofHours(2));
        assertThat(CloudWorld.get(source)).isEqualTo(password(2));
    }

    @Test
    void publicRegistryIsAskedInItsOwnWay() throws IOException {
        withKeys();
        CredentialSource source =
                CloudCredentials.ecr(CloudWorld.endpoint("public.ecr.aws"), NOTHING, world.environment());

        assertThat(CloudWorld.get(source)).isEqualTo(password(1));
        assertThat(aws.signer("token")).isEqualTo("AKIDEXAMPLE/us-east-1/ecr-public");
    }

    @Test
    void registryOfAnotherNameNeedsARegion() throws IOException {
        withKeys();
        EcrSettings settings = new EcrSettings(Optional.of("ap-south-1"), Optional.empty(), Optional.empty());

        CloudWorld.get(CloudCredentials.ecr(CloudWorld.endpoint("ecr.internal"), settings, world.environment()));

        assertThat(aws.signer("token")).isEqualTo("AKIDEXAMPLE/ap-south-1/ecr");
        assertThatThrownBy(
                        () -> CloudCredentials.ecr(CloudWorld.endpoint("ecr.internal"), NOTHING, world.environment()))
                .hasMessageContaining("ecr.internal does not tell its region");
    }

    @Test
    void webIdentityOfACluster() throws IOException {
        Path token = Files.writeString(folder.resolve("token"), AwsService.WEB_IDENTITY + "\n");
        world.with("AWS_WEB_IDENTITY_TOKEN_FILE", token.toString()).with("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIAROLE");

        // As a template of a pod has it that somebody may fill in.
        world.with("AWS_ROLE_SESSION_NAME", "");
        assertThat(CloudWorld.get(source())).isEqualTo(password(2));

        Files.writeString(token, "another");
        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("asking AWS for the keys of a role")
                .hasMessageContaining("403");
    }

    @Test
    void profileOfTheSharedFiles() throws IOException {
        file("credentials", "[default]\n" + keysOfAFile() + "[other]\naws_access_key_id = x\n");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThatThrownBy(() -> CloudWorld.get(
                        source(new EcrSettings(Optional.empty(), Optional.of("other"), Optional.empty()))))
                .hasMessageContaining("the AWS profile other is not there or has no keys");
    }

    @Test
    void roleOfAProfileOverAnother() throws IOException {
        file("config", """
                # roles
                [profile mirror]
                role_arn = arn:aws:iam::1:role/mirror
                source_profile = base
                region = eu-west-1
                s3 =
                  addressing_style = path
                [profile round]
                role_arn = arn:aws:iam::1:role/mirror
                source_profile = circle
                [profile circle]
                role_arn = arn:aws:iam::1:role/mirror
                source_profile = round
                """);
        file("credentials", "[base]\n" + keysOfAFile());
        world.with("AWS_PROFILE", "mirror");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("AssumeRole")).isEqualTo("AKIDEXAMPLE/eu-central-1/sts");
        assertThat(aws.signer("token")).startsWith("ASIAROLE");
        assertThatThrownBy(() -> CloudWorld.get(
                        source(new EcrSettings(Optional.empty(), Optional.of("round"), Optional.empty()))))
                .hasMessageContaining("without an end");
    }

    @ParameterizedTest
    @CsvSource({"Environment,AKIDEXAMPLE", "EcsContainer,ASIACONTAINER", "Ec2InstanceMetadata,ASIAINSTANCE"})
    void roleOfAProfileOverWhatTheMachineGives(String place, String keys) throws IOException {
        file("config", "[profile mirror]\nrole_arn = arn:aws:iam::1:role/mirror\ncredential_source = " + place + "\n");
        withKeys();
        world.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.uri() + "/container")
                .with("AWS_CONTAINER_AUTHORIZATION_TOKEN", AwsService.CONTAINER_TOKEN);

        CloudWorld.get(source(new EcrSettings(Optional.empty(), Optional.of("mirror"), Optional.empty())));

        assertThat(aws.signer("AssumeRole")).startsWith(keys);
        assertThat(aws.signer("token")).startsWith("ASIAROLE");
    }

    @Test
    void webIdentityOfAProfile() throws IOException {
        Path token = Files.writeString(folder.resolve("token"), AwsService.WEB_IDENTITY);
        file(
                "config",
                "[profile mirror]\nrole_arn = arn:aws:iam::1:role/mirror\nweb_identity_token_file = " + token + "\n");
        world.with("AWS_PROFILE", "mirror");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIAROLE");
    }

    @Test
    void roleOverTheKeysOfTheSameProfile() throws IOException {
        file("config", "[default]\nrole_arn = arn:aws:iam::1:role/mirror\nsource_profile = default\n" + keysOfAFile());

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("AssumeRole")).startsWith("AKIDEXAMPLE");
    }

    @Test
    void programOfAProfile() throws IOException {
        file(
                "config",
                "[default]\ncredential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"" + AwsService.KEY_ID
                        + "\",\"SecretAccessKey\":\"" + AwsService.SECRET + "\"}'\n");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
    }

    @Test
    void roleOfTheConfigurationComesLast() throws IOException {
        withKeys();
        EcrSettings settings =
                new EcrSettings(Optional.empty(), Optional.empty(), Optional.of("arn:aws:iam::1:role/mirror"));

        assertThat(CloudWorld.get(source(settings))).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIAROLE");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void endpointOfAContainer(boolean byFile) throws IOException {
        world.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.uri() + "/container");
        Path token = Files.writeString(folder.resolve("token"), AwsService.CONTAINER_TOKEN + "\n");
        world.with(
                byFile ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                byFile ? token.toString() : AwsService.CONTAINER_TOKEN);

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIACONTAINER");
    }

    @ParameterizedTest
    @ValueSource(strings = {"own", "null", "empty"})
    void endpointBesideAContainerMayHaveKeysOfItsOwnWithoutAToken(String place) throws IOException {
        world.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.uri() + "/container/" + place);

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith(AwsService.KEY_ID);
    }

    @Test
    void hostOfAnEndpointIsSignedAsItIsSentInWhateverLetters() throws IOException {
        withKeys();
        world.with("AWS_ENDPOINT_URL_ECR", "http://LocalHost:" + server.uri().getPort());

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(server.calls().all().getFirst().request().header("Host"))
                .contains("localhost:" + server.uri().getPort());
    }

    @Test
    void endpointOfAContainerIsNeverPlainHttpToAnotherMachine() {
        world.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/container");

        assertThatThrownBy(() -> CloudWorld.get(source())).hasMessageContaining("plain HTTP to another machine");
    }

    @Test
    void roleOfAnInstanceByTheSecondVersionOfItsService() throws IOException {
        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIAINSTANCE");
    }

    @Test
    void withoutAnyKeysTheMessageNamesThePlaces() {
        server.faults().always(Requests.path("/latest/meta-data"), Fault.status(404));
        world.with("AWS_SECRET_ACCESS_KEY", "s3cret-alone");

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining("AWS_ACCESS_KEY_ID")
                .hasMessageContaining("not from the instance")
                .hasMessageNotContaining("s3cret");
    }

    @ParameterizedTest
    @CsvSource({"400,UnrecognizedClientException", "403,AccessDeniedException", "400,ExpiredTokenException"})
    void refusalIsARefusalAndSaysWhichOne(int status, String code) {
        withKeys();
        server.faults()
                .always(
                        Requests.any(),
                        Fault.instead(Response.json(status, "{\"__type\":\"" + code + "\",\"message\":\"s3cret\"}")));

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessage("asking AWS for a token of ECR in eu-central-1: 127.0.0.1 answered " + status + " " + code);
        assertThat(server.calls().all()).hasSize(1);
    }

    private static Fault ofSts(String code) {
        String xml = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n"
                + "    <Type>Sender</Type>\n    <Code>" + code + "</Code>\n    <Message>s3cret</Message>\n"
                + "  </Error>\n  <RequestId>s3cret</RequestId>\n</ErrorResponse>\n";
        int status = code.equals("AccessDenied") ? 403 : 400;
        return Fault.instead(Response.of(status, "text/xml", Content.of(xml.getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void roleThatIsRefusedSaysWhy() {
        withKeys();
        server.faults().always(Requests.any(), ofSts("AccessDenied"));

        assertThatThrownBy(() -> CloudWorld.get(source(WITH_ROLE)))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessage("asking AWS for the keys of a role: 127.0.0.1 answered 403 AccessDenied");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Throttling", "IDPCommunicationError"})
    void roleThatIsNotToBeHadJustNowIsAnOutage(String code) {
        withKeys();
        server.faults().always(Requests.any(), ofSts(code));

        assertThatThrownBy(() -> CloudWorld.get(source(WITH_ROLE)))
                .isInstanceOf(OutageException.class)
                .hasMessage("asking AWS for the keys of a role: 127.0.0.1 answered 400 " + code);
    }

    /** As who copies a template leaves it: the service refuses an empty session token. */
    @Test
    void settingOfAFileWithoutAValueIsNone() throws IOException {
        file("credentials", "[default]\n" + keysOfAFile() + "\naws_session_token =\nrole_arn=\n");

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("AKIDEXAMPLE");
        assertThat(server.calls().all())
                .noneMatch(call -> call.request().header("X-Amz-Security-Token").isPresent());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"500", "503", "429", "throttled", "garbage", "html", "redirect", "hang-up", "huge", "empty"})
    void everythingElseIsAnOutage(String how) {
        withKeys();
        Fault fault = switch (how) {
            case "throttled" -> Fault.instead(Response.json(400, "{\"__type\":\"ThrottlingException\"}"));
            case "garbage" ->
                Fault.body("{\"authorizationData\":[{\"authorizationToken\":\"?\"}]}".getBytes(StandardCharsets.UTF_8));
            case "html" -> Fault.body("<html>s3cret</html>".getBytes(StandardCharsets.UTF_8));
            case "empty" -> Fault.body("{}".getBytes(StandardCharsets.UTF_8));
            case "huge" -> Fault.body(new byte[2 << 20]);
            case "redirect" -> Fault.redirect(request -> "http://127.0.0.1:1/");
            case "hang-up" -> Fault.hangUp();
            default -> Fault.status(Integer.parseInt(how));
        };
        server.faults().always(Requests.any(), fault);

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        outage -> assertThat(outage.reason()).isEqualTo(OutageException.Reason.TOKEN_SERVICE))
                .hasMessageContaining("asking AWS for a token of ECR")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void oneFailureIsTriedAgain() throws IOException {
        withKeys();
        server.faults().once(Requests.any(), Fault.status(500));

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
    }
}
