package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.entrepot.config.IdentityProviderConfig;
import dev.entrepot.proxy.http.AccessRefusedException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JsonWebTokensTest {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final URI ISSUER = URI.create("https://id.test");

    private static ECKey key(String id) throws Exception {
        return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
    }

    private static String keys(ECKey... keys) {
        return new JWKSet(List.of(keys)).toString(true);
    }

    private static SignedJWT token(ECKey key, List<String> groups) throws Exception {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build(),
                new JWTClaimsSet.Builder()
                        .issuer(ISSUER.toString())
                        .audience("mirror")
                        .subject("carol")
                        .claim("groups", groups)
                        .expirationTime(Date.from(NOW.plus(Duration.ofDays(365))))
                        .build());
        token.sign(new ECDSASigner(key));
        return token;
    }

    @Test
    void tokenOfMoreGroupsThanAreLookedAtIsRefusedSinceAnyMayBeDenied() throws Exception {
        ECKey key = key("one");
        byte[] set = keys(key.toPublicJWK()).getBytes(StandardCharsets.UTF_8);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, set.length);
            exchange.getResponseBody().write(set);
            exchange.close();
        });
        server.start();
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            IdentityProvider provider = new IdentityProvider(
                    new IdentityProviderConfig(
                            ISSUER, List.of("mirror"), Optional.of(place), Optional.empty(), "sub", "groups", ""),
                    http,
                    InstantSource.fixed(NOW),
                    System::nanoTime);
            JsonWebTokens tokens = new JsonWebTokens(
                    Optional.empty(), List.of(provider), new byte[32], InstantSource.fixed(NOW), System::nanoTime);
            List<String> groups =
                    IntStream.range(0, 1001).mapToObj(i -> "g" + i).toList();
            String most = token(key, groups.subList(1, 1001)).serialize();
            assertThat(tokens.visitor(most, false).orElseThrow().groups()).hasSize(1000);
            String tooMany = token(key, groups).serialize();
            assertThatThrownBy(() -> tokens.visitor(tooMany, false))
                    .isInstanceOfSatisfying(
                            AccessRefusedException.class,
                            e -> assertThat(e.kind()).isEqualTo(AccessRefusedException.Kind.DENIED))
                    .hasMessageContaining("names 1001 groups");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aKeyThatItsProviderTookBackIsGoodNoLongerForTokensThatWereSeen() throws Exception {
        ECKey lost = key("lost");
        AtomicReference<String> set = new AtomicReference<>(keys(lost.toPublicJWK()));
        AtomicLong nanos = new AtomicLong();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = set.get().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            IdentityProvider provider = new IdentityProvider(
                    new IdentityProviderConfig(
                            ISSUER, List.of("mirror"), Optional.of(place), Optional.empty(), "sub", "groups", ""),
                    http,
                    InstantSource.fixed(NOW),
                    nanos::get);
            JsonWebTokens tokens = new JsonWebTokens(
                    Optional.empty(), List.of(provider), new byte[32], InstantSource.fixed(NOW), nanos::get);
            SignedJWT token = new SignedJWT(
                    new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("lost").build(),
                    new JWTClaimsSet.Builder()
                            .issuer(ISSUER.toString())
                            .audience("mirror")
                            .subject("carol")
                            .expirationTime(Date.from(NOW.plus(Duration.ofDays(365))))
                            .build());
            token.sign(new ECDSASigner(lost));
            assertThat(tokens.visitor(token.serialize(), false)).isPresent();

            set.set(keys(key("new").toPublicJWK()));
            nanos.addAndGet(Duration.ofMinutes(9).toNanos());
            assertThat(tokens.visitor(token.serialize(), false)).isPresent();
            nanos.addAndGet(Duration.ofHours(1).toNanos());
            assertThat(tokens.visitor(token.serialize(), false)).isEmpty();
        } finally {
            server.stop(0);
        }
    }
}
