package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.RenewedCredentials.Issued;
import dev.entrepot.oci.client.RenewedCredentials.Issuer;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Refresh tokens of an Azure container registry, for a token of Microsoft Entra ({@code POST /oauth2/exchange} at the
 * registry itself). The registry's token service takes them for access tokens.
 */
final class AcrTokens implements Issuer {
    private static final List<String> DOMAINS = List.of(".azurecr.io", ".azurecr.cn", ".azurecr.us");

    private final RegistryEndpoint endpoint;
    private final EntraTokens entra;
    private final ServiceClient services;
    private final ClientEnvironment environment;

    AcrTokens(RegistryEndpoint endpoint, EntraTokens entra, ServiceClient services, ClientEnvironment environment) {
        this.endpoint = endpoint;
        this.entra = entra;
        this.services = services;
        this.environment = environment;
    }

    @Override
    public Issued issue() throws IOException {
        Instant asked = environment.clock().instant();
        Form form = new Form()
                .with("grant_type", "access_token")
                .with("service", service(endpoint))
                .with("tenant", entra.tenant())
                .with("access_token", entra.token());
        URI exchange = endpoint.baseUrl().resolve("/oauth2/exchange");
        ServiceRequest request =
                form.on(ServiceRequest.of("asking " + endpoint.registry() + " for a refresh token", "POST", exchange));
        String token = Answers.token(request, services.json(request), "refresh_token");
        return new Issued(
                new Credential.IdentityToken(token), Answers.epoch(claims(token).path("exp"), asked));
    }

    /**
     * What the registry calls itself: its host at Azure, whatever the configuration calls it; behind a name of its own,
     * the name without a port.
     */
    static String service(RegistryEndpoint endpoint) {
        String host = endpoint.baseUrl().getHost().toLowerCase(Locale.ROOT);
        boolean atAzure = DOMAINS.stream().anyMatch(host::endsWith);
        return atAzure ? host : endpoint.registry().hostWithoutPort();
    }

    // Its end is all that is read, and it is the registry's own word: there is nothing to be gained by a false one.
    private static JsonNode claims(String jwt) {
        String[] parts = jwt.split("\\.", -1);
        try {
            return parts.length == 3
                    ? OciJson.mapper().readTree(Base64.getUrlDecoder().decode(parts[1]))
                    : OciJson.mapper().missingNode();
        } catch (IllegalArgumentException | JacksonException e) {
            return OciJson.mapper().missingNode();
        }
    }
}
