package dev.entrepot.proxy.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.RequestRates;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Bounds how many wrong passwords or tokens an address may try: twenty at once, and ten a minute. So that who guesses,
 * or a machine with an old password, keeps nobody out who shares its address (behind a NAT, all do), two things cost
 * nothing: what was right from that address within a day, and what was wrong within ten minutes, which is known to be
 * wrong still. Nothing else is answered while an address has no tries left, be it right, or guessing would go on all
 * the same. Credentials are remembered by their keyed hashes. Safe for all threads.
 */
public final class GuessLimit {
    /** Wrong ones that one address may try at once. */
    static final int AT_ONCE = 20;

    private static final double PER_SECOND = 1 / 6.0;
    private static final int RIGHT_REMEMBERED = 50_000;
    private static final int WRONG_REMEMBERED = 10_000;
    private static final Duration RIGHT_FOR = Duration.ofDays(1);
    private static final Duration WRONG_FOR = Duration.ofMinutes(10);

    private final CredentialKey.Maker keys;
    private final RequestRates<ClientAddress> tries;
    private final Cache<Place, Boolean> right;
    private final Cache<CredentialKey, Boolean> wrong;
    private final LongAdder refused = new LongAdder();
    private final LongAdder throttled = new LongAdder();

    private record Place(CredentialKey shown, ClientAddress client) {}

    /**
     * Nobody has tried yet.
     *
     * @param secret 32 random bytes
     */
    public GuessLimit(byte[] secret, LongSupplier nanoClock) {
        this.keys = new CredentialKey.Maker(secret);
        this.tries = new RequestRates<>(PER_SECOND, AT_ONCE, nanoClock);
        this.right = Caffeine.newBuilder()
                .maximumSize(RIGHT_REMEMBERED)
                .expireAfterAccess(RIGHT_FOR)
                .ticker(nanoClock::getAsLong)
                .build();
        this.wrong = Caffeine.newBuilder()
                .maximumSize(WRONG_REMEMBERED)
                .expireAfterWrite(WRONG_FOR)
                .ticker(nanoClock::getAsLong)
                .build();
    }

    /** What stands for a credential here: each of its texts counts with its length. */
    public CredentialKey key(String... texts) {
        return keys.of(texts);
    }

    /** Whether an address has shown lately what was right. */
    boolean wasRight(CredentialKey shown, ClientAddress client) {
        return right.getIfPresent(new Place(shown, client)) != null;
    }

    /** Whether something was wrong lately. */
    boolean wasWrong(CredentialKey shown) {
        return wrong.getIfPresent(shown) != null;
    }

    /**
     * Begins a try, which has to be ended. The address pays before it is known what comes of it: else a thousand wrong
     * ones at once would all be looked at.
     *
     * @throws AccessRefusedException if the address has no tries left
     */
    public Try begin(CredentialKey shown, ClientAddress client) throws AccessRefusedException {
        if (wasWrong(shown) || wasRight(shown, client)) {
            return new Try(shown, client, false);
        }
        Optional<Duration> wait = tries.take(client);
        if (wait.isPresent()) {
            throttled.increment();
            throw AccessRefusedException.tooOften("too many wrong passwords or tokens; try again later", wait.get());
        }
        return new Try(shown, client, true);
    }

    /** Counts a request that is refused for what it showed. */
    public void refused() {
        refused.increment();
    }

    /** How many requests were refused for what they showed. */
    public long refusals() {
        return refused.sum();
    }

    /** How often something was not looked at, because too many wrong ones had come from the same address. */
    public long throttled() {
        return throttled.sum();
    }

    /** One try. */
    public final class Try {
        private final CredentialKey shown;
        private final ClientAddress client;
        private final boolean paid;

        private Try(CredentialKey shown, ClientAddress client, boolean paid) {
            this.shown = shown;
            this.client = client;
            this.paid = paid;
        }

        /** It was right. */
        public void right() {
            right.put(new Place(shown, client), true);
            undecided();
        }

        /** It was wrong. */
        public void wrong() {
            wrong.put(shown, true);
        }

        /** It was not found out. */
        void undecided() {
            if (paid) {
                tries.giveBack(client);
            }
        }
    }
}
