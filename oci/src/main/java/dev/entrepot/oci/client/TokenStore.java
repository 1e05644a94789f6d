package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Keeps tokens while they live, and fetches each at most once at a time. A fetch runs on a thread of its own and belongs to none of those
 * who wait for it; they all get its outcome. Safe for all threads.
 */
final class TokenStore {
    private final Cache<TokenKey, Token> tokens;
    private final ConcurrentMap<TokenKey, CompletableFuture<Token>> fetches = new ConcurrentHashMap<>();
    private final Clock clock;
    private final Duration longestWait;

    /**
     * An empty store.
     *
     * @param longestWait how long a fetch is waited for
     * @param most how many tokens are kept
     */
    TokenStore(Clock clock, Duration longestWait, int most) {
        this.tokens = Caffeine.newBuilder().maximumSize(most).build();
        this.clock = clock;
        this.longestWait = longestWait;
    }

    /**
     * A token for a key: the kept one, or a new one where that is missing or four fifths of its life are over. If the token service is
     * out, a token is used to its end.
     *
     * @param fetch gets a new one; may throw {@link IOException}
     */
    Token get(TokenKey key, Callable<Token> fetch) throws IOException {
        Token kept = tokens.getIfPresent(key);
        Instant now = clock.instant();
        if (kept != null && now.isBefore(kept.refreshAt())) {
            return kept;
        }
        try {
            return fetchOnce(key, fetch);
        } catch (OutageException e) {
            if (kept != null && now.isBefore(kept.expiresAt())) {
                return kept;
            }
            throw e;
        }
    }

    /** Forgets a token that the registry refused; another that has taken its place stays. */
    void forget(TokenKey key, Token token) {
        tokens.asMap().remove(key, token);
    }

    private Token fetchOnce(TokenKey key, Callable<Token> fetch) throws IOException {
        CompletableFuture<Token> mine = new CompletableFuture<>();
        CompletableFuture<Token> running = fetches.putIfAbsent(key, mine);
        if (running == null) {
            Thread.ofVirtual()
                    .name("token " + key.realm().getHost())
                    .start(Causes.handedOn(() -> run(key, fetch, mine)));
        }
        return await(key, running == null ? mine : running);
    }

    private void run(TokenKey key, Callable<Token> fetch, CompletableFuture<Token> outcome) {
        try {
            Token token = fetch.call();
            tokens.put(key, token);
            fetches.remove(key, outcome);
            outcome.complete(token);
        } catch (Exception e) {
            fetches.remove(key, outcome);
            outcome.completeExceptionally(e);
        } finally {
            // Reached without an outcome only by an Error, which the thread's handler reports.
            fetches.remove(key, outcome);
            outcome.cancel(false);
        }
    }

    private Token await(TokenKey key, CompletableFuture<Token> outcome) throws IOException {
        String what = "token from " + key.realm().getHost();
        try {
            return outcome.get(longestWait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            // A fresh exception for each waiter would lose the type; they only read it.
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException(what + ": " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new OutageException(Reason.TOKEN_SERVICE, what + ": not in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(Reason.NOT_ASKED, what + ": interrupted while waiting", e);
        }
    }
}
