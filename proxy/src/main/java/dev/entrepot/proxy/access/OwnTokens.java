package dev.entrepot.proxy.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Gate.GivenToken;
import dev.entrepot.proxy.http.Visitor;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tokens that this process gives out and takes back: JSON Web Tokens with the claims of distribution's token
 * authentication, {@code access} among them, signed by one key. Safe for all threads.
 */
final class OwnTokens {
    private static final String ISSUER = "entrepot/";
    private static final String ACCESS = "access";
    private static final String GROUPS = "groups";

    private final String service;
    private final Duration lasts;
    private final JWSAlgorithm algorithm;
    private final JWSSigner signer;
    private final JWSVerifier verifier;
    private final InstantSource clock;
    private final SecureRandom random;

    /**
     * Tokens.
     *
     * @param service for which they are good
     * @param lasts for how long
     * @param keys what signs them: EC on P-256, or RSA
     */
    OwnTokens(String service, Duration lasts, KeyPair keys, InstantSource clock, SecureRandom random) {
        this.service = service;
        this.lasts = lasts;
        this.clock = clock;
        this.random = random;
        try {
            if (keys.getPublic() instanceof ECPublicKey ec) {
                this.algorithm = JWSAlgorithm.ES256;
                this.signer = new ECDSASigner((ECPrivateKey) keys.getPrivate());
                this.verifier = new ECDSAVerifier(ec);
            } else {
                this.algorithm = JWSAlgorithm.RS256;
                this.signer = new RSASSASigner(keys.getPrivate());
                this.verifier = new RSASSAVerifier((RSAPublicKey) keys.getPublic());
            }
        } catch (JOSEException e) {
            throw new IllegalArgumentException("the key cannot sign tokens: " + e.getMessage(), e);
        }
    }

    /** What a token says. */
    record Read(Visitor visitor, Instant expires) {}

    /** The claim {@code iss} of the tokens. */
    String issuer() {
        return ISSUER + service;
    }

    /** Gives out a token. */
    GivenToken give(Visitor visitor, Visitor.Scope scope) {
        Instant now = clock.instant();
        byte[] id = new byte[16];
        random.nextBytes(id);
        JWTClaimsSet claims = new JWTClaimsSet.Builder()
                .issuer(issuer())
                .subject(visitor.user())
                .audience(service)
                .issueTime(Date.from(now))
                .notBeforeTime(Date.from(now))
                .expirationTime(Date.from(now.plus(lasts)))
                .jwtID(HexFormat.of().formatHex(id))
                .claim(GROUPS, List.copyOf(visitor.groups()))
                .claim(ACCESS, access(scope))
                .build();
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(algorithm).type(JOSEObjectType.JWT).build(), claims);
        try {
            token.sign(signer);
        } catch (JOSEException e) {
            throw new IllegalStateException("a token could not be signed", e);
        }
        return new GivenToken(token.serialize(), now, lasts);
    }

    private static List<Map<String, Object>> access(Visitor.Scope scope) {
        List<Map<String, Object>> access = new ArrayList<>();
        for (Repository repository : scope.repositories()) {
            access.add(Map.of("type", "repository", "name", repository.toString(), "actions", List.of("pull")));
        }
        if (scope.catalog()) {
            access.add(Map.of("type", "registry", "name", "catalog", "actions", List.of("*")));
        }
        return access;
    }

    /** What a token says; empty if it is not one of these, or good no longer. */
    Optional<Read> read(SignedJWT token) {
        try {
            if (!token.getHeader().getAlgorithm().equals(algorithm) || !token.verify(verifier)) {
                return Optional.empty();
            }
            JWTClaimsSet claims = token.getJWTClaimsSet();
            Date expires = claims.getExpirationTime();
            boolean good = issuer().equals(claims.getIssuer())
                    && claims.getAudience().contains(service)
                    && expires != null
                    && expires.toInstant().isAfter(clock.instant());
            if (!good) {
                return Optional.empty();
            }
            List<String> groups = claims.getStringListClaim(GROUPS);
            String user = claims.getSubject() == null ? "" : claims.getSubject();
            Visitor visitor =
                    new Visitor(user, groups == null ? Set.of() : Set.copyOf(groups), Optional.of(scope(claims)));
            return Optional.of(new Read(visitor, expires.toInstant()));
        } catch (JOSEException | ParseException e) {
            return Optional.empty();
        }
    }

    private static Visitor.Scope scope(JWTClaimsSet claims) throws ParseException {
        Set<Repository> repositories = new LinkedHashSet<>();
        boolean catalog = false;
        List<Object> access = claims.getListClaim(ACCESS);
        for (Object entry : access == null ? List.of() : access) {
            if (!(entry instanceof Map<?, ?> grant)) {
                continue;
            }
            catalog |= "registry".equals(grant.get("type")) && "catalog".equals(grant.get("name"));
            if ("repository".equals(grant.get("type")) && grant.get("name") instanceof String name) {
                try {
                    repositories.add(Repository.parse(name));
                } catch (InvalidNameException e) {
                    throw new ParseException("a name that this process does not write", 0);
                }
            }
        }
        return new Visitor.Scope(repositories, catalog);
    }
}
