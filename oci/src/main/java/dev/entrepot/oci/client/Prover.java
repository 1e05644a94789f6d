package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gets what a registry wants to see: looks up credentials, and has tokens fetched from the realms that the policy
 * allows.
 */
final class Prover {
    private static final Duration BETWEEN_REREADS = Duration.ofMinutes(1);

    private final RegistryEndpoint endpoint;
    private final AddressPolicy addresses;
    private final RealmPolicy realms;
    private final TokenService service;
    private final TokenStore tokens;
    private final SteadyClock clock;
    private final ReentrantLock rereading = new ReentrantLock();
    // Under the lock.
    private long rereadAtMillis = Long.MIN_VALUE / 2;

    /**
     * For an endpoint.
     *
     * @param tokenBytes how much memory the tokens that are kept may take, about
     */
    Prover(
            RegistryEndpoint endpoint,
            AddressPolicy addresses,
            TokenService service,
            SteadyClock clock,
            long tokenBytes) {
        this.endpoint = endpoint;
        this.addresses = addresses;
        this.realms = new RealmPolicy(endpoint);
        this.service = service;
        this.tokens = new TokenStore(
                clock,
                endpoint.connectTimeout().plus(endpoint.progressTimeout()).multipliedBy(2),
                tokenBytes);
        this.clock = clock;
    }

    /**
     * The proof for a request, by a scheme. {@link Proof.Nothing} if there is no credential that fits the scheme.
     *
     * @param moreScopes what a token must allow besides the scopes of the request
     * @throws UnauthorizedException if the token service refuses, or may not be asked
     * @throws OutageException if the token service fails, or the credentials cannot be read
     */
    Proof prove(ApiRequest request, AuthScheme scheme, List<Scope> moreScopes) throws IOException {
        return switch (scheme) {
            case AuthScheme.Unknown unknown -> new Proof.Nothing();
            case AuthScheme.Basic basic ->
                switch (credential(request).orElse(null)) {
                    case Credential.UserPassword user -> new Proof.Password(user);
                    case Credential.BearerToken token -> new Proof.Given(token);
                    case Credential.IdentityToken identity -> new Proof.Nothing();
                    case null -> new Proof.Nothing();
                };
            case AuthScheme.Bearer bearer -> {
                Optional<Credential> credential = credential(request);
                yield credential.orElse(null) instanceof Credential.BearerToken token
                        ? new Proof.Given(token)
                        : token(request, bearer, credential, moreScopes);
            }
        };
    }

    /**
     * Forgets a proof of a request that was refused; false if the same would be offered again.
     *
     * @throws OutageException if the credentials cannot be read
     */
    boolean forget(ApiRequest request, Proof refused) throws RegistryException {
        return switch (refused) {
            case Proof.Nothing nothing -> true;
            case Proof.Given given -> rereadCredentials() || isAnother(request, given.token());
            case Proof.Password password -> rereadCredentials() || isAnother(request, password.user());
            case Proof.Fetched fetched -> {
                // What it was fetched with was not refused; where that is over, the token service says so to it.
                tokens.forget(fetched.key(), fetched.token());
                yield true;
            }
        };
    }

    /** Whether the source of a password that was refused gives another one by now. */
    boolean hasAnother(ApiRequest request, Proof refused) throws RegistryException {
        return refused instanceof Proof.Password(Credential.UserPassword user) && isAnother(request, user);
    }

    /** Forgets all tokens, so that the token service has its say before the next request that needs one. */
    void forgetTokens() {
        tokens.forgetAll();
    }

    /** Has the source read its credentials anew, at most once a minute: a helper program may be slow. */
    private boolean rereadCredentials() {
        rereading.lock();
        try {
            long now = clock.millis();
            if (now - rereadAtMillis < BETWEEN_REREADS.toMillis()) {
                return false;
            }
            rereadAtMillis = now;
            endpoint.credentials().refused(endpoint.registry());
            return true;
        } finally {
            rereading.unlock();
        }
    }

    // Of many requests that are refused together at a password's end one has it read anew; the others go on with what
    // that gave.
    private boolean isAnother(ApiRequest request, Credential refused) throws RegistryException {
        return credential(request).filter(now -> !now.equals(refused)).isPresent();
    }

