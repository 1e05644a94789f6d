package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.RenewedCredentials;
import dev.entrepot.oci.client.ServiceClient;
import java.nio.file.Path;
import java.util.Optional;

/** Makes the credentials of clouds. Nothing is asked for until they are needed. */
public final class CloudCredentials {
    private CloudCredentials() {}

    /**
     * Who asks AWS.
     *
     * @param region the region of the registry; where empty, its name says it
     * @param profile the profile of the shared configuration files to go by, and nothing else
     * @param role a role to take on with what was found
     */
    public record EcrSettings(Optional<String> region, Optional<String> profile, Optional<String> role) {}

    /**
     * Who asks Microsoft Entra. What is empty comes from the variables that Azure's own tools read.
     *
     * @param tenant the directory
     * @param clientId the application, or a managed identity that was assigned by the user
     * @param clientSecret the application's secret
     * @param clientSecretFile a file that holds it, read whenever it is needed
     */
    public record AzureSettings(
            Optional<String> tenant,
            Optional<String> clientId,
            Optional<String> clientSecret,
            Optional<Path> clientSecretFile) {
        /** Without a file. */
        public AzureSettings(Optional<String> tenant, Optional<String> clientId, Optional<String> clientSecret) {
            this(tenant, clientId, clientSecret, Optional.empty());
        }

        @Override
        public String toString() {
            return "AzureSettings[" + clientId.orElse("") + "]";
        }
    }

    /**
     * Tokens of ECR, private or public.
     *
     * @throws IllegalArgumentException if neither the registry's name nor the settings tell the region
     */
    public static CredentialSource ecr(RegistryEndpoint endpoint, EcrSettings settings, ClientEnvironment environment) {
        EcrRegistry registry = EcrRegistry.of(endpoint.registry())
                .or(() -> EcrRegistry.of(RegistryHost.parse(endpoint.baseUrl().getRawAuthority())))
                .or(() -> settings.region().map(EcrRegistry::inRegion))
                .orElseThrow(() -> new IllegalArgumentException(endpoint.registry() + " does not tell its region"));
        ServiceClient services = new ServiceClient(endpoint, environment);
        AwsChain chain = new AwsChain(services, environment, registry.region(), settings.profile(), settings.role());
        return new RenewedCredentials(
                "token of ECR for " + endpoint.registry(),
                "ecr",
                new EcrTokens(registry, chain, services, environment),
                environment);
    }

    /**
     * Access tokens of Google.
     *
     * @param keyFile a file of credentials; where empty, Application Default Credentials
     */
    public static CredentialSource google(
            RegistryEndpoint endpoint, Optional<Path> keyFile, ClientEnvironment environment) {
        ServiceClient services = new ServiceClient(endpoint, environment);
        return new RenewedCredentials(
                "Google access token for " + endpoint.registry(),
                "google",
                new GoogleTokens(services, keyFile, environment),
                environment);
    }

    /** Refresh tokens of an Azure container registry, for tokens of Microsoft Entra. */
    public static CredentialSource azure(
            RegistryEndpoint endpoint, AzureSettings settings, ClientEnvironment environment) {
        ServiceClient services = new ServiceClient(endpoint, environment);
        return new RenewedCredentials(
                "refresh token of " + endpoint.registry(),
                "azure",
                new AcrTokens(endpoint, new EntraTokens(services, settings, environment), services, environment),
                environment);
    }
}
