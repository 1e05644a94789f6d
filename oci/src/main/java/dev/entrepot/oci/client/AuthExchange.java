package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Adds credentials to requests for the registry's own origin, as its challenges ask for them. The last scheme is
 * remembered, so that later requests carry a token at once. A request is sent at most three times: with what is
 * remembered, without anything where that was refused in a way that does not say how to go on, and with fresh proof.
 */
final class AuthExchange implements Exchange {
    // A refusal without a challenge can mean that a token has expired (ECR: 403, ECR Public: 400), which one younger
    // than this has not.
    private static final Duration SURELY_ALIVE = Duration.ofMinutes(1);

    private static final Duration BETWEEN_OFFERS = Duration.ofMinutes(1);
    private static final int MOST_REFUSALS = 1000;

    private final Exchange next;
    private final Origin origin;
    private final Prover prover;
    private final SteadyClock clock;
    private final Cache<Attempt, Refusal> refusedTokens = Caffeine.newBuilder()
            .maximumSize(MOST_REFUSALS)
            .executor(Runnable::run)
            .build();
    private volatile AuthScheme remembered = new AuthScheme.Unknown();

    /** A password that the registry refused because it wants a token, and what that was to allow. */
    private record Attempt(Proof refused, List<Scope> scopes) {}

    /** What the token service said to it, which those who are told of it only read. */
    private record Refusal(UnauthorizedException reason, Instant at) {}

    /**
     * Adds credentials to requests for {@code origin}.
     *
     * @param next sends the requests, following redirects
     */
    AuthExchange(Exchange next, Origin origin, Prover prover, SteadyClock clock) {
        this.next = next;
        this.origin = origin;
        this.prover = prover;
        this.clock = clock;
    }

    /**
     * How the registry wanted to be shown who is asking when it last asked: {@code bearer}, {@code basic} or
     * {@code none}.
     */
    String scheme() {
        return switch (remembered) {
            case AuthScheme.Unknown unknown -> "none";
            case AuthScheme.Basic basic -> "basic";
            case AuthScheme.Bearer bearer -> "bearer";
        };
    }

    /** Forgets all tokens. */
    void forgetTokens() {
        prover.forgetTokens();
    }

    /** Whether the registry has asked to be shown who is asking. */
    boolean isAskedFor() {
        return !(remembered instanceof AuthScheme.Unknown);
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        if (!Origin.of(request.uri()).equals(origin)) {
            return next.send(request);
        }
        Proof proof = rememberedProof(request);
        ApiResponse response = next.send(proof.on(request));
        if (!isFromRegistry(response) || !isRefused(response, proof)) {
            return response;
        }
        // A token service may let wait for long, and an open answer holds a slot of the registry's.
        ApiResponse last = proveAnew(request, response.detached(), proof);
        if (proof instanceof Proof.Password && (last.status() == 401 || last.status() == 403)) {
            try {
                prover.refuseInDoubt(request, last.status());
            } catch (OutageException e) {
                last.close();
                throw e;
            }
        }
        return last;
    }

    private Proof rememberedProof(ApiRequest request) throws IOException {
        try {
            return prover.prove(request, remembered, List.of());
        } catch (UnauthorizedException e) {
            // The registry itself has not refused yet; it may no longer ask for a token.
            return new Proof.Nothing();
        }
    }

    private boolean isFromRegistry(ApiResponse response) {
        return Origin.of(response.uri()).equals(origin);
    }

    private boolean isRefused(ApiResponse response, Proof proof) {
        boolean unchallenged = response.headers("WWW-Authenticate").isEmpty();
        // ECR Public says so to every HEAD of a blob, which no other token would change.
        boolean ofHead = unchallenged && response.request().method().equals("HEAD");
        if (response.status() == 401 && !(ofHead && proof instanceof Proof.Fetched)) {
            return true;
        }
        boolean silent =
                response.status() == 401 || response.status() == 403 || response.status() == 400 && unchallenged;
        return silent
                && switch (proof) {
                    case Proof.Nothing nothing -> false;
                    case Proof.Given given -> false;
                    case Proof.Password password -> response.status() == 403;
                    case Proof.Fetched fetched ->
                        fetched.token().askedAt().isBefore(clock.instant().minus(SURELY_ALIVE));
                };
    }

    private ApiResponse proveAnew(ApiRequest request, ApiResponse refusal, Proof refused) throws IOException {
        List<Challenge> challenges = Challenge.parse(refusal.headers("WWW-Authenticate"));
        boolean otherwiseAsked = asksForATokenInstead(challenges, refused);
        if (!otherwiseAsked && !prover.forget(request, refused)) {
            return refusal;
        }
        if (otherwiseAsked) {
            throwIfJustRefused(request, new Attempt(refused, request.scopes()));
        }
        if (saysHowToGoOn(challenges, refused)) {
            return answer(request, refusal, challenges, refused);
        }
        if (request.body() instanceof RequestBody.Stream) {
            // Too much to send for a question; the scheme is known from the request that opened the session.
            return retry(request, refusal, prover.prove(request, remembered, List.of()), refused);
        }
        ApiResponse response = next.send(request);
        if (response.status() != 401 || !isFromRegistry(response)) {
            return response;
        }
        return answer(request, response.detached(), Challenge.parse(response.headers("WWW-Authenticate")), refused);
    }

    private ApiResponse answer(ApiRequest request, ApiResponse refusal, List<Challenge> challenges, Proof refused)
            throws IOException {
        AuthScheme scheme = AuthScheme.of(challenges);
        Proof fresh;
        try {
            fresh = prover.prove(request, scheme, RedirectedScopes.of(request, refusal.uri(), challenges));
        } catch (UnauthorizedException e) {
            if (asksForATokenInstead(challenges, refused)) {
                refusedTokens.put(new Attempt(refused, request.scopes()), new Refusal(e, clock.instant()));
            }
            throw e;
        }
        remembered = scheme;
        return retry(request, refusal, fresh, refused);
    }

    // Whether the password was refused for the way in which it was shown, as by a registry that wants tokens for some
    // repositories only, or from now on.
    private static boolean asksForATokenInstead(List<Challenge> challenges, Proof refused) {
        return refused instanceof Proof.Password && AuthScheme.of(challenges) instanceof AuthScheme.Bearer;
    }

    // A wrong password is not offered to a token service each time that the registry has refused it. One that has come
    // in its place since is.
    private void throwIfJustRefused(ApiRequest request, Attempt attempt) throws RegistryException {
        Refusal last = refusedTokens.getIfPresent(attempt);
        if (last != null
                && clock.instant().isBefore(last.at().plus(BETWEEN_OFFERS))
                && !prover.hasAnother(request, attempt.refused())) {
            throw last.reason();
        }
    }

    private ApiResponse retry(ApiRequest request, ApiResponse refusal, Proof fresh, Proof refused) throws IOException {
        if (fresh instanceof Proof.Nothing || fresh.equals(refused)) {
            return refusal;
        }
        return next.send(fresh.on(request));
    }

    // After a token's end nvcr.io names a realm that answers only to credentials: another realm than before is not
    // followed, but asked for by a request without a token.
    private static boolean saysHowToGoOn(List<Challenge> challenges, Proof refused) {
        return switch (refused) {
            case Proof.Nothing nothing -> true;
            case Proof.Password password -> !challenges.isEmpty();
            case Proof.Given given -> !challenges.isEmpty();
            case Proof.Fetched fetched ->
                AuthScheme.of(challenges) instanceof AuthScheme.Bearer bearer
                        && bearer.realm().strip().equals(fetched.key().realm().toString());
        };
    }
}
