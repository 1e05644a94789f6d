package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Issues and checks bearer tokens (the Docker token protocol: GET with Basic credentials, POST with a form). Tokens are
 * opaque, and expire by the clock that was given. A {@link MiniHttpServer.Handler}, so that it can also live on a
 * server of its own. Safe for all threads.
 */
public final class TokenService implements MiniHttpServer.Handler {
    /** Where the service answers. */
    public static final String PATH = "/token";

    /** Who may do what. */
    @FunctionalInterface
    public interface Grants {
        /**
         * Whether a user may do something.
         *
         * @param user the user, or empty for someone without credentials
         * @param repository the repository, or {@code catalog}
         * @param action {@code pull}, {@code push}, {@code delete} or {@code *}
         */
        boolean allows(String user, String repository, String action);
    }

    private record Issued(List<Scope> scopes, Instant expires) {}

    private final Map<String, String> passwords;
    private final Map<String, String> refreshTokens = new ConcurrentHashMap<>();
    private final Grants grants;
    private final Duration lifetime;
    private final InstantSource clock;
    private final Map<String, Issued> issued = new ConcurrentHashMap<>();
    private final AtomicInteger serial = new AtomicInteger();

    /**
     * A service.
     *
     * @param passwords passwords by user
     * @param grants who may do what; asked when a token is issued
     * @param lifetime how long a token is good
     * @param clock by which it expires
     */
    public TokenService(Map<String, String> passwords, Grants grants, Duration lifetime, InstantSource clock) {
        this.passwords = Map.copyOf(passwords);
        this.grants = grants;
        this.lifetime = lifetime;
        this.clock = clock;
    }

    /** Gives everybody with or without credentials all rights, for five minutes. */
    public static TokenService forAnyone() {
        return new TokenService(
                Map.of(), (user, repository, action) -> true, Duration.ofMinutes(5), InstantSource.system());
    }

    /** Gives one user all rights and others none, for five minutes. */
    public static TokenService forUser(String name, String password) {
        return new TokenService(
                Map.of(name, password),
                (user, repository, action) -> user.equals(name),
                Duration.ofMinutes(5),
                InstantSource.system());
    }

    /** Accepts a refresh token, also called identity token, of a user. */
    public void acceptRefreshToken(String token, String user) {
        refreshTokens.put(token, user);
    }

    /** Makes all tokens worthless. */
    public void revokeAll() {
        issued.clear();
    }

    /** How many tokens were issued so far. */
    public int issuedCount() {
        return serial.get();
    }

    @Override
    public Response handle(Request request, InputStream body) throws IOException {
        boolean post = request.method().equals("POST");
        String form = post ? new String(body.readAllBytes(), StandardCharsets.UTF_8) : request.rawQuery();
        Request fields = new Request("GET", PATH, form, request.headers());
        Optional<String> user = post ? userOfForm(fields) : userOfHeader(request);
        if (user.isEmpty()) {
            return Response.error(401, "UNAUTHORIZED").header("WWW-Authenticate", "Basic realm=\"test\"");
        }
        List<Scope> scopes = Scope.parseAll(fields.queryAll("scope")).stream()
                .map(scope -> granted(user.get(), scope))
                .toList();
        String token = "token-" + serial.incrementAndGet();
        issued.put(token, new Issued(scopes, clock.instant().plus(lifetime)));
        return Response.json(
                        200,
                        "{\"token\":\"%s\",\"access_token\":\"%s\",\"expires_in\":%d,\"issued_at\":\"%s\"}"
                                .formatted(token, token, lifetime.toSeconds(), clock.instant()))
                .header("Cache-Control", "no-store");
    }

    private Scope granted(String user, Scope wanted) {
        String[] actions = wanted.actions().stream()
                .filter(action -> grants.allows(user, wanted.name(), action))
                .toArray(String[]::new);
        return Scope.of(wanted.type(), wanted.name(), actions);
    }

    private Optional<String> userOfHeader(Request request) {
        Optional<String> header = request.header("Authorization");
        if (header.isEmpty()) {
            return Optional.of("");
        }
        return passwords.entrySet().stream()
                .filter(entry -> Access.basic(entry.getKey(), entry.getValue()).equals(header.get()))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private Optional<String> userOfForm(Request fields) {
        String grant = fields.query("grant_type").orElse("");
        if (grant.equals("refresh_token")) {
            return fields.query("refresh_token").map(refreshTokens::get);
        }
        return fields.query("username")
                .filter(user -> grant.equals("password")
                        && fields.query("password").equals(Optional.ofNullable(passwords.get(user))));
    }

    /**
     * Whether the request's token is good for the scope; if not, the challenge's error, which is empty where there was
     * no token.
     */
    Optional<String> refusal(Request request, Scope needed) {
        Optional<String> header = request.header("Authorization").filter(value -> value.startsWith("Bearer "));
        if (header.isEmpty()) {
            return Optional.of("");
        }
        Issued token = issued.get(header.get().substring("Bearer ".length()));
        if (token == null || !clock.instant().isBefore(token.expires())) {
            return Optional.of("invalid_token");
        }
        boolean enough = needed.actions().isEmpty() || token.scopes().stream().anyMatch(scope -> scope.covers(needed));
        return enough ? Optional.empty() : Optional.of("insufficient_scope");
    }
}
