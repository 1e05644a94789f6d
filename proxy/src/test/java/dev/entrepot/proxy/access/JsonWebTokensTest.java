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
import java.io.IOException;
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
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JsonWebTokensTest {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final URI ISSUER = URI.create("https://id.test");

    private final HttpClient http = HttpClient.newHttpClient();
    private HttpServer server;

    @BeforeEach
    void open() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    @AfterEach
    void close() {
        server.stop(0);
        http.close();
    }

    private static ECKey key(String id) throws Exception {
        return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
    }

    private static String keys(ECKey... keys) {
        return new JWKSet(List.of(keys)).toString(true);
    }

    private static String token(ECKey key, List<String> groups) throws Exception {
        return token(key, "mirror", groups);
    }

    private static String token(ECKey key, String audience, List<String> groups) throws Exception {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build(),
                new JWTClaimsSet.Builder()
                        .issuer(ISSUER.toString())
                        .audience(audience)
                        .subject("carol")
                        .claim("groups", groups)
                        .expirationTime(Date.from(NOW.plus(Duration.ofDays(365))))
                        .build());
        token.sign(new ECDSASigner(key));
        return token.serialize();
    }

    /** Those of a provider whose keys are what {@code set} says at the time. */
    private JsonWebTokens tokens(Supplier<String> set, LongSupplier nanos) throws IOException {
        server.createContext("/", exchange -> {
            byte[] body = set.get().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        List<IdentityProvider> providers = List.of(provider("mirror", "", nanos), provider("builds", "ci:", nanos));
        return new JsonWebTokens(Optional.empty(), providers, new byte[32], InstantSource.fixed(NOW), nanos);
    }

    private IdentityProvider provider(String audience, String prefix, LongSupplier nanos) {
        URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
        return new IdentityProvider(
                new IdentityProviderConfig(
                        ISSUER, List.of(audience), Optional.of(place), Optional.empty(), "sub", "groups", prefix),
                http,
                InstantSource.fixed(NOW),
                nanos);
    }

    @Test
    void ofTwoProvidersWithOneIssuerThatWithTheAudienceDecides() throws Exception {
        ECKey key = key("one");
        String set = keys(key.toPublicJWK());
        JsonWebTokens tokens = tokens(() -> set, System::nanoTime);

        assertThat(tokens.visitor(token(key, "mirror", List.of("dev")), false)
                        .orElseThrow()
                        .user())
                .isEqualTo("carol");
        assertThat(tokens.visitor(token(key, "builds", List.of("dev")), false)
                        .orElseThrow()
                        .user())
                .isEqualTo("ci:carol");
        assertThat(tokens.visitor(token(key, "other", List.of("dev")), false)).isEmpty();
    }

    @Test
    void tokenOfMoreGroupsThanAreLookedAtIsRefusedSinceAnyMayBeDenied() throws Exception {
        ECKey key = key("one");
        String set = keys(key.toPublicJWK());
        JsonWebTokens tokens = tokens(() -> set, System::nanoTime);
        List<String> groups = IntStream.range(0, 1001).mapToObj(i -> "g" + i).toList();
        String most = token(key, groups.subList(1, 1001));
        assertThat(tokens.visitor(most, false).orElseThrow().groups()).hasSize(1000);
        String tooMany = token(key, groups);
        assertThatThrownBy(() -> tokens.visitor(tooMany, false))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.kind()).isEqualTo(AccessRefusedException.Kind.DENIED))
                .hasMessageContaining("names 1001 groups");
    }

    @Test
    void aKeyThatItsProviderTookBackIsGoodNoLongerForTokensThatWereSeen() throws Exception {
        ECKey lost = key("lost");
        AtomicReference<String> set = new AtomicReference<>(keys(lost.toPublicJWK()));
        AtomicLong nanos = new AtomicLong();
        JsonWebTokens tokens = tokens(set::get, nanos::get);
        String token = token(lost, List.of());
        assertThat(tokens.visitor(token, false)).isPresent();

        set.set(keys(key("new").toPublicJWK()));
        nanos.addAndGet(Duration.ofMinutes(9).toNanos());
        assertThat(tokens.visitor(token, false)).isPresent();
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(tokens.visitor(token, false)).isEmpty();
    }
}
