package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.microsoft.aad.msal4j.MachineVariables;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.cloud.CloudCredentials.AzureSettings;
import dev.entrepot.oci.testing.AcrService;
import dev.entrepot.oci.testing.EntraService;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.OwnCertificate;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AzureCredentialsTest {
    private static final AzureSettings NOTHING =
            new AzureSettings(Optional.empty(), Optional.empty(), Optional.empty());
    private static final AzureSettings APPLICATION = new AzureSettings(
            Optional.of("the-tenant"), Optional.of("the-client"), Optional.of(EntraService.CLIENT_SECRET));

    private final CloudWorld world = new CloudWorld();
    private final EntraService entra = new EntraService();
    private final MiniHttpServer cloud = MiniHttpServer.started(entra);
    private final AcrService acr = new AcrService(entra, "one.azurecr.io", scope -> "token", world);
    private final MiniHttpServer registry = MiniHttpServer.started(acr);

    @BeforeEach
    void inTheCloud() {
        world.with("AZURE_AUTHORITY_HOST", cloud.uri().toString())
                .with("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.uri().toString());
    }

    @AfterEach
    void close() {
        MachineVariables.reset();
        cloud.close();
        registry.close();
    }

    private CredentialSource source(AzureSettings settings) {
        return CloudCredentials.azure(CloudWorld.endpoint("one.azurecr.io", registry), settings, world.environment());
    }

    private void assertIssued(AzureSettings settings, String way) throws IOException {
        assertThat(CloudWorld.get(source(settings))).isInstanceOf(Credential.IdentityToken.class);
        assertThat(entra.ways()).containsExactly(way);
    }

    @Test
    void applicationBySecret() throws IOException {
        assertIssued(APPLICATION, "secret");
        assertThat(APPLICATION.toString()).doesNotContain("s3cret");
    }

    @Test
    void applicationBySecretInAFileThatChanges(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "s3cret-former");
        CredentialSource source = source(new AzureSettings(
                Optional.of("the-tenant"), Optional.of("the-client"), Optional.empty(), Optional.of(file)));
        assertThatThrownBy(() -> CloudWorld.get(source)).isInstanceOf(UnauthorizedException.class);

        Files.writeString(file, EntraService.CLIENT_SECRET + "\n");
        world.advance(Duration.ofMinutes(1));
        assertThat(CloudWorld.get(source)).isInstanceOf(Credential.IdentityToken.class);
        assertThat(entra.ways()).containsExactly("secret");
    }

    @Test
    void fileOfASecretThatIsEmptyIsNamed(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("secret"), "\n");
        assertThatThrownBy(() -> CloudWorld.get(source(new AzureSettings(
                        Optional.of("the-tenant"), Optional.of("the-client"), Optional.empty(), Optional.of(file)))))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage(file + " is empty: write the password or token into it");
    }

    @ParameterizedTest
    @CsvSource({
        "one.azurecr.io,https://one.azurecr.io,one.azurecr.io",
        "corp,https://one.azurecr.io,one.azurecr.io",
        "corp:5000,https://One.AzureCR.io:443/,one.azurecr.io",
        "corp,https://one.azurecr.cn,one.azurecr.cn",
        "corp,https://one.azurecr.us,one.azurecr.us",
        "one.azurecr.io,https://registry.corp.test,one.azurecr.io",
        "one.azurecr.io:443,https://127.0.0.1:8443,one.azurecr.io",
        "corp,https://one.azurecr.io.corp.test,corp"
    })
    void areExchangedForTheRegistryByTheNameThatAzureKnows(String name, String url, String service) {
        assertThat(AcrTokens.service(RegistryEndpoint.of(RegistryHost.parse(name), URI.create(url))))
                .isEqualTo(service);
    }

    @Test
    void areIssuedByARegistryThatIsCalledOtherwiseHere() throws IOException {
        RegistryEndpoint alias = CloudWorld.endpoint("one.azurecr.io:5000", registry);
        assertThat(CloudWorld.get(CloudCredentials.azure(alias, NOTHING, world.environment())))
                .isInstanceOf(Credential.IdentityToken.class);
    }

    @Test
    void applicationOfTheVariables() throws IOException {
        world.with("AZURE_TENANT_ID", "the-tenant")
                .with("AZURE_CLIENT_ID", "the-client")
                .with("AZURE_CLIENT_SECRET", EntraService.CLIENT_SECRET);

        assertIssued(NOTHING, "secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pem", "p12"})
    void applicationByCertificate(String form, @TempDir Path folder) throws Exception {
        OwnCertificate own = OwnCertificate.in(folder);
        entra.trusting(own.certificate());
        Path pem = Files.writeString(folder.resolve("both.pem"), own.keyPem() + Files.readString(own.pem()));
        world.with("AZURE_TENANT_ID", "the-tenant")
                .with("AZURE_CLIENT_ID", "the-client")
                .with("AZURE_CLIENT_CERTIFICATE_PATH", (form.equals("pem") ? pem : own.store()).toString())
                .with("AZURE_CLIENT_CERTIFICATE_PASSWORD", OwnCertificate.PASSWORD);

        assertIssued(NOTHING, "certificate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3cret", "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----"})
    void certificateThatIsNoneIsNamedAndNotShown(String text, @TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("certificate"), text);
        world.with("AZURE_TENANT_ID", "the-tenant")
                .with("AZURE_CLIENT_ID", "the-client")
                .with("AZURE_CLIENT_CERTIFICATE_PATH", file.toString());

        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING)))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageStartingWith(file + " holds no certificate with its RSA key")
                .hasNoCause()
                .hasMessageNotContaining("s3cret");
        assertThat(cloud.calls().all()).isEmpty();
    }

    @Test
    void keyWithoutItsCertificateIsNamedToo(@TempDir Path folder) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        // A key that is not encrypted is only taken with its certificate.
        Cipher cipher = Cipher.getInstance("PBEWithSHA1AndDESede");
        cipher.init(
                Cipher.ENCRYPT_MODE,
                SecretKeyFactory.getInstance("PBEWithSHA1AndDESede")
                        .generateSecret(new PBEKeySpec(OwnCertificate.PASSWORD.toCharArray())));
        byte[] key = cipher.doFinal(KeyPairGenerator.getInstance("RSA")
                .generateKeyPair()
                .getPrivate()
                .getEncoded());
        store.setKeyEntry("key", new EncryptedPrivateKeyInfo(cipher.getParameters(), key).getEncoded(), null);
        Path file = folder.resolve("key.p12");
        try (var out = Files.newOutputStream(file)) {
            store.store(out, OwnCertificate.PASSWORD.toCharArray());
        }
        world.with("AZURE_TENANT_ID", "the-tenant")
                .with("AZURE_CLIENT_ID", "the-client")
                .with("AZURE_CLIENT_CERTIFICATE_PATH", file.toString())
                .with("AZURE_CLIENT_CERTIFICATE_PASSWORD", OwnCertificate.PASSWORD);

        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING)))
                .isExactlyInstanceOf(IOException.class)
                .hasMessageStartingWith(file + " holds no certificate with its RSA key");
    }

    @Test
    void workloadOfACluster(@TempDir Path folder) throws IOException {
        Path token = Files.writeString(folder.resolve("token"), EntraService.ASSERTION);
        world.with("AZURE_TENANT_ID", "the-tenant")
                .with("AZURE_CLIENT_ID", "the-client")
                .with("AZURE_FEDERATED_TOKEN_FILE", token.toString());

        assertIssued(NOTHING, "assertion");
    }

    @Test
    void identityOfAMachine() throws IOException {
        assertIssued(NOTHING, "machine");
    }

    @Test
    void oneOfSeveralIdentitiesOfAMachine() throws IOException {
        assertIssued(new AzureSettings(Optional.empty(), Optional.of("id-2"), Optional.empty()), "machine id-2");
    }

    @Test
    void identityOfAContainer() throws IOException {
        MachineVariables.use(Map.of(
                "IDENTITY_ENDPOINT", cloud.uri() + "/msi/token", "IDENTITY_HEADER", EntraService.IDENTITY_HEADER));

        assertIssued(NOTHING, "container");
    }

    @Test
    void serverThatNamesAFileIsShownNothingOfIt(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("some.key"), "s3cret");
        cloud.faults()
                .always(
                        Requests.any(),
                        Fault.instead(Response.of(401).header("WWW-Authenticate", "Basic realm=" + file)));
        MachineVariables.use(Map.of("IDENTITY_ENDPOINT", cloud.uri() + "/arc", "IMDS_ENDPOINT", "here"));

        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING)))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageEndingWith("127.0.0.1 answered 401");
        assertThat(cloud.calls().all()).hasSize(1);
    }

    // By itself it logs answers, and at the level of errors those that are refusals.
    @Test
    void libraryLogsNothing() {
        cloud.faults()
                .always(
                        Requests.any(),
                        Fault.instead(Response.json(400, "{\"error\":\"invalid\",\"error_description\":\"s3cret\"}")));
        List<String> logged = new CopyOnWriteArrayList<>();
        Handler handler = new StreamHandler() {
            @Override
            public void publish(LogRecord event) {
                logged.add(event.getLoggerName());
            }
        };
        Logger root = Logger.getLogger("");
        Level former = root.getLevel();
        root.addHandler(handler);
        root.setLevel(Level.ALL);
        try {
            assertThatThrownBy(() -> CloudWorld.get(source(NOTHING))).hasMessageNotContaining("s3cret");
        } finally {
            root.setLevel(former);
            root.removeHandler(handler);
        }
        assertThat(logged).noneMatch(name -> name.startsWith("com.microsoft"));
    }

    @Test
    void serviceFabricWhoseRequestsWouldNotBeOursIsRefused() {
        MachineVariables.use(Map.of(
                "IDENTITY_ENDPOINT",
                cloud.uri().toString(),
                "IDENTITY_HEADER",
                "s3cret",
                "IDENTITY_SERVER_THUMBPRINT",
                "00"));

        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING)))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("identities of Azure Service Fabric are not supported here");
        assertThat(cloud.calls().all()).isEmpty();
    }

    @Test
    void areExchangedOnceAndAgainBeforeTheRefreshTokenEnds() throws IOException {
        CredentialSource source = source(NOTHING);
        assertThat(registry.calls().all()).isEmpty();
        Credential first = CloudWorld.get(source);
        world.advance(Duration.ofHours(2));
        assertThat(CloudWorld.get(source)).isEqualTo(first);
        assertThat(acr.exchanges()).isEqualTo(1);
        world.advance(Duration.ofHours(1));
        assertThat(CloudWorld.get(source)).isNotEqualTo(first);
        assertThat(acr.exchanges()).isEqualTo(2);
    }

    @Test
    void refusalsOfBothAreRefusals() {
        AzureSettings wrong =
                new AzureSettings(Optional.of("the-tenant"), Optional.of("the-client"), Optional.of("s3cret-wrong"));
        assertThatThrownBy(() -> CloudWorld.get(source(wrong)))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessage("asking Microsoft Entra for a token: 127.0.0.1 answered 401 invalid_client");
        registry.faults().always(Requests.any(), Fault.status(401));
        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING)))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessage("asking one.azurecr.io for a refresh token: 127.0.0.1 answered 401");
    }

    @Test
    void outagesOfBothAreOutages() {
        cloud.faults().times(2, Requests.any(), Fault.status(410));
        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING))).isInstanceOf(OutageException.class);
        registry.stop();
        assertThatThrownBy(() -> CloudWorld.get(source(NOTHING))).isInstanceOf(OutageException.class);
    }

    @Test
    void whatIsMissingIsSaid() {
        assertThatThrownBy(() -> CloudWorld.get(
                        source(new AzureSettings(Optional.empty(), Optional.of("the-client"), Optional.of("s3cret")))))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("an application of Microsoft Entra needs its tenant");
    }
}
