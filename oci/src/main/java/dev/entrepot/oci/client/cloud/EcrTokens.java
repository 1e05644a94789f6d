package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.RenewedCredentials.Issued;
import dev.entrepot.oci.client.RenewedCredentials.Issuer;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import tools.jackson.databind.JsonNode;

/**
 * Tokens of ECR, good for twelve hours: the password of the user {@code AWS} ({@code GetAuthorizationToken} of the ECR
 * and ECR Public APIs).
 */
final class EcrTokens implements Issuer {
    private final EcrRegistry registry;
    private final AwsChain chain;
    private final ServiceClient services;
    private final ClientEnvironment environment;

    EcrTokens(EcrRegistry registry, AwsChain chain, ServiceClient services, ClientEnvironment environment) {
        this.registry = registry;
        this.chain = chain;
        this.services = services;
        this.environment = environment;
    }

    @Override
    public Issued issue() throws IOException {
        return switch (registry.visibility()) {
            case PRIVATE ->
                issue("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", api("AWS_ENDPOINT_URL_ECR"));
            case PUBLIC ->
                issue("ecr-public", "SpencerFrontendService.GetAuthorizationToken", api("AWS_ENDPOINT_URL_ECR_PUBLIC"));
        };
    }

    private URI api(String variable) throws IOException {
        String other = environment.variables().getOrDefault(variable, "");
        return other.isEmpty() ? registry.api() : Answers.url(variable, other);
    }

    private Issued issue(String service, String target, URI api) throws IOException {
        Instant asked = environment.clock().instant();
        ServiceRequest request = ServiceRequest.of("asking AWS for a token of ECR in " + registry.region(), "POST", api)
                .withBody("application/x-amz-json-1.1", "{}")
                .with("X-Amz-Target", target);
        SignatureV4 signature = new SignatureV4(chain.keys(), registry.region(), service);
        JsonNode data = services.json(signature.sign(request, asked)).path("authorizationData");
        JsonNode one = data.isArray() ? data.path(0) : data;
        return new Issued(
                credential(request, Answers.token(request, one, "authorizationToken")),
                Answers.epoch(one.path("expiresAt"), asked));
    }

    private static Credential credential(ServiceRequest request, String token) throws IOException {
        try {
            String pair = new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8);
            int colon = pair.indexOf(':');
            if (colon > 0) {
                return new Credential.UserPassword(pair.substring(0, colon), pair.substring(colon + 1));
            }
        } catch (IllegalArgumentException e) {
            throw ServiceClient.unusable(request);
        }
        throw ServiceClient.unusable(request);
    }
}
