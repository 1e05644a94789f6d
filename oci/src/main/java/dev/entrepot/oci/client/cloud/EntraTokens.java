package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import dev.entrepot.oci.client.cloud.CloudCredentials.AzureSettings;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Tokens of Microsoft Entra that are good for container registries and nothing else: of an application by its secret, or by a token that its
 * Kubernetes cluster has written for it (workload identity), else of the managed identity of the machine.
 */
final class EntraTokens {
    private static final String AUDIENCE = "https://containerregistry.azure.net";
    private static final String AUTHORITY = "https://login.microsoftonline.com/";
    private static final String METADATA = "http://169.254.169.254/";
    private static final Pattern TENANT = Pattern.compile("[A-Za-z0-9.-]{1,128}");

    private final ServiceClient services;
    private final AzureSettings settings;
    private final Map<String, String> variables;

    EntraTokens(ServiceClient services, AzureSettings settings, ClientEnvironment environment) {
        this.services = services;
        this.settings = settings;
        this.variables = environment.variables();
    }

    /** The directory, where it is known. */
    Optional<String> tenant() {
        return settings.tenant().or(() -> variable("AZURE_TENANT_ID"));
    }

    /**
     * An access token.
     *
     * @throws dev.entrepot.oci.RegistryException if Entra refuses, or does not answer
     * @throws IOException if it is not known how to ask
     */
    String token() throws IOException {
        Optional<String> client = settings.clientId().or(() -> variable("AZURE_CLIENT_ID"));
        Optional<String> secret = secret();
        Optional<String> file = variable("AZURE_FEDERATED_TOKEN_FILE");
        if (secret.isPresent()) {
            return ofApplication(client, new Form().with("client_secret", secret.get()));
        }
        if (file.isPresent() && tenant().isPresent() && client.isPresent()) {
            return ofApplication(
                    client,
                    new Form()
                            .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                            .with("client_assertion", Answers.file(Path.of(file.get()))));
        }
        return ofMachine(client);
    }

    private Optional<String> secret() throws IOException {
        if (settings.clientSecretFile().isPresent()) {
            return Optional.of(Answers.file(settings.clientSecretFile().get()));
        }
        return settings.clientSecret()
                .or(() -> settings.clientId().isPresent() ? Optional.empty() : variable("AZURE_CLIENT_SECRET"));
    }

    private String ofApplication(Optional<String> client, Form proof) throws IOException {
        String directory = tenant().filter(text -> TENANT.matcher(text).matches())
                .orElseThrow(() -> new IOException("an application of Microsoft Entra needs its tenant"));
        Form form = proof.with("grant_type", "client_credentials")
                .with(
                        "client_id",
                        client.orElseThrow(
                                () -> new IOException("an application of Microsoft Entra needs its client-id")))
                .with("scope", AUDIENCE + "/.default");
        URI authority = url("AZURE_AUTHORITY_HOST", AUTHORITY);
        return ask(form.on(ServiceRequest.of(
                "asking Microsoft Entra for a token",
                "POST",
                authority.resolve("/" + directory + "/oauth2/v2.0/token"))));
    }

    private String ofMachine(Optional<String> client) throws IOException {
        Form query = new Form().with("resource", AUDIENCE).with("client_id", client);
        Optional<String> header = variable("IDENTITY_HEADER");
        if (variable("IDENTITY_ENDPOINT").isPresent() && header.isPresent()) {
            URI endpoint = url("IDENTITY_ENDPOINT", "");
            return ask(direct(endpoint + "?"
                            + query.with("api-version", "2019-08-01").encoded())
                    .with("X-IDENTITY-HEADER", header.get()));
        }
        URI imds = url("AZURE_POD_IDENTITY_AUTHORITY_HOST", METADATA);
        return ask(direct(imds.resolve("/metadata/identity/oauth2/token") + "?"
                        + query.with("api-version", "2018-02-01").encoded())
                .with("Metadata", "true"));
    }

    private static ServiceRequest direct(String url) {
        return ServiceRequest.of(
                        "asking the machine for a token of Microsoft Entra, since no application is configured",
                        "GET",
                        URI.create(url))
                .directly();
    }

    private String ask(ServiceRequest request) throws IOException {
        return Answers.token(request, services.json(request), "access_token");
    }

    private URI url(String variable, String usual) throws IOException {
        return Answers.url(variable, variable(variable).orElse(usual));
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(variables.get(name)).filter(text -> !text.isEmpty());
    }
}
