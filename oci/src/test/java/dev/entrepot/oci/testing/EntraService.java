package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What of Azure gives tokens for container registries, on one server: the token endpoint of the directory {@code
 * the-tenant}, the metadata service of a machine, and the endpoint that containers have. Safe for all threads.
 */
public final class EntraService implements MiniHttpServer.Handler {
    /** The secret of the application {@code the-client}. */
    public static final String CLIENT_SECRET = "client+s3cret/&=";

    /** A token of a Kubernetes cluster that it takes. */
    public static final String ASSERTION = "header.kubernetes-s3cret.signature";

    /** What a container must show. */
    public static final String IDENTITY_HEADER = "identity-s3cret";

    private static final String AUDIENCE = "https://containerregistry.azure.net";

    private final AtomicInteger serial = new AtomicInteger();
    private final Set<String> issued = ConcurrentHashMap.newKeySet();
    private final List<String> ways = new CopyOnWriteArrayList<>();

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
            case "/the-tenant/oauth2/v2.0/token" -> application(new Request("GET", "/", body, request.headers()));
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

    private Response application(Request form) {
        boolean right = form.query("grant_type").equals(Optional.of("client_credentials"))
                && form.query("client_id").equals(Optional.of("the-client"))
                && form.query("scope")
                        .filter(scopes -> List.of(scopes.split("[ +]")).contains(AUDIENCE + "/.default"))
                        .isPresent();
        boolean bySecret = form.query("client_secret").equals(Optional.of(CLIENT_SECRET));
        boolean byAssertion = form.query("client_assertion").equals(Optional.of(ASSERTION))
                && form.query("client_assertion_type")
                        .equals(Optional.of("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        if (!right || bySecret == byAssertion) {
            return Response.json(401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215\"}");
        }
        return token(bySecret ? "secret" : "assertion", "3599");
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
