package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * Asks what AWS puts beside a process for the keys of its role: the endpoint of a container, or the metadata service of
 * an instance.
 */
final class AwsMetadata {
    private static final String CONTAINER = "http://169.254.170.2";
    private static final String INSTANCE = "http://169.254.169.254";
    private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9+=,.@_-]{1,128}");
    // Where plain HTTP carries keys: this machine, and the two addresses that AWS gives to such endpoints.
    private static final Set<String> NEAR =
            Set.of("localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]");

    private final ServiceClient services;
    private final Map<String, String> variables;

    AwsMetadata(ServiceClient services, Map<String, String> variables) {
        this.services = services;
        this.variables = variables;
    }

    /** The keys of a container's role (ECS, EKS Pod Identity); empty if the variables name no endpoint. */
    Optional<AwsKeys> ofContainer() throws IOException {
        String relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        String full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        if (relative.isEmpty() && full.isEmpty()) {
            return Optional.empty();
        }
        URI url = relative.isEmpty()
                ? Answers.url("AWS_CONTAINER_CREDENTIALS_FULL_URI", full)
                : Answers.url("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", CONTAINER + relative);
        if (!"https".equalsIgnoreCase(url.getScheme()) && !NEAR.contains(url.getHost())) {
            throw new IOException("AWS_CONTAINER_CREDENTIALS_FULL_URI is plain HTTP to another machine");
        }
        ServiceRequest asking = ServiceRequest.of("asking the container's endpoint for keys for AWS", "GET", url)
                .with("Accept", "application/json");
        ServiceRequest request = NEAR.contains(url.getHost()) ? asking.directly() : asking;
        String file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        String token = file.isEmpty() ? variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") : Answers.file(Path.of(file));
        JsonNode answer = services.json(token.isEmpty() ? request : request.with("Authorization", token));
        // What is not AWS's own, as an agent beside the process, may have keys that are nobody's for a while only.
        boolean lent = !relative.isEmpty() || !isNothing(answer.path("Token"));
        return Optional.of(keys(request, answer, lent));
    }

    // Some write out a field that has nothing in it.
    private static boolean isNothing(JsonNode value) {
        return value.isMissingNode()
                || value.isNull()
                || value.isString() && value.asString().isEmpty();
    }

    /** The keys of an instance's role (IMDSv2); empty if the instance has none, or the service is switched off. */
    Optional<AwsKeys> ofInstance() throws IOException {
        if (variable("AWS_EC2_METADATA_DISABLED").equalsIgnoreCase("true")) {
            return Optional.empty();
        }
        String other = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        URI service = Answers.url("AWS_EC2_METADATA_SERVICE_ENDPOINT", other.isEmpty() ? INSTANCE : other);
        String session = services.ok(
                ask("PUT", service.resolve("/latest/api/token")).with("X-aws-ec2-metadata-token-ttl-seconds", "300"));
        URI roles = service.resolve("/latest/meta-data/iam/security-credentials/");
        ServiceRequest which = ask("GET", roles).with("X-aws-ec2-metadata-token", session.strip());
        ServiceClient.Answer answer = services.send(which);
        String role = answer.body().strip();
        if (answer.status() == 404
                || answer.status() == 200 && !ROLE.matcher(role).matches()) {
            return Optional.empty();
        }
        if (answer.status() != 200) {
            throw services.failure(which, answer);
        }
        ServiceRequest request = ask("GET", roles.resolve(role)).with("X-aws-ec2-metadata-token", session.strip());
        return Optional.of(keys(request, services.json(request), true));
    }

    private static ServiceRequest ask(String method, URI url) {
        return ServiceRequest.of("asking the instance for keys for AWS, since no other place has any", method, url)
                .directly();
    }

    private static AwsKeys keys(ServiceRequest request, JsonNode answer, boolean lent) throws IOException {
        return new AwsKeys(
                Answers.token(request, answer, "AccessKeyId"),
                Answers.token(request, answer, "SecretAccessKey"),
                lent ? Optional.of(Answers.token(request, answer, "Token")) : Optional.empty());
    }

    private String variable(String name) {
        return variables.getOrDefault(name, "");
    }
}
