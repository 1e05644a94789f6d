package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.Operation;
import dev.entrepot.oci.client.RequestObserver;
import dev.entrepot.oci.client.cloud.CloudCredentials.EcrSettings;
import dev.entrepot.oci.testing.AwsService;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Requests;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys by a login of IAM Identity Center: profiles with a session and without, renewed, ended, and missing. */
class AwsSsoTest {
    private static final String REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    private static final String START = "https://company.awsapps.com/start";
    // What sha1sum says of "company", and of the start URL.
    private static final String OF_SESSION = "71b21161ffa1e6516bcc072aaf5ef38cbe85b511.json";
    private static final String OF_START = "b7037568a7e4f6fba9450af24427009b78703b33.json";

    @TempDir
    Path folder;

    private final CloudWorld world = new CloudWorld();
    private final AwsService aws = new AwsService(world);
    private final MiniHttpServer server = MiniHttpServer.started(aws);

    @BeforeEach
    void onTheMachineOfAPerson() throws IOException {
        String url = server.uri().toString();
        world.with("AWS_ENDPOINT_URL_ECR", url)
                .with("AWS_ENDPOINT_URL_SSO", url)
                .with("AWS_ENDPOINT_URL_SSO_OIDC", url)
                .with("AWS_ENDPOINT_URL_STS", url)
                .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
                .with("HOME", folder.toString());
        config("""
                [profile people]
                sso_session = company
                sso_account_id = 123456789012
                sso_role_name = Mirror+Reader
                [sso-session company]
                sso_start_url = %1$s
                sso_region = eu-west-1
                sso_registration_scopes = sso:account:access
                [profile former]
                sso_start_url = %1$s
                sso_region = eu-west-1
                sso_account_id = 123456789012
                sso_role_name = Mirror+Reader
                [profile foreign]
                sso_session = company
                sso_account_id = 123456789012
                sso_role_name = Administrator
                [profile above]
                role_arn = arn:aws:iam::1:role/mirror
                source_profile = people
                [profile lost]
                sso_session = nowhere
                sso_account_id = 123456789012
                sso_role_name = Mirror
                [profile keys]
                sso_session = company
                aws_access_key_id = %2$s
                aws_secret_access_key = %3$s
                [profile short]
                sso_session = company
                sso_role_name = Mirror
                [profile elsewhere]
                sso_start_url = %1$s
                sso_region = evil.example.com/
                sso_account_id = 123456789012
                sso_role_name = Mirror
                """.formatted(START, AwsService.KEY_ID, AwsService.SECRET));
        world.with("AWS_PROFILE", "people");
    }

    @AfterEach
    void close() {
        server.close();
    }

    private void config(String text) throws IOException {
        Files.createDirectories(folder.resolve(".aws/sso/cache"));
        Files.writeString(folder.resolve(".aws/config"), text);
    }

    private Path cache(String name) {
        return folder.resolve(".aws/sso/cache").resolve(name);
    }

    private void login(String name, String expiresAt, boolean renewable) throws IOException {
        String rest = renewable
                ? ",\"clientId\":\"%s\",\"clientSecret\":\"%s\",\"registrationExpiresAt\":\"2026-12-20T10:00:00Z\",\"refreshToken\":\"%s\""
                        .formatted(AwsService.SSO_CLIENT, AwsService.SSO_SECRET, AwsService.SSO_REFRESH)
                : "";
        Files.writeString(
                cache(name),
                "{\"startUrl\":\"%s\",\"region\":\"eu-west-1\",\"accessToken\":\"%s\",\"expiresAt\":\"%s\"%s}"
                        .formatted(START, AwsService.SSO_TOKEN, expiresAt, rest));
    }

    private CredentialSource source(Optional<String> profile) {
        return source(profile, world.environment());
    }

    private static CredentialSource source(Optional<String> profile, ClientEnvironment environment) {
        return CloudCredentials.ecr(
                CloudWorld.endpoint(REGISTRY),
                new EcrSettings(Optional.empty(), profile, Optional.empty()),
                environment);
    }

    private CredentialSource source() {
        return source(Optional.empty());
    }

    private static Credential password(int count) {
        return new Credential.UserPassword("AWS", "ecr-pass-" + count);
    }

