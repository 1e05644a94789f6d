package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TokenStoreTest {
    private static final Duration LIFE = Duration.ofMinutes(5);

    private final TestWorld world = new TestWorld();
    private final TokenStore store = new TokenStore(world, Duration.ofSeconds(20), 128 << 10);
    private final AtomicInteger fetched = new AtomicInteger();

    private static TokenKey key(String scope) {
        return TokenKey.of(
                TestWorld.REGISTRY,
                Optional.empty(),
                URI.create("https://auth.test/token"),
                Optional.of("registry"),
                List.of(new Scope(scope)));
    }

    private Token token(String value) {
        return Token.of(value, world.instant(), world.instant(), LIFE);
    }

    private Token next() {
        return token("t" + fetched.incrementAndGet());
    }

    private String get() throws IOException {
        return store.get(key("a"), this::next).value();
    }

    @Test
    void nobodyWaitsForARenewalWhileTheTokenAtHandIsGood() throws Exception {
        get();
        world.advance(LIFE.multipliedBy(4).dividedBy(5));
        CountDownLatch silent = new CountDownLatch(1);
        for (int i = 0; i < 10; i++) {
            Token kept = store.get(key("a"), () -> {
                silent.await();
                return next();
            });
            assertThat(kept.value()).isEqualTo("t1");
        }
        silent.countDown();
        while (!get().equals("t2")) {
            Thread.onSpinWait();
        }
        assertThat(fetched).hasValue(2);
    }

    @Test
    void afterARenewalThatFailedTheServiceIsLeftAloneForTenSeconds() throws Exception {
        get();
        world.advance(LIFE.multipliedBy(4).dividedBy(5));
        AtomicInteger failures = new AtomicInteger();
        for (int i = 0; i < 100; i++) {
            assertThat(store.get(key("a"), () -> failing(failures)).value()).isEqualTo("t1");
        }
        while (failures.get() < 1) {
            Thread.onSpinWait();
        }
        // One may have begun before the first was known to have failed.
        assertThat(failures).hasValueLessThanOrEqualTo(2);
        world.advance(LIFE);
        assertThatThrownBy(() -> store.get(key("a"), () -> failing(failures))).isInstanceOf(OutageException.class);
    }

    private static Token failing(AtomicInteger failures) throws IOException {
        failures.incrementAndGet();
        throw new OutageException(Reason.TOKEN_SERVICE, "out");
    }

    @Test
    void refusalOfARenewalCountsAtOnce() throws Exception {
        get();
        world.advance(LIFE.multipliedBy(4).dividedBy(5));
        Token kept = store.get(key("a"), () -> {
            throw new UnauthorizedException(401, "no more");
        });
        assertThat(kept.value()).isEqualTo("t1");
        String next = "t1";
        while (!next.equals("t2")) {
            try {
                next = get();
            } catch (UnauthorizedException e) {
                // This one has come while the renewal was under way, and hears of its end.
            }
        }
    }

    @Test
    void whatIsKeptTakesNoMoreMemoryThanItMay() throws Exception {
        String large = "x".repeat(16 << 10);
        for (int i = 0; i < 100; i++) {
            String scope = "repository:team/app" + i + ":pull";
            store.get(key(scope), () -> token(large));
        }
        int kept = 0;
        for (int i = 0; i < 100; i++) {
            kept += isKept(key("repository:team/app" + i + ":pull")) ? 1 : 0;
        }
        assertThat(kept).isBetween(1, 8);
    }

    private boolean isKept(TokenKey key) throws IOException {
        try {
            store.get(key, () -> failing(new AtomicInteger()));
            return true;
        } catch (OutageException e) {
            return false;
        }
    }

    @Test
    void forgettingAllHasEachFetchedAnew() throws Exception {
        get();
        store.forgetAll();
        assertThat(get()).isEqualTo("t2");
    }

    @Test
    void tokenForWhichThereWasNoThreadIsAskedForByTheNext() throws Exception {
        AtomicInteger threads = new AtomicInteger();
        TokenStore scarce = new TokenStore(world, Duration.ofSeconds(1), 128 << 10, task -> {
            if (threads.incrementAndGet() == 1) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            return Thread.ofVirtual().unstarted(task);
        });
        assertThatThrownBy(() -> scarce.get(key("a"), this::next)).isInstanceOf(OutOfMemoryError.class);

        assertThat(scarce.get(key("a"), this::next).value()).isEqualTo("t1");
    }
}
