package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Keeps tokens while they live, and fetches each at most once at a time. A fetch runs on a thread of its own and
 * belongs to none of those who wait for it; they all get its outcome. When four fifths of a token's life are over it is
 * renewed behind the requests, which go on with the one at hand; after a renewal that failed, the next in ten seconds.
 * Safe for all threads.
 */
final class TokenStore {
    private static final Duration BETWEEN_RENEWALS = Duration.ofSeconds(10);
    // What an entry costs besides its texts, about.
    private static final int ENTRY_BYTES = 512;

    private final Cache<TokenKey, Token> tokens;
    private final ConcurrentMap<TokenKey, CompletableFuture<Token>> fetches = new ConcurrentHashMap<>();
    private final Cache<TokenKey, Instant> failedRenewals;
    private final Clock clock;
    private final Duration longestWait;
    private final ThreadFactory threads;

    /**
     * An empty store.
     *
     * @param longestWait how long a fetch is waited for
     * @param mostBytes how much memory kept tokens may take, about
     */
    TokenStore(Clock clock, Duration longestWait, long mostBytes) {
        this(clock, longestWait, mostBytes, Thread.ofVirtual().factory());
    }

    /** As above, with threads of somebody's. */
    TokenStore(Clock clock, Duration longestWait, long mostBytes, ThreadFactory threads) {
        this.threads = threads;
        this.tokens = Caffeine.newBuilder()
                .maximumWeight(mostBytes)
                .weigher((TokenKey key, Token token) -> bytes(key, token))
                .executor(Runnable::run)
                .build();
        this.failedRenewals = Caffeine.newBuilder()
                .maximumWeight(mostBytes)
                .weigher((TokenKey key, Instant at) -> bytes(key))
                .executor(Runnable::run)
                .build();
        this.clock = clock;
        this.longestWait = longestWait;
    }

    private static int bytes(TokenKey key, Token token) {
        return bytes(key) + token.value().length();
    }

    private static int bytes(TokenKey key) {
        int scopes =
                key.scopes().stream().mapToInt(scope -> scope.value().length()).sum();
        return ENTRY_BYTES
                + key.realm().toString().length()
                + key.service().map(String::length).orElse(0)
                + scopes;
    }

    /**
     * A token for a key: the kept one, which is used to its end, or a new one.
     *
     * @param fetch gets a new one; may throw {@link IOException}
     */
    Token get(TokenKey key, Callable<Token> fetch) throws IOException {
        Token kept = tokens.getIfPresent(key);
        Instant now = clock.instant();
        if (kept == null || !now.isBefore(kept.expiresAt())) {
            return await(key, fetched(key, fetch));
        }
        if (!now.isBefore(kept.refreshAt())) {
            renew(key, kept, fetch, now);
        }
        return kept;
    }

    private void renew(TokenKey key, Token kept, Callable<Token> fetch, Instant now) {
        Instant failed = failedRenewals.getIfPresent(key);
        if (failed != null && now.isBefore(failed.plus(BETWEEN_RENEWALS))) {
            return;
        }
        fetched(key, () -> {
            Token other = tokens.getIfPresent(key);
            if (other != null && !other.equals(kept)) {
                return other; // another renewal has come to its end since this one's token was looked at
            }
            try {
                return fetch.call();
            } catch (UnauthorizedException e) {
                // The token service's word counts now, not at the end of what it said before.
                forget(key, kept);
                throw e;
            } catch (IOException e) {
                failedRenewals.put(key, clock.instant());
                throw e;
            }
        });
    }

    /** Forgets a token that the registry refused; another that has taken its place stays. */
    void forget(TokenKey key, Token token) {
        tokens.asMap().remove(key, token);
    }

    /** Forgets all tokens. */
    void forgetAll() {
        tokens.invalidateAll();
    }

    private CompletableFuture<Token> fetched(TokenKey key, Callable<Token> fetch) {
        CompletableFuture<Token> mine = new CompletableFuture<>();
        CompletableFuture<Token> running = fetches.putIfAbsent(key, mine);
        if (running == null) {
            start(key, fetch, mine);
        }
        return running == null ? mine : running;
    }

    private void start(TokenKey key, Callable<Token> fetch, CompletableFuture<Token> mine) {
        boolean started = false;
        try {
            Thread thread = threads.newThread(Causes.handedOn(() -> run(key, fetch, mine)));
            thread.setName("token " + key.realm().getHost());
            thread.start();
            started = true;
        } finally {
            // For want of memory for a thread: else nobody had such a token until a restart.
            if (!started) {
                fetches.remove(key, mine);
                mine.completeExceptionally(
                        new OutageException(Reason.TOKEN_SERVICE, what(key) + ": there was no thread to ask for it"));
            }
        }
    }

    private static String what(TokenKey key) {
        return "token from " + key.realm().getHost();
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
        String what = what(key);
        try {
            return outcome.get(longestWait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            // A fresh exception for each waiter would lose the type; they only read it.
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException(what + ": " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            String problem = what + ": not in time";
            throw new OutageException(Reason.TOKEN_SERVICE, problem, new OutageException(Reason.TIMEOUT, problem, e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(Reason.NOT_ASKED, what + ": interrupted while waiting", e);
        }
    }
}
