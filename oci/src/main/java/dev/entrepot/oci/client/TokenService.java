package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Fetches tokens: by GET (distribution, "Token Authentication Specification") and by OAuth2 POST ("OAuth2 Token
 * Authentication"). Follows redirects within the token service's own origin only. All failures that are not refusals
 * are outages of the token service.
 */
final class TokenService {
    private static final MediaType FORM = new MediaType("application/x-www-form-urlencoded");
    private static final String CLIENT_ID = "entrepot";
    private static final int MAX_ANSWER_BYTES = 1024 * 1024;
    // More than any server takes in a header field.
    private static final int MAX_TOKEN_CHARACTERS = 16 * 1024;
    private static final Duration DEFAULT_LIFE = Duration.ofSeconds(60);
    private static final Duration LONGEST_LIFE = Duration.ofHours(24);

    private final Calls calls;
    private final SteadyClock clock;

    /** Sends its requests through {@code calls}, which adds no credentials of its own. */
    TokenService(Calls calls, SteadyClock clock) {
        this.calls = calls;
        this.clock = clock;
    }

    /**
     * What is asked for.
     *
     * @param realm where to ask
     * @param service name of the registry there
     * @param scopes what the token must allow; some services look at the first only
     * @param credential who asks; must be meant for this realm
     */
    record Request(URI realm, Optional<String> service, List<Scope> scopes, Optional<Credential> credential) {
        @Override
        public String toString() {
            return "token from " + realm.getHost();
        }
    }

    /**
     * Fetches a token.
     *
     * @throws UnauthorizedException if the service refuses
     * @throws OutageException if it fails, with {@link Reason#TOKEN_SERVICE}, and how as its cause
     */
    Token fetch(Request request) throws IOException {
        try {
            return switch (request.credential().orElse(null)) {
                case null -> get(request, Optional.empty());
                case Credential.UserPassword user -> byPassword(request, user);
                case Credential.IdentityToken identity -> byIdentity(request, identity);
                case Credential.BearerToken bearer ->
                    Token.of(bearer.token(), clock.instant(), clock.instant(), LONGEST_LIFE);
            };
        } catch (OutageException e) {
            throw new OutageException(Reason.TOKEN_SERVICE, String.valueOf(e.getMessage()), e.retryAfter(), e);
        } catch (InvalidContentException e) {
            throw new OutageException(Reason.TOKEN_SERVICE, String.valueOf(e.getMessage()), e);
        }
    }

    private Token byPassword(Request request, Credential.UserPassword user) throws IOException {
        Answer answer = send(getRequest(request, Optional.of(user)));
        if (answer.status() == 404 || answer.status() == 405) {
            answer = send(post(
                    request,
                    List.of(
                            field("grant_type", "password"),
                            field("username", user.username()),
                            field("password", user.password()))));
        }
        return answer.token(request);
    }

    private Token byIdentity(Request request, Credential.IdentityToken identity) throws IOException {
        Answer answer = send(
                post(request, List.of(field("grant_type", "refresh_token"), field("refresh_token", identity.token()))));
        return switch (answer.status()) {
            // The name that docker uses for a secret that is an identity token.
            case 400, 401, 404, 405 ->
                get(request, Optional.of(new Credential.UserPassword("<token>", identity.token())));
            default -> answer.token(request);
        };
    }

    private Token get(Request request, Optional<Credential.UserPassword> user) throws IOException {
        return send(getRequest(request, user)).token(request);
    }

    private ApiRequest getRequest(Request request, Optional<Credential.UserPassword> user) {
        List<String> query = new ArrayList<>();
        request.service().ifPresent(service -> query.add(field("service", service)));
        request.scopes().forEach(scope -> query.add(field("scope", scope.value())));
        query.add(field("client_id", CLIENT_ID));
        user.filter(u -> !u.username().equals("<token>")).ifPresent(u -> query.add(field("account", u.username())));
        String separator = request.realm().getRawQuery() == null ? "?" : "&";
        ApiRequest get = base(request, "GET", URI.create(request.realm() + separator + String.join("&", query)));
        return user.isPresent() ? get.withHeader(ApiRequest.AUTHORIZATION, basic(user.get())) : get;
    }

    private static ApiRequest post(Request request, List<String> grant) {
        List<String> form = new ArrayList<>(grant);
        form.add(field("client_id", CLIENT_ID));
        request.service().ifPresent(service -> form.add(field("service", service)));
        if (!request.scopes().isEmpty()) {
            form.add(field("scope", request.scopes().stream().map(Scope::value).collect(Collectors.joining(" "))));
        }
        byte[] body = String.join("&", form).getBytes(StandardCharsets.UTF_8);
        return base(request, "POST", request.realm())
                .withBody(new RequestBody.Bytes(body, FORM))
                .once();
    }

    private static ApiRequest base(Request request, String method, URI uri) {
        return ApiRequest.of(Operation.TOKEN, "asking for a " + request, method, uri, Priority.INTERACTIVE)
                .withHeader("Accept", "application/json")
                .withRedirects(ApiRequest.Redirects.SAME_ORIGIN)
                .withScopes(request.scopes());
    }

    private static String field(String name, String value) {
        return name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    /** The value of an {@code Authorization} header field (RFC 7617). */
    static String basic(Credential.UserPassword user) {
        byte[] pair = (user.username() + ":" + user.password()).getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(pair);
    }

    private Answer send(ApiRequest request) throws IOException {
        Instant asked = clock.instant();
        return calls.call(request, response -> {
            int status = response.status();
            if (status == 200) {
                return new Answer(status, Optional.of(token(response, asked)));
            }
            if (status >= 400 && status < 500) {
                return new Answer(status, Optional.empty());
            }
            throw calls.errors().outage(response);
        });
    }

    /** A token, or the status of a refusal. */
    private record Answer(int status, Optional<Token> token) {
        Token token(Request request) throws UnauthorizedException {
            return token.orElseThrow(() -> new UnauthorizedException(
                    status == 403 ? 403 : 401,
                    "the token service " + request.realm().getHost() + " answered " + status + " to the request for "
                            + request.scopes()
                            + (request.credential().isPresent() ? "" : ", made without credentials")));
        }
    }

    private Token token(ApiResponse response, Instant asked) throws IOException {
        if (response.isHtml()) {
            throw unusable(response);
        }
        JsonNode root;
        try {
            root = OciJson.mapper().readTree(response.readDocument(MAX_ANSWER_BYTES));
        } catch (JacksonException e) {
            throw unusable(response);
        }
        Optional<String> value = text(root, "token").or(() -> text(root, "access_token"));
        if (value.filter(v -> v.length() > MAX_TOKEN_CHARACTERS).isPresent()) {
            throw new OutageException(
                    Reason.TOKEN_SERVICE,
                    response.request().what() + ": " + response.request().host()
                            + " sent a token that is longer than the limit of " + MAX_TOKEN_CHARACTERS + " characters");
        }
        // What is put into a header field must not break out of it.
        boolean clean =
                value.filter(v -> v.chars().allMatch(c -> c > ' ' && c < 127)).isPresent();
        if (!clean) {
            throw unusable(response);
        }
        return Token.of(value.get(), asked, start(root, asked), life(root));
    }

    // The service's clock may differ from ours: an earlier time of issue is believed within the life of a token, a
    // later one never. It goes by the wall clock, which may have been set since our steady one began.
    private Instant start(JsonNode root, Instant asked) {
        try {
            Instant issued = text(root, "issued_at")
                    .map(Instant::parse)
                    .map(clock::ofWall)
                    .orElse(asked);
            boolean plausible =
                    issued.isBefore(asked) && issued.plus(life(root)).isAfter(asked);
            return plausible ? issued : asked;
        } catch (DateTimeException e) {
            return asked;
        }
    }

    private static Duration life(JsonNode root) {
        JsonNode seconds = root.path("expires_in");
        if (!seconds.isNumber() || seconds.asLong(0) <= 0) {
            return DEFAULT_LIFE;
        }
        return seconds.asLong(0) > LONGEST_LIFE.toSeconds() ? LONGEST_LIFE : Duration.ofSeconds(seconds.asLong(0));
    }

    private static Optional<String> text(JsonNode root, String property) {
        JsonNode value = root.path(property);
        return value.isString() && !value.stringValue().isEmpty() ? Optional.of(value.stringValue()) : Optional.empty();
    }

    private static OutageException unusable(ApiResponse response) {
        return new OutageException(
                Reason.TOKEN_SERVICE,
                response.request().what() + ": " + response.request().host()
                        + " answered with something that is no token");
    }
}
