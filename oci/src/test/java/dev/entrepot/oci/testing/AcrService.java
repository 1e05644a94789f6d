package dev.entrepot.oci.testing;

import java.io.ByteArrayInputStream;
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

/**
 * The token service of an Azure container registry, under {@code /oauth2/} of the registry itself: it exchanges tokens of Microsoft Entra for
 * refresh tokens, and those for access tokens. A password by POST is refused with 400, as there. Safe for all threads.
 */
public final class AcrService implements MiniHttpServer.Handler {
    private static final Duration REFRESH_LIFE = Duration.ofHours(3);

    private final EntraService entra;
    private final String service;
    private final TokenService tokens;
    private final InstantSource clock;
    private final Map<String, Boolean> refreshTokens = new ConcurrentHashMap<>();
    private final AtomicInteger exchanges = new AtomicInteger();

    /**
     * A token service.
     *
     * @param entra whose tokens it takes
     * @param service what the registry is called
     * @param tokens issues the access tokens, for the user {@code robot}
     */
    public AcrService(EntraService entra, String service, TokenService tokens, InstantSource clock) {
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
            case "/oauth2/token" -> token(request, form, body);
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
        tokens.acceptRefreshToken(jwt, "robot");
        return Response.json(200, "{\"refresh_token\":\"" + jwt + "\"}");
    }

    private Response token(Request request, Request form, byte[] body) throws IOException {
        boolean right = form.query("grant_type").equals(Optional.of("refresh_token"))
                && form.query("refresh_token")
                        .filter(refreshTokens::containsKey)
                        .isPresent();
        if (!right) {
            return error();
        }
        Response answer = tokens.handle(request, new ByteArrayInputStream(body));
        // There is no "token" and no "expires_in" here.
        String access = new String(answer.body().bytes(), StandardCharsets.UTF_8)
                .replaceAll(".*\"access_token\":\"([^\"]+)\".*", "$1");
        return Response.json(answer.status(), "{\"access_token\":\"" + access + "\"}");
    }

    private static Response error() {
        return Response.error(400, "UNSUPPORTED");
    }
}
