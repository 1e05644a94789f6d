package dev.entrepot.proxy.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.Visitor;
import java.io.IOException;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Finds out who a JSON Web Token is for: one of ours, or of an identity provider. What was believed is remembered until
 * it expires, for ten minutes at most. Safe for all threads.
 */
final class JsonWebTokens {
    private static final int MAX_CHARACTERS = 32 * 1024;
    private static final int REMEMBERED = 10_000;
    // Then the provider's keys are asked again: one that was taken out of its set is good no longer.
    private static final Duration REMEMBERED_FOR = Duration.ofMinutes(10);
    private static final Duration UNDECIDED = Duration.ofSeconds(5);

    private final Optional<OwnTokens> own;
    private final List<IdentityProvider> providers;
    private final CredentialKey.Maker keys;
    private final InstantSource clock;
    private final Cache<CredentialKey, IdentityProvider.Believed> believed;

    /**
     * Tokens of ours and of these providers.
     *
     * @param secret 32 random bytes
     */
    JsonWebTokens(
            Optional<OwnTokens> own,
            List<IdentityProvider> providers,
            byte[] secret,
            InstantSource clock,
            LongSupplier nanoClock) {
        this.own = own;
        this.providers = List.copyOf(providers);
        this.keys = new CredentialKey.Maker(secret);
        this.clock = clock;
        this.believed = Caffeine.newBuilder()
                .maximumSize(REMEMBERED)
                .expireAfterWrite(REMEMBERED_FOR)
                .ticker(nanoClock::getAsLong)
                .build();
    }

    /** Whether a text has the shape of such a token, which hardly a password has. */
    static boolean hasShape(String text) {
        int first = text.indexOf('.');
        int last = text.lastIndexOf('.');
        return text.startsWith("eyJ") && first > 0 && text.indexOf('.', first + 1) == last && last > first;
    }

    /**
     * Who a token is for.
     *
     * @param providersOnly whether only those of identity providers count
     * @return empty if it is not to be believed
     * @throws AccessRefusedException if that cannot be found out now, or it names too many groups
     */
    Optional<Visitor> visitor(String token, boolean providersOnly) throws AccessRefusedException {
        if (token.length() > MAX_CHARACTERS || !hasShape(token)) {
            return Optional.empty();
        }
        CredentialKey key = keys.of(token);
        IdentityProvider.Believed known = believed.getIfPresent(key);
        Optional<IdentityProvider.Believed> found = known != null ? Optional.of(known) : believe(token);
        if (known == null) {
            found.ifPresent(fresh -> believed.put(key, fresh));
        }
        Instant now = clock.instant();
        return found.filter(entry -> entry.expires().isAfter(now))
                .map(IdentityProvider.Believed::visitor)
                .filter(visitor -> !providersOnly || visitor.scope().isEmpty());
    }

    private Optional<IdentityProvider.Believed> believe(String token) throws AccessRefusedException {
        try {
            SignedJWT parsed = SignedJWT.parse(token);
            JWTClaimsSet claims = parsed.getJWTClaimsSet();
            if (own.isPresent() && own.get().issuer().equals(claims.getIssuer())) {
                return own.get()
                        .read(parsed)
                        .map(read -> new IdentityProvider.Believed(read.visitor(), read.expires()));
            }
            for (IdentityProvider provider : providers) {
                if (provider.isFor(claims)) {
                    return provider.believe(parsed, claims);
                }
            }
            return Optional.empty();
        } catch (ParseException | IllegalArgumentException e) {
            return Optional.empty();
        } catch (AccessRefusedException e) {
            throw e;
        } catch (IOException e) {
            throw AccessRefusedException.undecided(String.valueOf(e.getMessage()), UNDECIDED);
        }
    }
}
