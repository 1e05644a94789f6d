package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import dev.entrepot.oci.client.cloud.GoogleTokens.AccessToken;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Workload identity federation: another issuer's token, out of a file or from a URL, is exchanged for one of Google (RFC 8693), and that, where
 * the file of credentials says so, for one of a service account.
 */
final class GoogleFederation {
    private static final String STS = "https://sts.googleapis.com/v1/token";

    private final ServiceClient services;
    private final ClientEnvironment environment;

    GoogleFederation(ServiceClient services, ClientEnvironment environment) {
        this.services = services;
        this.environment = environment;
    }

    /** A token for an {@code external_account}. */
    AccessToken token(Path file, JsonNode key) throws IOException {
        Instant asked = environment.clock().instant();
        Form form = new Form()
                .with("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
                .with("audience", GoogleTokens.required(file, key, "audience"))
                .with("scope", GoogleTokens.SCOPE)
                .with("requested_token_type", "urn:ietf:params:oauth:token-type:access_token")
                .with("subject_token_type", GoogleTokens.required(file, key, "subject_token_type"))
                .with("subject_token", subjectToken(file, key.path("credential_source")));
        ServiceRequest exchange = form.on(ServiceRequest.of(
                "exchanging a token at Google",
                "POST",
                GoogleTokens.url(file, Answers.text(key, "token_url").orElse(STS))));
        AccessToken federated = GoogleTokens.read(services, exchange, asked);
        Optional<String> account = Answers.text(key, "service_account_impersonation_url");
        return account.isPresent() ? ofAccount(file, account.get(), federated, asked) : federated;
    }

    private AccessToken ofAccount(Path file, String url, AccessToken federated, Instant asked) throws IOException {
        ServiceRequest request = ServiceRequest.of(
                        "asking Google for a token of a service account", "POST", GoogleTokens.url(file, url))
                .withBody("application/json", "{\"scope\":[\"" + GoogleTokens.SCOPE + "\"],\"lifetime\":\"3600s\"}")
                .with("Authorization", "Bearer " + federated.value());
        JsonNode answer = services.json(request);
        return new AccessToken(
                Answers.token(request, answer, "accessToken"), Answers.time(Answers.text(answer, "expireTime"), asked));
    }

    private String subjectToken(Path file, JsonNode source) throws IOException {
        JsonNode format = source.path("format");
        Optional<String> tokenFile = Answers.text(source, "file");
        if (tokenFile.isPresent()) {
            Path path = file.resolveSibling(tokenFile.get());
            return subjectToken(path.toString(), Answers.file(path), format);
        }
        String url = Answers.text(source, "url")
                .orElseThrow(() -> new IOException(file + " has a credential_source that is neither a file nor a url"));
        ServiceRequest asking =
                ServiceRequest.of("asking for a token to exchange at Google", "GET", GoogleTokens.url(file, url));
        // Plain HTTP is this machine or its own link.
        ServiceRequest request = "http".equalsIgnoreCase(asking.uri().getScheme()) ? asking.directly() : asking;
        for (Map.Entry<String, JsonNode> field : source.path("headers").properties()) {
            request = request.with(field.getKey(), field.getValue().asString(""));
        }
        return subjectToken(
                String.valueOf(request.uri().getHost()), services.ok(request).strip(), format);
    }

    private static String subjectToken(String from, String text, JsonNode format) throws IOException {
        if (!Answers.text(format, "type").orElse("text").equals("json")) {
            return text;
        }
        try {
            String field = Answers.text(format, "subject_token_field_name").orElse("access_token");
            return Answers.text(OciJson.mapper().readTree(text), field)
                    .orElseThrow(() -> new IOException(from + " has no " + field));
        } catch (JacksonException e) {
            // The cause could quote the token.
            throw new IOException(from + " is not valid JSON");
        }
    }
}
