package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/**
 * The token service of an Azure container registry, under {@code /oauth2/} of the registry itself: it exchanges tokens
 * of Microsoft Entra for refresh tokens, and those for access tokens. A password by POST is refused with 400, as there.
 * Safe for all threads.
 */
public final class AcrService implements MiniHttpServer.Handler {
    private static final Duration REFRESH_LIFE = Duration.ofHours(3);

    private final EntraService entra;
    private final String service;
    private final UnaryOperator<String> tokens;
    private final InstantSource clock;
    private final Map<String, Boolean> refreshTokens = new ConcurrentHashMap<>();
    private final AtomicInteger exchanges = new AtomicInteger();

    /**
     * A token service.
     *
     * @param entra whose tokens it takes
     * @param service what the registry is called
     * @param tokens issues an access token for a scope
     */
    public AcrService(EntraService entra, String service, UnaryOperator<String> tokens, InstantSource clock) {
        this.entra = entra;
        this.service = service;
        this.tokens = tokens;
        this.clock = clock;
    }

    /** How many refresh tokens it gave. */
    public int exchanges() {
        return exchanges.get();
    }

    @Override
    public Response handle(Request request, InputStream in) throws IOException {
        byte[] body = in.readAllBytes();
        Request form = new Request("GET", "/", new String(body, StandardCharsets.UTF_8), request.headers());
        boolean right = request.method().equals("POST") && form.query("service").equals(Optional.of(service));
        if (!right) {
            return error();
        }
        return switch (request.path()) {
            case "/oauth2/exchange" -> exchange(form);
            case "/oauth2/token" -> token(form);
            default -> Response.of(404);
        };
    }

    private Response exchange(Request form) {
        boolean right = form.query("grant_type").equals(Optional.of("access_token"))
                && form.query("access_token").filter(entra::knows).isPresent();
        if (!right) {
            return Response.json(401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}");
        }
        String claims = "{\"jti\":\"" + exchanges.incrementAndGet() + "\",\"exp\":"
                + clock.instant().plus(REFRESH_LIFE).getEpochSecond() + "}";
        String jwt =
                "e30." + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8))
                        + ".c2ln";
        refreshTokens.put(jwt, true);
        return Response.json(200, "{\"refresh_token\":\"" + jwt + "\"}");
    }

    private Response token(Request form) {
        boolean right = form.query("grant_type").equals(Optional.of("refresh_token"))
                && form.query("refresh_token")
                        .filter(refreshTokens::containsKey)
                        .isPresent();
        if (!right) {
            return error();
        }
        // There is no "token" and no "expires_in" here.
        String scope = form.query("scope").orElse("");
        return Response.json(200, "{\"access_token\":\"" + tokens.apply(scope) + "\"}");
    }

    private static Response error() {
        return Response.error(400, "UNSUPPORTED");
    }
}
