package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.TlsSettings;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.GoogleService;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.OwnCertificate;
import dev.entrepot.oci.testing.Requests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoogleCredentialsTest {
    @TempDir
    static Path common;

    private static OwnCertificate certificate;

    @TempDir
    Path folder;

    private final CloudWorld world = new CloudWorld();
    private final GoogleService google = new GoogleService(Clock.systemUTC());
    private final MiniHttpServer server = MiniHttpServer.started(google);
    // Google's library exchanges tokens over TLS alone.
    private final MiniHttpServer secure = MiniHttpServer.started(google, certificate.sockets(), "https");

    @BeforeAll
    static void makeCertificate() throws Exception {
        certificate = OwnCertificate.in(common);
    }

    @AfterEach
    void close() {
        server.close();
        secure.close();
    }

    private CredentialSource source(Optional<Path> file) {
        RegistryEndpoint endpoint = CloudWorld.endpoint("europe-docker.pkg.dev")
                .withTls(TlsSettings.DEFAULT.withAuthorities(certificate.pem()));
        return CloudCredentials.google(endpoint, file, world.environment());
    }

    private Path file(String json) throws IOException {
        return Files.writeString(
                folder.resolve("key.json"),
                json.replace("SERVER", server.uri().toString())
                        .replace("SECURE", secure.uri().toString()));
    }

    private static String federated(String type, String source, boolean impersonated) {
        return "{\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/projects/1/x\","
                + "\"subject_token_type\":\"urn:ietf:params:" + type + "\",\"token_url\":\"SECURE/sts\","
                + (impersonated
                        ? "\"service_account_impersonation_url\":\"SECURE" + GoogleService.IMPERSONATION + "\","
                        : "")
                + "\"credential_source\":" + source + "}";
    }

    private String token(CredentialSource source) throws IOException {
        assertThat(CloudWorld.get(source))
                .isInstanceOfSatisfying(
                        Credential.UserPassword.class,
                        user -> assertThat(user.username()).isEqualTo("oauth2accesstoken"));
        return CloudWorld.get(source) instanceof Credential.UserPassword user ? user.password() : "";
    }

    @Test
    void serviceAccountSignsAClaim() throws Exception {
        CredentialSource source = source(Optional.of(file(google.keyFile(server.uri()))));

        assertThat(google.knows(token(source))).isTrue();
        assertThat(google.ways()).containsExactly("service account");
        world.advance(Duration.ofMinutes(50));
        token(source);
        server.calls().await(2, Requests.any());
    }

    @Test
    void fileThatTheVariableNames() throws IOException {
        world.with(
                "GOOGLE_APPLICATION_CREDENTIALS",
                file(google.keyFile(server.uri())).toString());

        assertThat(google.knows(token(source(Optional.empty())))).isTrue();
    }

    @Test
    void userWhoHasLoggedIn() throws IOException {
        Files.createDirectories(folder.resolve(".config/gcloud"));
        Files.writeString(
                folder.resolve(".config/gcloud/application_default_credentials.json"),
                "{\"type\":\"authorized_user\",\"client_id\":\"client\",\"client_secret\":\"client-s3cret\",\"refresh_token\":\""
                        + GoogleService.REFRESH + "\",\"token_uri\":\"" + server.uri() + "/token\"}");
        world.with("HOME", folder.toString());

        token(source(Optional.empty()));
        assertThat(google.ways()).containsExactly("user");
    }

    @ParameterizedTest
    @CsvSource({"file,false", "json,false", "url,false", "file,true"})
    void workloadOfAnotherIssuer(String from, boolean impersonated) throws IOException {
        Files.writeString(folder.resolve("subject"), GoogleService.SUBJECT);
        Files.writeString(folder.resolve("subject.json"), "{\"id\":\"" + GoogleService.SUBJECT + "\"}");
        String source = switch (from) {
            case "file" -> "{\"file\":\"subject\"}";
            case "json" ->
                "{\"file\":\"subject.json\",\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"id\"}}";
            default ->
                "{\"url\":\"SERVER/subject\",\"headers\":{\"X-Subject\":\"yes\"},\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"value\"}}";
        };
        Path file = file(federated("oauth:token-type:jwt", source, impersonated));

        assertThat(google.knows(token(source(Optional.of(file))))).isTrue();
        assertThat(google.ways().getLast()).isEqualTo(impersonated ? "impersonation" : "federation");
    }

    @Test
    void instanceOfAws() throws IOException {
        Path file = file(federated(
                "aws:token-type:aws4_request",
                "{\"environment_id\":\"aws1\",\"region_url\":\"SERVER/aws/region\",\"url\":\"SERVER/aws/role\","
                        + "\"imdsv2_session_token_url\":\"SERVER/aws/token\",\"regional_cred_verification_url\":"
                        + "\"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15\"}",
                false));
        world.with("http_proxy", "http://127.0.0.1:1");

        assertThat(google.knows(token(source(Optional.of(file))))).isTrue();
        assertThat(google.ways()).containsExactly("federation");
    }

    @Test
    void userWhoActsAsAServiceAccount() throws IOException {
        Path file = file("{\"type\":\"impersonated_service_account\",\"delegates\":[],"
                + "\"service_account_impersonation_url\":\"SECURE" + GoogleService.IMPERSONATION + "\","
                + "\"source_credentials\":{\"type\":\"authorized_user\",\"client_id\":\"client\",\"client_secret\":\"client-s3cret\","
                + "\"token_uri\":\"SERVER/token\",\"refresh_token\":\"" + GoogleService.REFRESH + "\"}}");

        assertThat(google.knows(token(source(Optional.of(file))))).isTrue();
        assertThat(google.ways()).containsExactly("user", "impersonation");
    }

    @Test
    void metadataServerOfAMachineOrWorkloadPastAnyProxy() throws IOException {
        world.with("GCE_METADATA_HOST", "127.0.0.1:" + server.port()).with("http_proxy", "http://127.0.0.1:1");

        assertThat(google.knows(token(source(Optional.empty())))).isTrue();
        assertThat(google.ways()).containsExactly("metadata");
    }

    @Test
    void everythingElseGoesThroughTheProxy() throws IOException {
        Path key = file(google.keyFile(server.uri()).replace(server.uri().toString(), "http://localhost"));
        CredentialSource source = CloudCredentials.google(
                CloudWorld.endpoint("europe-docker.pkg.dev").withHttpProxy(server.uri()),
                Optional.of(key),
                world.environment());

        assertThat(google.knows(token(source))).isTrue();
        assertThat(server.calls().all().getFirst().request().header("Host")).contains("localhost");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"type\":\"s3cret\"}|holds no Google credentials of type service_account",
                "{\"type\":s3cret|is not valid JSON",
                "{\"type\":\"authorized_user\",\"client_id\":\"x\",\"client_secret\":\"s3cret\"}|has no refresh_token",
                "{\"type\":\"service_account\",\"client_email\":\"a\",\"client_id\":\"1\",\"private_key_id\":\"2\",\"private_key\":\"s3cret\"}|no RSA key",
                "{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"s3cret\"}|has no client_id",
                "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"http://evil.test/\",\"credential_source\":{\"file\":\"c\"}}|its URLs must be https",
                "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"credential_source\":{\"url\":\"http://evil.test/s3cret\"}}|a service that is not https",
                "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"credential_source\":{\"file\":\"lacking\"}}|that holds what it says",
                "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"credential_source\":{\"certificate\":{}}}|not supported here",
                "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"credential_source\":{\"executable\":{\"command\":\"/bin/s3cret\"}}}|only where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1",
                "{\"type\":\"authorized_user\",\"client_id\":\"x\",\"client_secret\":\"s3cret\",\"refresh_token\":\"s3cret\",\"token_uri\":\"http://evil.test/\"}|a service that is not https",
            })
    void fileThatIsWrongIsNamedAndNotShown(String json, String message) throws IOException {
        Path file = file(json);

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.of(file))))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message)
                .hasMessageNotContaining("s3cret");
        assertThat(server.calls().all()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void outageIsAnOutageAfterTwoRequestsWhateverTheLibraryWouldRetry(boolean key) throws IOException {
        world.with("GCE_METADATA_HOST", "127.0.0.1:" + server.port());
        server.faults().always(Requests.any(), Fault.status(503));
        Optional<Path> file = key ? Optional.of(file(google.keyFile(server.uri()))) : Optional.empty();

        assertThatThrownBy(() -> CloudWorld.get(source(file)))
                .isInstanceOf(OutageException.class)
                .hasMessageEndingWith("127.0.0.1 answered 503");
        assertThat(server.calls().all()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403})
    void refusalIsARefusal(int status) throws IOException {
        world.with("GCE_METADATA_HOST", "127.0.0.1:" + server.port());
        server.faults().always(Requests.any(), Fault.status(status));

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.empty()))).isInstanceOf(UnauthorizedException.class);
    }

    @Test
    void tokenThatCouldBreakOutOfAHeaderFieldIsNone() {
        world.with("GCE_METADATA_HOST", "127.0.0.1:" + server.port());
        server.faults()
                .always(
                        Requests.any(),
                        Fault.body("{\"access_token\":\"a\\r\\nX-Smuggled: s3cret\",\"expires_in\":9}"
                                .getBytes(StandardCharsets.UTF_8)));

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.empty())))
                .isInstanceOf(OutageException.class)
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void silenceIsAnOutage() throws IOException {
        world.with("GCE_METADATA_HOST", "127.0.0.1:" + server.port());
        server.stop();

        assertThatThrownBy(() -> CloudWorld.get(source(Optional.empty()))).isInstanceOf(OutageException.class);
    }
}
