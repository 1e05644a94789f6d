package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.FileCredentials;
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
 * Tokens of Microsoft Entra that are good for container registries and nothing else: of an application by its secret,
 * or by a token that its Kubernetes cluster has written for it (workload identity), else of the managed identity of the
 * machine. Microsoft's library gets them ({@link EntraLibrary}).
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
        Optional<String> certificate = ofVariables("AZURE_CLIENT_CERTIFICATE_PATH");
        Optional<String> file = variable("AZURE_FEDERATED_TOKEN_FILE");
        if (secret.isPresent()) {
            return EntraLibrary.bySecret(atAuthority(), application(client), AUDIENCE, secret.get());
        }
        if (certificate.isPresent()) {
            return EntraLibrary.byCertificate(
                    atAuthority(),
                    application(client),
                    AUDIENCE,
                    EntraCertificate.read(Path.of(certificate.get()), variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")));
        }
        if (file.isPresent() && tenant().isPresent() && client.isPresent()) {
            String assertion = filled(Path.of(file.get()));
            return EntraLibrary.byAssertion(atAuthority(), application(client), AUDIENCE, assertion);
        }
        return EntraLibrary.ofMachine(onMachine(), AUDIENCE, client);
    }

    private Optional<String> secret() throws IOException {
        if (settings.clientSecretFile().isPresent()) {
            return Optional.of(
                    FileCredentials.readLine(settings.clientSecretFile().get()));
        }
        return settings.clientSecret().or(() -> ofVariables("AZURE_CLIENT_SECRET"));
    }

    private static String filled(Path file) throws IOException {
        String text = Answers.file(file);
        if (text.isEmpty()) {
            throw new IOException(file + " is empty");
        }
        return text;
    }

    // What proves the application of the variables does not prove another one, that is configured.
    private Optional<String> ofVariables(String proof) {
        return settings.clientId().isPresent() ? Optional.empty() : variable(proof);
    }

    private EntraLibrary.Application application(Optional<String> client) throws IOException {
        String directory = tenant().filter(text -> TENANT.matcher(text).matches())
                .orElseThrow(() -> new IOException("an application of Microsoft Entra needs its tenant"));
        String id = client.orElseThrow(() -> new IOException("an application of Microsoft Entra needs its client-id"));
        return new EntraLibrary.Application("https://" + authority().getRawAuthority() + "/" + directory + "/", id);
    }

    private URI authority() throws IOException {
        return url("AZURE_AUTHORITY_HOST", AUTHORITY);
    }

    // The library knows https alone; the operator's variable has the last word.
    private LibraryCalls atAuthority() throws IOException {
        URI authority = authority();
        return new LibraryCalls(services, "asking Microsoft Entra for a token", wanted -> {
            URI asked = authority.resolve(wanted.uri().getRawPath());
            return wanted.at(asked);
        });
    }

    private LibraryCalls onMachine() throws IOException {
        URI metadata = url("AZURE_POD_IDENTITY_AUTHORITY_HOST", METADATA);
        return new LibraryCalls(
                services,
                "asking the machine for a token of Microsoft Entra, since no application is configured",
                wanted -> at(metadata, wanted).directly());
    }

    // The library looks into the variables of the process, which need not be ours.
    private static ServiceRequest at(URI metadata, ServiceRequest wanted) {
        URI url = wanted.uri();
        return url.toString().startsWith(METADATA)
                ? wanted.at(metadata.resolve(url.getRawPath() + "?" + url.getRawQuery()))
                : wanted;
    }

    private URI url(String variable, String usual) throws IOException {
        return Answers.url(variable, variable(variable).orElse(usual));
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(variables.get(name)).filter(text -> !text.isEmpty());
    }
}
