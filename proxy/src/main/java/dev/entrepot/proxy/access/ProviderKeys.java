package dev.entrepot.proxy.access;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The public keys of an identity provider, fetched when they are first needed, when they are an hour old, and when a
 * token names one that is not among them; at most once in thirty seconds, whatever tokens come. While they cannot be
 * fetched, those that were are used for a day; who comes then waits only for the first attempt that fails. Safe for all
 * threads.
 */
final class ProviderKeys {
    private static final Logger LOG = LoggerFactory.getLogger(ProviderKeys.class);
    private static final int MAX_BYTES = 512 * 1024;
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final Duration BETWEEN_FETCHES = Duration.ofSeconds(30);
    private static final Duration FRESH = Duration.ofHours(1);
    private static final Duration USABLE = Duration.ofDays(1);

    private final URI issuer;
    private final Optional<URI> place;
    private final HttpClient http;
    private final LongSupplier nanoClock;
    private final Duration longestAnswer;
    private final ReentrantLock fetching = new ReentrantLock();
    private volatile Optional<Fetched> current = Optional.empty();
    private volatile Optional<String> failure = Optional.empty();
    private volatile boolean failing;
    private volatile long nextFetch;

    private record Fetched(JWKSet keys, long nanos) {}

    /**
     * Keys that have still to be fetched.
     *
     * @param place where they are; without it, where the discovery document of the issuer says
     */
    ProviderKeys(URI issuer, Optional<URI> place, HttpClient http, LongSupplier nanoClock) {
        this(issuer, place, http, nanoClock, ANSWER);
    }

    /** As above, with another time for each answer to come to its end. */
    ProviderKeys(URI issuer, Optional<URI> place, HttpClient http, LongSupplier nanoClock, Duration longestAnswer) {
        this.longestAnswer = longestAnswer;
        this.issuer = issuer;
        this.place = place;
        this.http = http;
        this.nanoClock = nanoClock;
        this.nextFetch = nanoClock.getAsLong();
    }

    /**
     * The keys that may have signed a token.
     *
     * @param id the key that the token names; empty if it names none
     * @throws IOException if none could be fetched, or if those that are known do not have it and no others could be
     */
    List<JWK> of(Optional<String> id) throws IOException {
        List<JWK> known = matching(id, FRESH);
        if (!known.isEmpty()) {
            return known;
        }
        List<JWK> usable = failing ? matching(id, USABLE) : List.of();
        if (!usable.isEmpty()) {
            renew();
            return usable;
        }
        fetch();
        if (current.filter(keys -> age(keys) < USABLE.toNanos()).isEmpty()) {
            throw cannotBeHad();
        }
        List<JWK> found = matching(id, USABLE);
        if (found.isEmpty() && failing) {
            // It may be a new one of the provider: nobody can say that the token is wrong.
            throw cannotBeHad();
        }
        return found;
    }

    private IOException cannotBeHad() {
        return new IOException(
                "the keys of the identity provider " + issuer + " cannot be had: " + failure.orElse("not asked yet"));
    }

    private List<JWK> matching(Optional<String> id, Duration most) {
        return current.filter(keys -> age(keys) < most.toNanos()).stream()
                .flatMap(keys -> keys.keys().getKeys().stream())
                .filter(key -> id.isEmpty() || id.get().equals(key.getKeyID()))
                .toList();
    }

    private long age(Fetched keys) {
        return nanoClock.getAsLong() - keys.nanos();
    }

    private void renew() {
        if (nanoClock.getAsLong() - nextFetch >= 0 && !fetching.isLocked()) {
            Thread.ofVirtual().name("provider-keys").start(this::fetch);
        }
    }

    // Who comes while another fetches waits for that one, and finds what it has fetched.
    private void fetch() {
        fetching.lock();
        try {
            long now = nanoClock.getAsLong();
            if (now - nextFetch < 0) {
                return;
            }
            nextFetch = now + BETWEEN_FETCHES.toNanos();
            current = Optional.of(new Fetched(JWKSet.parse(text(place())), now));
            failing = false;
        } catch (IOException | ParseException | JacksonException e) {
            failing = true;
            failure = Optional.of(e.toString());
            LOG.warn("the keys of the identity provider {} could not be fetched: {}", issuer, e.toString());
        } finally {
            fetching.unlock();
        }
    }

    private URI place() throws IOException {
        if (place.isPresent()) {
            return place.get();
        }
        String base = issuer.toString().endsWith("/") ? issuer.toString() : issuer + "/";
        String document = text(URI.create(base + ".well-known/openid-configuration"));
        String found = OciJson.mapper().readTree(document).path("jwks_uri").asString("");
        try {
            URI keys = URI.create(found);
            boolean same =
                    String.valueOf(keys.getScheme()).equals(issuer.getScheme()) || "https".equals(keys.getScheme());
            if (same && keys.getHost() != null) {
                return keys;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new IOException("its discovery document has no jwks_uri that can be used");
    }

    // The library's own time-out ends with the head of the answer: a body without an end would hold up everybody.
    private String text(URI url) throws IOException {
        CompletableFuture<HttpResponse<byte[]>> answer = http.sendAsync(
                HttpRequest.newBuilder(url).build(),
                HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofByteArray(), MAX_BYTES));
        try {
            HttpResponse<byte[]> response = answer.get(longestAnswer.toMillis(), TimeUnit.MILLISECONDS);
            if (response.statusCode() != 200) {
                throw new IOException("the answer was " + response.statusCode());
            }
            return new String(response.body(), StandardCharsets.UTF_8);
        } catch (TimeoutException e) {
            throw new IOException("no whole answer within " + longestAnswer.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            answer.cancel(true);
        }
    }
}