    /**
     * Called where credentials were refused in the end: nobody is denied anything for that, if they may be over and
     * their source fails.
     *
     * @throws OutageException if it is so
     */
    void refuseInDoubt(ApiRequest request, int status) throws OutageException {
        Optional<IOException> doubt = endpoint.credentials().doubt();
        if (doubt.isPresent()) {
            throw new OutageException(
                    Reason.NOT_ASKED,
                    request.what() + ": the credentials for " + endpoint.registry() + " are refused (" + status
                            + "), and there are no others now: " + doubt.get().getMessage(),
                    doubt.get());
        }
    }

    private Optional<Credential> credential(ApiRequest request) throws RegistryException {
        try {
            return request.repository().isPresent()
                    ? endpoint.credentials().credential(request.repository().get())
                    : endpoint.credentials().credential(endpoint.registry());
        } catch (RegistryException e) {
            throw e;
        } catch (IOException e) {
            throw new OutageException(
                    Reason.NOT_ASKED,
                    request.what() + ": the credentials for " + endpoint.registry() + " cannot be read: "
                            + e.getMessage(),
                    e);
        }
    }

    private Proof token(
            ApiRequest request, AuthScheme.Bearer bearer, Optional<Credential> credential, List<Scope> moreScopes)
            throws IOException {
        URI realm = allowedRealm(request, bearer.realm(), credential.isPresent());
        List<Scope> scopes = new ArrayList<>(request.scopes());
        moreScopes.stream().filter(scope -> !scopes.contains(scope)).forEach(scopes::add);
        try {
            return fetched(new TokenService.Request(realm, bearer.service(), scopes, credential));
        } catch (UnauthorizedException e) {
            // GitHub's and GitLab's say 403 to a password that is over.
            Optional<Credential> another =
                    credential.isPresent() ? another(request, credential.get()) : Optional.empty();
            if (another.isEmpty()) {
                if (credential.isPresent()) {
                    refuseInDoubt(request, e.status());
                }
                throw e;
            }
            return another.get() instanceof Credential.BearerToken token
                    ? new Proof.Given(token)
                    : fetched(new TokenService.Request(realm, bearer.service(), scopes, another));
        }
    }

    private Proof fetched(TokenService.Request ask) throws IOException {
        TokenKey key = TokenKey.of(endpoint.registry(), ask.credential(), ask.realm(), ask.service(), ask.scopes());
        return new Proof.Fetched(key, tokens.get(key, () -> service.fetch(ask)));
    }

    // The registry never sees a credential that is for its token service, and cannot tell that it is over.
    private Optional<Credential> another(ApiRequest request, Credential refused) throws RegistryException {
        rereadCredentials();
        return credential(request).filter(now -> !now.equals(refused));
    }

    private URI allowedRealm(ApiRequest request, String realm, boolean withCredentials) throws UnauthorizedException {
        switch (realms.judge(realm)) {
            case RealmPolicy.Verdict.Refused(String reason) -> throw notAsked(request, reason);
            case RealmPolicy.Verdict.Trusted(URI uri) -> {
                return checked(request, uri);
            }
            case RealmPolicy.Verdict.AnonymousOnly(URI uri) -> {
                if (withCredentials) {
                    throw new UnauthorizedException(
                            401,
                            request.what() + ": the credentials for " + endpoint.registry()
                                    + " are not sent to the token service " + uri.getHost()
                                    + ", which is not of the registry's domain;"
                                    + " if it is the right one, name it under token-realms of the upstream");
                }
                return checked(request, uri);
            }
        }
    }

    private URI checked(ApiRequest request, URI realm) throws UnauthorizedException {
        try {
            addresses.checkLiteral(realm.getHost());
            return realm;
        } catch (ForbiddenAddressException e) {
            throw notAsked(request, String.valueOf(e.getMessage()));
        }
    }

    private UnauthorizedException notAsked(ApiRequest request, String reason) {
        return new UnauthorizedException(
                401,
                request.what() + ": the token service of " + endpoint.baseUrl().getHost() + " is not asked: " + reason);
    }
}