    @Test
    void loginOfASession() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", false);

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIASSO");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-11-20T14:00:00Z", "2026-11-20T14:00:00UTC", "2026-11-20T14:00:00+0000"})
    void loginByAStartUrl(String end) throws IOException {
        login(OF_START, end, false);

        assertThat(CloudWorld.get(source(Optional.of("former")))).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith("ASIASSO");
    }

    @Test
    void roleOverALogin() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", false);

        assertThat(CloudWorld.get(source(Optional.of("above")))).isEqualTo(password(1));
        assertThat(aws.signer("AssumeRole")).startsWith("ASIASSO");
        assertThat(aws.signer("token")).startsWith("ASIAROLE");
    }

    @Test
    void endedLoginIsRenewedAndWrittenBackForTheOtherTools() throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        CredentialSource source = source();

        assertThat(CloudWorld.get(source)).isEqualTo(password(1));

        assertThat(Files.readString(cache(OF_SESSION)))
                .contains("\"expiresAt\":\"2026-11-20T11:00:00Z\"")
                .contains("\"startUrl\":\"" + START + "\"")
                .contains("sso-s3cret-1")
                .contains("refresh-s3cret-2")
                .doesNotContain(AwsService.SSO_TOKEN, AwsService.SSO_REFRESH);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache(OF_SESSION))))
                .isEqualTo("rw-------");
        world.advance(Duration.ofHours(13));
        assertThat(CloudWorld.get(source)).isEqualTo(password(2));
    }

    @Test
    void renewedLoginThatCannotBeWrittenCountsInMemory() throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        // A folder that is not empty lies where it would be written aside.
        Files.createDirectories(cache(OF_SESSION + ".entrepot").resolve("in-the-way"));
        CredentialSource source = source();

        assertThat(CloudWorld.get(source)).isEqualTo(password(1));
        assertThat(Files.readString(cache(OF_SESSION))).contains(AwsService.SSO_REFRESH);

        // The refresh token in the file was good once.
        world.advance(Duration.ofHours(13));
        assertThat(CloudWorld.get(source)).isEqualTo(password(2));
    }

    @Test
    void renewedLoginThatCannotBeWrittenCountsForAllUpstreamsOfTheProcess() throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        Files.createDirectories(cache(OF_SESSION + ".entrepot").resolve("in-the-way"));
        ClientEnvironment process = world.environment();

        assertThat(CloudWorld.get(source(Optional.empty(), process))).isEqualTo(password(1));

        // The refresh token in the file was good once.
        assertThat(CloudWorld.get(source(Optional.empty(), process.withSleeper(pause -> {}))))
                .isEqualTo(password(2));
        assertThat(server.calls().count(Requests.path("/token"))).isEqualTo(1);
    }

    @Test
    void upstreamsThatNeedALoginAtTheSameTimeRenewItOnce() throws Exception {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        Files.createDirectories(cache(OF_SESSION + ".entrepot").resolve("in-the-way"));
        ClientEnvironment process = world.environment();
        List<CredentialSource> sources = Stream.generate(() -> source(Optional.empty(), process))
                .limit(8)
                .toList();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Credential>> all = sources.stream()
                    .map(source -> threads.submit(() -> CloudWorld.get(source)))
                    .toList();
            for (Future<Credential> one : all) {
                assertThat(one.get()).isInstanceOf(Credential.UserPassword.class);
            }
        }

        assertThat(server.calls().count(Requests.path("/token"))).isEqualTo(1);
    }

    @Test
    void loginThatSomebodyElseRenewsAtTheSameTimeIsUsed() throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        Files.writeString(
                cache(OF_SESSION),
                Files.readString(cache(OF_SESSION)).replace(AwsService.SSO_REFRESH, "refresh-that-was-used"));
        server.faults()
                .once(Requests.path("/token"), Fault.first(() -> login(OF_SESSION, "2026-11-20T14:00:00Z", true)));

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
    }

    @Test
    void loginThatEndsSoonIsUsedToItsEndWhereItCannotBeRenewed() throws IOException {
        login(OF_SESSION, "2026-11-20T10:04:00Z", true);
        server.faults().always(Requests.path("/token"), Fault.status(500));

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
    }

    @Test
    void endedLoginThatTheServiceCannotRenewNowIsAnOutage() throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", true);
        server.faults().always(Requests.path("/token"), Fault.status(500));

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("renewing the login for the AWS profile people")
                .hasMessageNotContaining("s3cret");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void endedLoginSaysWhatToDo(boolean refused) throws IOException {
        login(OF_SESSION, "2026-11-20T09:00:00Z", refused);
        aws.endLogin();

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining("ended at 2026-11-20T09:00:00Z")
                .hasMessageEndingWith("log in with: aws sso login --profile people")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void loginThatWasEndedThereIsRenewedOnce() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", true);
        server.faults().once(Requests.path("/federation/"), Fault.status(401));

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(server.calls().count(Requests.path("/token"))).isEqualTo(1);
    }

    /** The file says that the former login is good for longer than the renewed one. */
    @Test
    void loginThatWasEndedThereDoesNotCountAgainWhereTheRenewedOneCannotBeWritten() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", true);
        Files.createDirectories(cache(OF_SESSION + ".entrepot").resolve("in-the-way"));
        server.faults().once(Requests.path("/federation/"), Fault.status(401));
        ClientEnvironment process = world.environment();

        assertThat(CloudWorld.get(source(Optional.empty(), process))).isEqualTo(password(1));
        assertThat(CloudWorld.get(source(Optional.empty(), process))).isEqualTo(password(2));
        assertThat(server.calls().count(Requests.path("/token"))).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void loginThatWasEndedThereSaysWhatToDoAndIsAnOutage(boolean renewable) throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", renewable);
        aws.endLogin();

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining("answered 401")
                .hasMessageContaining("was ended there before its time")
                .hasMessageNotContaining("s3cret")
                .hasMessageEndingWith("log in with: aws sso login --profile people");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "1795176000", "2026-11-20"})
    void loginWhoseEndCannotBeReadIsRenewed(String end) throws IOException {
        login(OF_SESSION, end, true);

        assertThat(CloudWorld.get(source())).isEqualTo(password(1));
        assertThat(server.calls().count(Requests.path("/token"))).isEqualTo(1);
    }

    @Test
    void loginWhoseEndCannotBeReadAndThatCannotBeRenewedSaysWhatToDo() throws IOException {
        login(OF_SESSION, "soon", false);

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining("has no expiresAt that can be read")
                .hasMessageEndingWith("log in with: aws sso login --profile people");
    }

    /** Such a profile is logged in for other things than keys. */
    @Test
    void profileThatNamesASessionAndNoAccountGoesOnToItsOwnKeys() throws IOException {
        assertThat(CloudWorld.get(source(Optional.of("keys")))).isEqualTo(password(1));
        assertThat(aws.signer("token")).startsWith(AwsService.KEY_ID);
    }

    @Test
    void addressThatIsEmptyIsNone() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", false);
        // Nothing leaves this machine: nobody is at the proxy.
        world.with("AWS_ENDPOINT_URL_ECR", "").with("https_proxy", "http://127.0.0.1:1");

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("asking AWS for a token of ECR");
    }

    @Test
    void roleThatIsNotForThisPersonIsARefusal() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", false);

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.of("foreign"))))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageEndingWith("answered 403 ForbiddenException");
    }

    @Test
    void withoutALoginTheMessageNamesTheFileAndTheRemedy() {
        assertThatThrownBy(() -> CloudWorld.get(source()))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining(OF_SESSION)
                .hasMessageEndingWith("log in with: aws sso login --profile people");
    }

    @Test
    void fileThatHoldsSomethingElseIsNotShown() throws IOException {
        Files.writeString(cache(OF_SESSION), "s3cret");

        assertThatThrownBy(() -> CloudWorld.get(source()))
                .hasMessageContaining(OF_SESSION + " is not JSON")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void profileThatLacksSomethingSaysWhat() throws IOException {
        login(OF_SESSION, "2026-11-20T14:00:00Z", false);

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.of("lost"))))
                .hasMessageContaining("sso-session nowhere");
        assertThatThrownBy(() -> CloudWorld.get(source(Optional.of("short"))))
                .hasMessageContaining("lacks sso_account_id");
    }

    @ParameterizedTest
    @CsvSource({"eu-west-1,amazonaws.com", "cn-north-1,amazonaws.com.cn"})
    void hostsAreMadeOfTheRegionOfTheProfile(String region, String domain) throws IOException {
        Path config = folder.resolve(".aws/config");
        Files.writeString(config, Files.readString(config).replace("eu-west-1", region));
        List<String> asked = new ArrayList<>();
        RequestObserver observer = new RequestObserver() {
            @Override
            public void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took) {}

            @Override
            public Sending sending(RegistryHost registry, Operation operation, String method, URI uri) {
                asked.add(method + " " + uri.getScheme() + "://" + uri.getAuthority() + uri.getPath());
                return Sending.UNFOLLOWED;
            }
        };
        // Nothing leaves this machine: nobody is at the proxy.
        world.with("AWS_ENDPOINT_URL_SSO", "")
                .with("AWS_ENDPOINT_URL_SSO_OIDC", "")
                .with("https_proxy", "http://127.0.0.1:1");
        for (String end : List.of("2026-11-20T14:00:00Z", "2026-11-20T09:00:00Z")) {
            login(OF_SESSION, end, true);
            CredentialSource source = CloudCredentials.ecr(
                    CloudWorld.endpoint(REGISTRY),
                    new EcrSettings(Optional.empty(), Optional.empty(), Optional.empty()),
                    world.environment().withObserver(observer));
            assertThatThrownBy(() -> CloudWorld.get(source)).isInstanceOf(OutageException.class);
        }

        assertThat(asked.stream().distinct())
                .containsExactly(
                        "GET https://portal.sso." + region + "." + domain + "/federation/credentials",
                        "POST https://oidc." + region + "." + domain + "/token");
    }

    @Test
    void regionThatIsNoneMakesNoHost() throws IOException {
        login(OF_START, "2026-11-20T14:00:00Z", false);

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.of("elsewhere"))))
                .hasMessageContaining("that is none");
        assertThat(server.calls().all()).isEmpty();
    }
}
