package dev.entrepot.proxy.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.entrepot.config.IdentityProviderConfig;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.Visitor;
import java.io.IOException;
import java.math.BigInteger;
import java.net.http.HttpClient;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Believes the JSON Web Tokens of one identity provider: signed by one of its keys with RS256, ES256 or EdDSA, for one
 * of our audiences, and neither too old nor too young by more than a minute. {@code alg: none} and whatever is signed
 * with a shared secret are refused. Safe for all threads.
 */
final class IdentityProvider {
    private static final Set<JWSAlgorithm> ALGORITHMS =
            Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256, JWSAlgorithm.EdDSA, JWSAlgorithm.Ed25519);
    private static final Duration SKEW = Duration.ofMinutes(1);
    private static final int LEAST_RSA_BITS = 2048;
    private static final int MOST_GROUPS = 1000;

    private final IdentityProviderConfig config;
    private final ProviderKeys keys;
    private final InstantSource clock;

    IdentityProvider(IdentityProviderConfig config, HttpClient http, InstantSource clock, LongSupplier nanoClock) {
        this.config = config;
        this.keys = new ProviderKeys(config.issuer(), config.keys(), http, nanoClock);
        this.clock = clock;
    }

    /** Who a token is for, and until when. */
    record Believed(Visitor visitor, Instant expires) {}

    /** Whether a token says that it is of this provider, and for one of our audiences. */
    boolean isFor(JWTClaimsSet claims) {
        return config.issuer().toString().equals(claims.getIssuer())
                && claims.getAudience().stream().anyMatch(config.audiences()::contains);
    }

    /**
     * Who a token is for.
     *
     * @return empty if the token is not to be believed
     * @throws AccessRefusedException if it names more groups than are looked at: a rule that denies may be about any
     * @throws IOException if the provider's keys cannot be had
     */
    Optional<Believed> believe(SignedJWT token, JWTClaimsSet claims) throws IOException {
        Date expires = claims.getExpirationTime();
        if (!ALGORITHMS.contains(token.getHeader().getAlgorithm()) || expires == null || !isFor(claims)) {
            return Optional.empty();
        }
        Instant now = clock.instant();
        boolean inTime = expires.toInstant().plus(SKEW).isAfter(now)
                && isPast(claims.getNotBeforeTime(), now)
                && isPast(claims.getIssueTime(), now);
        if (!inTime || !isSigned(token)) {
            return Optional.empty();
        }
        Optional<Visitor> visitor = visitor(claims);
        return visitor.map(known -> new Believed(known, expires.toInstant().plus(SKEW)));
    }

    private static boolean isPast(@org.jspecify.annotations.Nullable Date time, Instant now) {
        return time == null || !time.toInstant().minus(SKEW).isAfter(now);
    }

    private boolean isSigned(SignedJWT token) throws IOException {
        for (JWK key : keys.of(Optional.ofNullable(token.getHeader().getKeyID()))) {
            boolean forSigning = key.getKeyUse() == null || key.getKeyUse().equals(KeyUse.SIGNATURE);
            if (forSigning && isSigned(token, key)) {
                return true;
            }
        }
        return false;
    }

    // The kind of key and the algorithm must agree, so that a token cannot choose how it is checked.
    private static boolean isSigned(SignedJWT token, JWK key) {
        JWSAlgorithm algorithm = token.getHeader().getAlgorithm();
        try {
            return switch (key) {
                case RSAKey rsa ->
                    algorithm.equals(JWSAlgorithm.RS256)
                            && rsa.size() >= LEAST_RSA_BITS
                            && token.verify(new RSASSAVerifier(rsa.toRSAPublicKey()));
                case ECKey ec ->
                    algorithm.equals(JWSAlgorithm.ES256)
                            && ec.getCurve().equals(Curve.P_256)
                            && token.verify(new ECDSAVerifier(ec.toECPublicKey()));
                case OctetKeyPair ed ->
                    (algorithm.equals(JWSAlgorithm.EdDSA) || algorithm.equals(JWSAlgorithm.Ed25519))
                            && ed.getCurve().equals(Curve.Ed25519)
                            && isSignedEd25519(token, ed.getDecodedX());
                default -> false;
            };
        } catch (JOSEException | GeneralSecurityException | IllegalStateException e) {
            return false;
        }
    }

    // The library needs another one for this; the JDK does not.
    private static boolean isSignedEd25519(JWSObject token, byte[] key) throws GeneralSecurityException {
        if (key.length != 32 || token.getHeader().getCriticalParams() != null) {
            return false;
        }
        byte[] bigEndian = new byte[key.length];
        for (int i = 0; i < key.length; i++) {
            bigEndian[i] = key[key.length - 1 - i];
        }
        boolean odd = (bigEndian[0] & 0x80) != 0;
        bigEndian[0] &= 0x7f;
        EdECPoint point = new EdECPoint(odd, new BigInteger(1, bigEndian));
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(KeyFactory.getInstance("Ed25519")
                .generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, point)));
        verifier.update(token.getSigningInput());
        return verifier.verify(token.getSignature().decode());
    }

    private Optional<Visitor> visitor(JWTClaimsSet claims) throws AccessRefusedException {
        if (!(claims.getClaim(config.userClaim()) instanceof String user) || user.isBlank()) {
            return Optional.empty();
        }
        List<String> named = groups(claims);
        if (named.size() > MOST_GROUPS) {
            throw AccessRefusedException.denied("the token of " + user + " names " + named.size()
                    + " groups, more than the limit of " + MOST_GROUPS
                    + ": have the identity provider name only those that the rules of access are about");
        }
        Set<String> groups = new LinkedHashSet<>();
        for (String group : named) {
            groups.add(config.prefix() + group);
        }
        return Optional.of(Visitor.named(config.prefix() + user, groups));
    }

    private List<String> groups(JWTClaimsSet claims) {
        try {
            if (claims.getClaim(config.groupsClaim()) instanceof String one) {
                return List.of(one);
            }
            List<String> many = claims.getStringListClaim(config.groupsClaim());
            return many == null ? List.of() : many;
        } catch (ParseException e) {
            return List.of();
        }
    }
}
