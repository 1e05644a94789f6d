package dev.entrepot.proxy.access;

import at.favre.lib.crypto.bcrypt.BCrypt;
import at.favre.lib.crypto.bcrypt.LongPasswordStrategies;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Checks passwords against bcrypt hashes, which is dear by design: some 60 ms of a processor each. So what was right is
 * remembered for ten minutes, by a keyed hash; the same check is made once however many wait for it; half of the
 * processors check at one time; and an address from which wrong passwords come has to wait, without anything being
 * checked (see {@link GuessLimit}). An unknown user costs as much time as a known one. Checks are made on threads of
 * the operating system: on a virtual one, a check would keep a processor from all others until its end, which is all of
 * them where there is but one. Safe for all threads.
 */
public final class Passwords {
    private static final int REMEMBERED = 10_000;
    private static final Duration REMEMBERED_FOR = Duration.ofMinutes(10);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    // Ten times what the dearest hash takes that is accepted.
    private static final Duration CHECK_ENDS = Duration.ofSeconds(20);
    private static final int WAITING = 200;
    private static final int MAX_PASSWORD_BYTES = 1024;

    private final PasswordFile file;
    private final GuessLimit guesses;
    private final int atOnce = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    private final Semaphore checking = new Semaphore(atOnce, true);
    private final Cache<CredentialKey, Boolean> right;
    private final Map<CredentialKey, CompletableFuture<Boolean>> underWay = new ConcurrentHashMap<>();
    private final LongAdder checks = new LongAdder();

    /**
     * Checks against a file.
     *
     * @param guesses bounds wrong ones
     */
    public Passwords(PasswordFile file, GuessLimit guesses, LongSupplier nanoClock) {
        this.file = file;
        this.guesses = guesses;
        this.right = Caffeine.newBuilder()
                .maximumSize(REMEMBERED)
                .expireAfterWrite(REMEMBERED_FOR)
                .ticker(nanoClock::getAsLong)
                .build();
    }

    /**
     * Whether a password is that of a user.
     *
     * @param client who asks
     * @throws AccessRefusedException if that is not found out now: the client has given too many wrong ones, or there
     *     is too much to check
     */
    public boolean isRight(String user, String password, ClientAddress client) throws AccessRefusedException {
        Optional<String> hash = file.hashOf(user);
        CredentialKey key = guesses.key(user, password, hash.orElse(""));
        if (hash.isPresent() && right.getIfPresent(key) != null && guesses.wasRight(key, client)) {
            return true;
        }
        if (guesses.wasWrong(key)) {
            return false;
        }
        CompletableFuture<Boolean> mine = new CompletableFuture<>();
        CompletableFuture<Boolean> others = underWay.putIfAbsent(key, mine);
        if (others != null) {
            try {
                return outcome(others);
            } catch (AccessRefusedException e) {
                if (e.kind() != AccessRefusedException.Kind.TOO_OFTEN) {
                    throw e;
                }
                // It was another address, perhaps, that has given too many wrong ones.
                others = underWay.putIfAbsent(key, mine);
                if (others != null) {
                    return outcome(others);
                }
            }
        }
        return begun(mine, key, hash, password, client);
    }

    private boolean begun(
            CompletableFuture<Boolean> mine,
            CredentialKey key,
            Optional<String> hash,
            String password,
            ClientAddress client)
            throws AccessRefusedException {
        try {
            boolean is = tried(key, hash, password, guesses.begin(key, client));
            underWay.remove(key, mine);
            mine.complete(is);
            return is;
        } catch (AccessRefusedException | RuntimeException | Error e) {
            // An Error, too, as when no thread can be had: else nobody would ever be told.
            underWay.remove(key, mine);
            mine.completeExceptionally(e);
            throw e;
        }
    }

    private boolean tried(CredentialKey key, Optional<String> hash, String password, GuessLimit.Try attempt)
            throws AccessRefusedException {
        try {
            // From another address it may have been checked already, or by somebody whose check has ended since.
            boolean known = hash.isPresent() && right.getIfPresent(key) != null;
            if (known || check(hash.orElseGet(file::nobodys), password) && hash.isPresent()) {
                if (!known) {
                    right.put(key, true);
                }
                attempt.right();
                return true;
            }
            attempt.wrong();
            return false;
        } catch (AccessRefusedException | RuntimeException | Error e) {
            attempt.undecided();
            throw e;
        }
    }

    private static boolean outcome(CompletableFuture<Boolean> others) throws AccessRefusedException {
        try {
            return others.get(2 * PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            if (e.getCause() instanceof AccessRefusedException refused) {
                throw refused;
            }
            throw tooMuch();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw tooMuch();
        }
    }

    private boolean check(String hash, String password) throws AccessRefusedException {
        byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_PASSWORD_BYTES) {
            return false;
        }
        try {
            if (checking.getQueueLength() >= WAITING
                    || !checking.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw tooMuch();
            }
            checks.increment();
            return verified(bytes, hash);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw tooMuch();
        }
    }

    // The thread that hashes gives the permit back: it goes on where nobody waits for it any more.
    private boolean verified(byte[] password, String hash) throws InterruptedException, AccessRefusedException {
        FutureTask<Boolean> check = new FutureTask<>(() -> {
            try {
                if (fits(password, hash)) {
                    return true;
                }
                file.restTo(hash).forEach(cheaper -> fits(password, cheaper));
                return false;
            } finally {
                checking.release();
            }
        });
        boolean started = false;
        try {
            Thread.ofPlatform().daemon().name("password").start(check);
            started = true;
        } finally {
            if (!started) {
                checking.release();
            }
        }
        try {
            return check.get(CHECK_ENDS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw tooMuch();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a password could not be checked", e.getCause());
        }
    }

    private static boolean fits(byte[] password, String hash) {
        return BCrypt.verifyer(null, LongPasswordStrategies.truncate(BCrypt.Version.VERSION_2A))
                .verify(password, hash.getBytes(StandardCharsets.US_ASCII))
                .verified;
    }

    private static AccessRefusedException tooMuch() {
        return AccessRefusedException.undecided("too many passwords are being checked", Duration.ofSeconds(5));
    }

    /** How often a password was checked against a hash. */
    public long checks() {
        return checks.sum();
    }

    /** How many are being checked. */
    int underCheck() {
        return atOnce - checking.availablePermits();
    }
}
