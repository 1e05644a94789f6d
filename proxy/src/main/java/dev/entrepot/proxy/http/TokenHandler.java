package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Repository;
import io.helidon.http.Header;
import io.helidon.http.Status;
import io.helidon.webserver.http.RoutingRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * Gives out tokens (distribution's token authentication): by GET, as Docker asks for them, and by POST, as OAuth 2
 * clients do. Of the scopes that are asked for, those that are not allowed are left out, and the client learns that
 * when it uses the token.
 */
final class TokenHandler {
    /** Where tokens are given out. */
    static final String PATH = "/token";

    private static final int MAX_FORM_BYTES = 64 * 1024;
    private static final Duration FORM_COMES = Duration.ofSeconds(5);
    private static final int MOST_SCOPES = 100;
    // The second is all that there is to do; of that, only pulling is given.
    private static final Set<String> PULLING = Set.of("pull", "*");
    // 32 MiB, if all of them send all that they may.
    private static final int FORMS_AT_ONCE = 512;
    private static final int FORMS_OF_ONE_CLIENT = 64;

    private final Gate gate;
    private final UpstreamRouter router;
    private final BodyReader forms = new BodyReader(MAX_FORM_BYTES, FORM_COMES, FORMS_AT_ONCE, FORMS_OF_ONE_CLIENT);

    TokenHandler(Gate gate, UpstreamRouter router) {
        this.gate = gate;
        this.router = router;
    }

    /** Answers a request for a token. */
    Reply handle(RoutingRequest request, String query, String host, Approach approach, Exchange exchange)
            throws AccessRefusedException {
        return switch (request.prologue().method().text()) {
            case "GET", "HEAD" ->
                give(gate.identify(approach), QueryParameters.parse(query).all("scope"), host, exchange);
            case "POST" -> post(request, host, approach, exchange);
            default ->
                refuse(Status.METHOD_NOT_ALLOWED_405, "tokens are asked for by GET or POST", ReplyHeaders.ALLOW_TOKENS);
        };
    }

    private Reply post(RoutingRequest request, String host, Approach approach, Exchange exchange)
            throws AccessRefusedException {
        QueryParameters form;
        try {
            byte[] body = forms.read(request);
            exchange.tookBody();
            form = QueryParameters.parse(new String(body, StandardCharsets.UTF_8));
        } catch (BodyReader.RefusedException e) {
            return refuse(Status.create(e.status()), String.valueOf(e.getMessage()));
        } catch (InvalidNameException e) {
            // Its message has the part of the form that is wrong, which may be the password.
            return refuse(Status.BAD_REQUEST_400, "the form cannot be read");
        }
        if (!form.first("grant_type").equals("password")) {
            return refuse(Status.BAD_REQUEST_400, "only grant_type=password is known here");
        }
        Approach named = new Approach(
                Optional.of(basic(form.first("username"), form.first("password"))),
                approach.certificate(),
                approach.address(),
                approach.server());
        return give(gate.identify(named), form.all("scope"), host, exchange);
    }

    private static String basic(String username, String password) {
        byte[] both = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(both);
    }

    private Reply give(Visitor visitor, List<String> parameters, String host, Exchange exchange)
            throws AccessRefusedException {
        exchange.identified(visitor);
        // OAuth 2 has them all in one parameter (RFC 6749 section 3.3), Docker one in each.
        List<String> scopes = parameters.stream()
                .flatMap(parameter -> Arrays.stream(parameter.split(" ", MOST_SCOPES)))
                .toList();
        Set<Repository> wanted = new LinkedHashSet<>();
        for (String scope : scopes.subList(0, Math.min(scopes.size(), MOST_SCOPES))) {
            repository(scope, host).ifPresent(wanted::add);
        }
        Gate.GivenToken token = gate.give(visitor, wanted, scopes.contains("registry:catalog:*"));
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("token", token.text());
        json.put("access_token", token.text());
        json.put("expires_in", token.lasts().toSeconds());
        json.put("issued_at", token.issued().truncatedTo(ChronoUnit.SECONDS).toString());
        return Reply.of(
                Status.OK_200,
                new ArrayList<>(List.of(ReplyHeaders.JSON, ReplyHeaders.NO_STORE)),
                OciJson.mapper().writeValueAsBytes(json),
                Optional.empty());
    }

    /** What {@code repository:NAME:ACTIONS} means here; the name may have a colon. Empty for what cannot be pulled. */
    private Optional<Repository> repository(String scope, String host) {
        int type = scope.indexOf(':');
        int actions = scope.lastIndexOf(':');
        boolean pull = actions > type
                && scope.startsWith("repository:")
                && Arrays.stream(scope.substring(actions + 1).split(",", -1)).anyMatch(PULLING::contains);
        if (!pull) {
            return Optional.empty();
        }
        try {
            RequestedName name = new RequestedName(RequestScope.NONE, scope.substring(type + 1, actions));
            return Optional.of(router.route(name, host).repository());
        } catch (InvalidNameException | NotFoundException e) {
            return Optional.empty();
        }
    }

    private static Reply refuse(Status status, String message, Header... more) {
        return ErrorReplies.error(
                status, status.code() == 400 ? "INVALID_REQUEST" : "UNSUPPORTED", message, Optional.empty(), more);
    }
}
