package dev.entrepot.oci.testing;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * What of Azure gives tokens for container registries, on one server: the token endpoint of the directory
 * {@code the-tenant}, the metadata service of a machine, and the endpoint that containers have. Safe for all threads.
 */
public final class EntraService implements MiniHttpServer.Handler {
    /** The secret of the application {@code the-client}. */
    public static final String CLIENT_SECRET = "client+s3cret/&=";

    /** A token of a Kubernetes cluster that it takes. */
    public static final String ASSERTION = "header.kubernetes-s3cret.signature";

    /** What a container must show. */
    public static final String IDENTITY_HEADER = "identity-s3cret";

    private static final String AUDIENCE = "https://containerregistry.azure.net";

    private final AtomicReference<X509Certificate> trusted = new AtomicReference<>();
    private final AtomicInteger serial = new AtomicInteger();
    private final Set<String> issued = ConcurrentHashMap.newKeySet();
    private final List<String> ways = new CopyOnWriteArrayList<>();

    /** Takes claims that a certificate has signed, too. */
    public EntraService trusting(X509Certificate certificate) {
        trusted.set(certificate);
        return this;
    }

    /** Whether it has given that token. */
    public boolean knows(String token) {
        return issued.contains(token);
    }

    /** How it was asked for tokens, in order. */
    public List<String> ways() {
        return List.copyOf(ways);
    }

    @Override
    public Response handle(Request request, InputStream in) throws IOException {
        String body = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        return switch (request.path()) {
            case "/the-tenant/oauth2/v2.0/token" ->
                application(
                        new Request("GET", "/", body, request.headers()),
                        request.header("Host").orElse(""));
            case "/metadata/identity/oauth2/token" ->
                request.header("Metadata").equals(Optional.of("true"))
                                && request.query("api-version").equals(Optional.of("2018-02-01"))
                        ? machine(request, "machine")
                        : error("invalid_request");
            case "/msi/token" ->
                request.header("X-IDENTITY-HEADER").equals(Optional.of(IDENTITY_HEADER))
                                && request.query("api-version").equals(Optional.of("2019-08-01"))
                        ? machine(request, "container")
                        : Response.of(401);
            default -> Response.of(404);
        };
    }

    private Response application(Request form, String host) {
        boolean right = form.query("grant_type").equals(Optional.of("client_credentials"))
                && form.query("client_id").equals(Optional.of("the-client"))
                && form.query("scope")
                        .filter(scopes -> List.of(scopes.split("[ +]")).contains(AUDIENCE + "/.default"))
                        .isPresent();
        boolean bySecret = form.query("client_secret").equals(Optional.of(CLIENT_SECRET));
        boolean asserted = form.query("client_assertion_type")
                .equals(Optional.of("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        boolean byAssertion = asserted && form.query("client_assertion").equals(Optional.of(ASSERTION));
        boolean byCertificate = asserted
                && !byAssertion
                && isSigned(
                        form.query("client_assertion").orElse(""), "https://" + host + "/the-tenant/oauth2/v2.0/token");
        if (!right
                || Stream.of(bySecret, byAssertion, byCertificate)
                                .filter(by -> by)
                                .count()
                        != 1) {
            return Response.json(401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215\"}");
        }
        return token(bySecret ? "secret" : byAssertion ? "assertion" : "certificate", "3599");
    }

    private boolean isSigned(String jwt, String audience) {
        X509Certificate certificate = trusted.get();
        String[] parts = jwt.split("\\.");
        if (certificate == null || parts.length != 3) {
            return false;
        }
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initVerify(certificate);
            signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            JsonNode header = OciJson.mapper().readTree(Base64.getUrlDecoder().decode(parts[0]));
            JsonNode claims = OciJson.mapper().readTree(Base64.getUrlDecoder().decode(parts[1]));
            byte[] thumbprint = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            return signature.verify(Base64.getUrlDecoder().decode(parts[2]))
                    && header.path("alg").asString("").equals("RS256")
                    && header.path("x5t#S256")
                            .asString("")
                            .equals(Base64.getEncoder().encodeToString(thumbprint))
                    && claims.path("iss").asString("").equals("the-client")
                    && claims.path("sub").asString("").equals("the-client")
                    && claims.path("aud").asString("").equals(audience)
                    && claims.path("exp").asLong() > Instant.now().getEpochSecond();
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private Response machine(Request request, String way) {
        String client = request.query("client_id").map(id -> " " + id).orElse("");
        return request.query("resource").equals(Optional.of(AUDIENCE))
                ? token(way + client, "\"86399\"")
                : error("invalid_resource");
    }

    private Response token(String way, String seconds) {
        String token = "entra-token-" + serial.incrementAndGet();
        issued.add(token);
        ways.add(way);
        // Seconds from now, and seconds since 1970 by the clock of the machine: Microsoft's library wants the latter
        // of machines.
        return Response.json(
                200,
                "{\"access_token\":\"%s\",\"expires_in\":%s,\"expires_on\":\"%d\",\"token_type\":\"Bearer\"}"
                        .formatted(token, seconds, Instant.now().getEpochSecond() + 3599));
    }

    private static Response error(String code) {
        return Response.json(400, "{\"error\":\"" + code + "\"}");
    }
}
