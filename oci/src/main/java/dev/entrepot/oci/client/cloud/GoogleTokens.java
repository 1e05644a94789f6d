package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.RenewedCredentials.Issued;
import dev.entrepot.oci.client.RenewedCredentials.Issuer;
import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Access tokens of Google, the password of the user {@code oauth2accesstoken}. From a file of credentials, the one that is configured, that
 * {@code GOOGLE_APPLICATION_CREDENTIALS} names, or that {@code gcloud auth application-default login} has written; without any, from the
 * metadata server, which on GKE is that of the workload.
 */
final class GoogleTokens implements Issuer {
    static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

    private static final String USER = "oauth2accesstoken";
    private static final String OAUTH = "https://oauth2.googleapis.com/token";
    private static final String METADATA = "metadata.google.internal";

    private final ServiceClient services;
    private final Optional<Path> keyFile;
    private final ClientEnvironment environment;

    GoogleTokens(ServiceClient services, Optional<Path> keyFile, ClientEnvironment environment) {
        this.services = services;
        this.keyFile = keyFile;
        this.environment = environment;
    }

    /** An access token on its way. */
    record AccessToken(String value, Instant end) {
        @Override
        public String toString() {
            return "AccessToken[" + end + "]";
        }
    }

    @Override
    public Issued issue() throws IOException {
        Optional<Path> file = file();
        AccessToken token = file.isPresent() ? byFile(file.get()) : byMetadata();
        return new Issued(new Credential.UserPassword(USER, token.value()), token.end());
    }

    private Optional<Path> file() {
        if (keyFile.isPresent()) {
            return keyFile;
        }
        String named = environment.variables().getOrDefault("GOOGLE_APPLICATION_CREDENTIALS", "");
        if (!named.isEmpty()) {
            return Optional.of(Path.of(named));
        }
        String gcloud = environment.variables().getOrDefault("CLOUDSDK_CONFIG", "");
        Path folder = gcloud.isEmpty()
                ? Path.of(environment.variables().getOrDefault("HOME", "/"), ".config", "gcloud")
                : Path.of(gcloud);
        return Optional.of(folder.resolve("application_default_credentials.json"))
                .filter(Files::isRegularFile);
    }

    private AccessToken byFile(Path file) throws IOException {
        JsonNode key = json(file);
        String type = Answers.text(key, "type").orElse("");
        return switch (type) {
            case "service_account" -> byServiceAccount(file, key);
            case "authorized_user" -> byUser(file, key);
            case "external_account" -> new GoogleFederation(services, environment).token(file, key);
            default ->
                throw new IOException(file
                        + " holds no Google credentials of type service_account, authorized_user or external_account");
        };
    }

    private static JsonNode json(Path file) throws IOException {
        try {
            return OciJson.mapper().readTree(Answers.file(file));
        } catch (JacksonException e) {
            // The cause could quote the file.
            throw new IOException(file + " is not valid JSON");
        }
    }

    // RFC 7523: a claim, signed with the account's key, for a token.
    private AccessToken byServiceAccount(Path file, JsonNode key) throws IOException {
        String service = Answers.text(key, "token_uri").orElse(OAUTH);
        Instant now = environment.clock().instant();
        String claims = OciJson.mapper()
                .createObjectNode()
                .put("iss", required(file, key, "client_email"))
                .put("scope", SCOPE)
                .put("aud", service)
                .put("iat", now.getEpochSecond())
                .put("exp", now.getEpochSecond() + 3600)
                .toString();
        String assertion =
                new RsaKey(file, required(file, key, "private_key")).jwt(Answers.text(key, "private_key_id"), claims);
        return ask(
                file,
                service,
                new Form()
                        .with("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                        .with("assertion", assertion));
    }

    private AccessToken byUser(Path file, JsonNode key) throws IOException {
        return ask(
                file,
                Answers.text(key, "token_uri").orElse(OAUTH),
                new Form()
                        .with("grant_type", "refresh_token")
                        .with("client_id", required(file, key, "client_id"))
                        .with("client_secret", required(file, key, "client_secret"))
                        .with("refresh_token", required(file, key, "refresh_token")));
    }

    private AccessToken ask(Path file, String service, Form form) throws IOException {
        ServiceRequest request =
                form.on(ServiceRequest.of("asking Google for an access token", "POST", url(file, service)));
        return read(services, request, environment.clock().instant());
    }

    /** Asks for {@code {"access_token", "expires_in"}}. */
    static AccessToken read(ServiceClient services, ServiceRequest request, Instant asked) throws IOException {
        JsonNode answer = services.json(request);
        return new AccessToken(
                Answers.token(request, answer, "access_token"), Answers.endOf(answer.path("expires_in"), asked));
    }

    private AccessToken byMetadata() throws IOException {
        String host = environment.variables().getOrDefault("GCE_METADATA_HOST", "");
        URI url;
        try {
            url = URI.create("http://" + (host.isEmpty() ? METADATA : host)
                    + "/computeMetadata/v1/instance/service-accounts/default/token");
        } catch (IllegalArgumentException e) {
            throw new IOException("GCE_METADATA_HOST is no host");
        }
        ServiceRequest request = ServiceRequest.of(
                        "asking the metadata server for a Google access token, since there is no file of credentials",
                        "GET",
                        url)
                .with("Metadata-Flavor", "Google")
                .directly();
        return read(services, request, environment.clock().instant());
    }

    /** A property of a file of credentials. */
    static String required(Path file, JsonNode key, String property) throws IOException {
        return Answers.text(key, property).orElseThrow(() -> new IOException(file + " has no " + property));
    }

    /** A URL of a file of credentials: secrets go there, so it is HTTPS unless it is on this machine. */
    static URI url(Path file, String text) throws IOException {
        try {
            URI url = URI.create(text);
            String host = String.valueOf(url.getHost());
            boolean near = host.equals("localhost") || host.equals("127.0.0.1") || host.equals("169.254.169.254");
            if ("https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme()) && near) {
                return url;
            }
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " names something that is no URL");
        }
        throw new IOException(file + " names a service that is not https");
    }
}
