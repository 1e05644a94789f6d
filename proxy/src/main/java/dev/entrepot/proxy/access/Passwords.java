package dev.entrepot.proxy.access;

import at.favre.lib.crypto.bcrypt.BCrypt;
import at.favre.lib.crypto.bcrypt.LongPasswordStrategies;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.RequestRates;
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
 * Checks passwords against bcrypt hashes, which is dear by design: some 60 ms of a processor each. So what was right is remembered for ten minutes, by a keyed
 * hash; the same check is made once however many wait for it; half of the processors check at one time; and an address from which wrong passwords come has to
 * wait, without anything being checked. An unknown user costs as much time as a known one. Checks are made on threads of the operating system: on a virtual one, a check would
 * keep a processor from all others until its end, which is all of them where there is but one. Safe for all threads.
 */
public final class Passwords {
    /** Wrong passwords that one address may try at once. */
    static final int WRONG_AT_ONCE = 20;

    private static final double WRONG_PER_SECOND = 1 / 6.0;
    private static final int REMEMBERED = 10_000;
    private static final Duration REMEMBERED_FOR = Duration.ofMinutes(10);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int WAITING = 200;
    private static final int MAX_PASSWORD_BYTES = 1024;

    private final PasswordFile file;
    private final CredentialKey.Maker keys;
    private final RequestRates<ClientAddress> wrong;
    private final Semaphore checking =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);
    private final Cache<CredentialKey, Boolean> right;
    private final Map<CredentialKey, CompletableFuture<Boolean>> underWay = new ConcurrentHashMap<>();
    private final LongAdder checks = new LongAdder();
    private final LongAdder throttled = new LongAdder();

    /**
     * Checks against a file.
     *
     * @param secret 32 random bytes
     */
    public Passwords(PasswordFile file, byte[] secret, LongSupplier nanoClock) {
        this.file = file;
        this.keys = new CredentialKey.Maker(secret);
        this.wrong = new RequestRates<>(WRONG_PER_SECOND, WRONG_AT_ONCE, nanoClock);
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
     * @throws AccessRefusedException if that is not found out now: the client has given too many wrong ones, or there is too much to check
     */
    public boolean isRight(String user, String password, ClientAddress client) throws AccessRefusedException {
        Optional<String> hash = file.hashOf(user);
        CredentialKey key = keys.of(user, password, hash.orElse(""));
        if (hash.isPresent() && right.getIfPresent(key) != null) {
            return true;
        }
        CompletableFuture<Boolean> mine = new CompletableFuture<>();
        CompletableFuture<Boolean> others = underWay.putIfAbsent(key, mine);
        if (others != null) {
            return outcome(others);
        }
        try {
            // Somebody else's check may have come to its end since.
            boolean known = hash.isPresent() && right.getIfPresent(key) != null;
            boolean is = known || check(hash.orElseGet(file::nobodys), password, client) && hash.isPresent();
            if (is && !known) {
                right.put(key, true);
                wrong.giveBack(client);
            }
            mine.complete(is);
            return is;
        } catch (AccessRefusedException | RuntimeException e) {
            mine.completeExceptionally(e);
            throw e;
        } finally {
            underWay.remove(key);
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

    // The token is taken before, and given back if the password is right: else a thousand wrong ones at once would all
    // be checked.
    private boolean check(String hash, String password, ClientAddress client) throws AccessRefusedException {
        Optional<Duration> wait = wrong.take(client);
        if (wait.isPresent()) {
            throttled.increment();
            throw AccessRefusedException.tooOften("too many wrong passwords; try again later", wait.get());
        }
        byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_PASSWORD_BYTES) {
            return false;
        }
        boolean mayCheck = false;
        try {
            mayCheck = checking.getQueueLength() < WAITING
                    && checking.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (!mayCheck) {
                wrong.giveBack(client);
                throw tooMuch();
            }
            checks.increment();
            return verified(bytes, hash);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw tooMuch();
        } finally {
            if (mayCheck) {
                checking.release();
            }
        }
    }

    private boolean verified(byte[] password, String hash) throws InterruptedException {
        FutureTask<Boolean> check = new FutureTask<>(() -> {
            if (fits(password, hash)) {
                return true;
            }
            file.restTo(hash).forEach(cheaper -> fits(password, cheaper));
            return false;
        });
        Thread.ofPlatform().daemon().name("password").start(check);
        try {
            return check.get();
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

    /** How often none was, because too many wrong ones had come. */
    public long throttled() {
        return throttled.sum();
    }
}
