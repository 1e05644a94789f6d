package dev.entrepot.proxy;

import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Response;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A token service with habits, and the door of the registry that takes its tokens. Rights that were not asked for, or
 * are not to be had, are left out of a token without a word.
 */
final class SimulatedTokens implements MiniHttpServer.Handler, Access.Door {
    private final String repository;
    private final AtomicInteger serial = new AtomicInteger();
    private final Map<String, List<String>> live = new ConcurrentHashMap<>();
    private final Set<String> expired = ConcurrentHashMap.newKeySet();
    private Function<String, String> challenge = error -> "";
    private Function<String, String> answer = token -> "";
    private Predicate<Request> customer = request -> true;
    private Supplier<Response> ofExpired = () -> unauthorized("invalid_token");

    SimulatedTokens(String repository) {
        this.repository = repository;
    }

    /** The parameters of its challenge, for an error that may be empty. */
    SimulatedTokens challenging(Function<String, String> parameters) {
        challenge = parameters;
        return this;
    }

    /** Its answer with a token. */
    SimulatedTokens answering(Function<String, String> json) {
        answer = json;
        return this;
    }

    /** To whom it gives tokens. */
    SimulatedTokens to(Predicate<Request> whom) {
        customer = whom;
        return this;
    }

    /** What the registry says to a token that has expired. */
    SimulatedTokens whenExpired(Supplier<Response> what) {
        ofExpired = what;
        return this;
    }

    /** Ends the life of all tokens. */
    void expire() {
        expired.addAll(live.keySet());
        live.clear();
    }

    int issued() {
        return serial.get();
    }

    /** A token for scopes. */
    String issue(List<String> scopes) {
        String token = "token-" + serial.incrementAndGet();
        live.put(token, scopes);
        return token;
    }

    @Override
    public Response handle(Request request, InputStream body) {
        return customer.test(request)
                ? Response.json(200, answer.apply(issue(request.queryAll("scope"))))
                : Response.error(403, "DENIED");
    }

    @Override
    public Optional<Response> refusal(Request request) {
        String token = request.header("Authorization").orElse("").replaceFirst("^Bearer ", "");
        if (expired.contains(token)) {
            return Optional.of(ofExpired.get());
        }
        List<String> scopes = live.get(token);
        if (scopes == null) {
            return Optional.of(unauthorized(""));
        }
        boolean enough = request.path().equals("/v2/")
                || scopes.stream().anyMatch(("repository:" + repository + ":pull")::equals);
        return enough ? Optional.empty() : Optional.of(unauthorized("insufficient_scope"));
    }

    Response unauthorized(String error) {
        return Response.error(401, "UNAUTHORIZED").header("WWW-Authenticate", "Bearer " + challenge.apply(error));
    }
}
