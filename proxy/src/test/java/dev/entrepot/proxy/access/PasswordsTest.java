package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PasswordsTest {
    private final AtomicLong nanos = new AtomicLong();

    @TempDir
    private Path folder;

    private static String hash(String password, int cost) {
        return BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(cost, password.toCharArray());
    }

    private Passwords passwords(String... lines) throws Exception {
        Path file = folder.resolve("users");
        Files.write(file, List.of(lines));
        return new Passwords(new PasswordFile(file), new GuessLimit(new byte[32], nanos::get), nanos::get);
    }

    private int status(Passwords passwords, String user, String password, long address) {
        try {
            return passwords.isRight(user, password, new ClientAddress(4, address)) ? 200 : 401;
        } catch (AccessRefusedException e) {
            return e.kind() == AccessRefusedException.Kind.TOO_OFTEN ? 429 : 503;
        }
    }

    private void guessUntilThrottled(Passwords passwords, long address) {
        for (int i = 0; i < GuessLimit.AT_ONCE; i++) {
            assertThat(status(passwords, "alice", "guess" + i, address)).isEqualTo(401);
        }
        assertThat(status(passwords, "alice", "one more", address)).isEqualTo(429);
    }

    @Test
    void aMachineWithAnOldPasswordKeepsNobodyOutBehindTheSameAddress() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 4), "nodes:" + hash("new", 4));
        for (int i = 0; i < 1000; i++) {
            assertThat(status(passwords, "nodes", "old", 1)).isEqualTo(401);
        }
        assertThat(passwords.checks()).isEqualTo(1);
        assertThat(status(passwords, "nodes", "new", 1)).isEqualTo(200);
        assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(200);
        // The node is forgotten and found out again, at the price of one try.
        nanos.addAndGet(Duration.ofMinutes(11).toNanos());
        assertThat(status(passwords, "nodes", "old", 1)).isEqualTo(401);
        assertThat(passwords.checks()).isEqualTo(4);
    }

    @Test
    void whoWasRightFromAnAddressIsNotThrottledThereForADay() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 4), "bob:" + hash("builder", 4));
        assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(200);
        for (int i = 0; i < 20; i++) {
            nanos.addAndGet(Duration.ofMinutes(11).toNanos());
            guessUntilThrottled(passwords, 1);
            assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(200);
            nanos.addAndGet(Duration.ofMinutes(11).toNanos());
        }
        guessUntilThrottled(passwords, 1);
        assertThat(status(passwords, "bob", "builder", 1)).isEqualTo(429);
        nanos.addAndGet(Duration.ofDays(2).toNanos());
        guessUntilThrottled(passwords, 1);
        assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(429);
    }

    @Test
    void whoGuessesIsNotToldThatHeIsRightOnceHeIsThrottled() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 4));
        assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(200);
        guessUntilThrottled(passwords, 2);
        assertThat(status(passwords, "alice", "wonder", 2)).isEqualTo(429);
        assertThat(status(passwords, "alice", "wonder", 3)).isEqualTo(200);
        assertThat(passwords.checks()).isEqualTo(1 + GuessLimit.AT_ONCE);
    }

    @Test
    void aChangedFileIsNotAnsweredByWhatWasWrongBefore() throws Exception {
        Path file = folder.resolve("users");
        Files.write(file, List.of("alice:" + hash("wonder", 4)));
        PasswordFile users = new PasswordFile(file);
        Passwords passwords = new Passwords(users, new GuessLimit(new byte[32], nanos::get), nanos::get);
        assertThat(status(passwords, "alice", "new", 1)).isEqualTo(401);
        assertThat(status(passwords, "bob", "builder", 1)).isEqualTo(401);
        Files.write(file, List.of("alice:" + hash("new", 4), "bob:" + hash("builder", 4)));
        users.read();
        assertThat(status(passwords, "alice", "new", 1)).isEqualTo(200);
        assertThat(status(passwords, "bob", "builder", 1)).isEqualTo(200);
        assertThat(status(passwords, "alice", "wonder", 1)).isEqualTo(401);
    }

    @Test
    void whoeverStopsWaitingLeavesTheProcessorTakenUntilTheCheckHasEnded() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 13));
        Thread client = Thread.ofPlatform().start(() -> status(passwords, "alice", "wonder", 1));
        while (passwords.checks() == 0) {
            Thread.onSpinWait();
        }
        client.interrupt();
        client.join();
        assertThat(passwords.underCheck()).isEqualTo(1);
        while (passwords.underCheck() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aCheckKeepsNoProcessorFromVirtualThreads() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 13));
        AtomicReference<Boolean> right = new AtomicReference<>();
        Thread client = Thread.ofVirtual().start(() -> {
            try {
                right.set(passwords.isRight("alice", "wonder", new ClientAddress(4, 1)));
            } catch (AccessRefusedException e) {
                right.set(false);
            }
        });
        while (passwords.checks() == 0) {
            Thread.onSpinWait();
        }
        boolean waited = false;
        while (client.isAlive()) {
            waited |= client.getState() == Thread.State.TIMED_WAITING;
        }
        assertThat(waited).isTrue();
        assertThat(right.get()).isTrue();
    }

    private static long nanosOfWrong(Passwords passwords, String user) throws Exception {
        long start = System.nanoTime();
        assertThat(passwords.isRight(user, "wrong", new ClientAddress(4, 2))).isFalse();
        return System.nanoTime() - start;
    }

    @Test
    void aWrongPasswordTakesAsLongWhetherTheHashIsCheapOrDear() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 4), "bob:" + hash("builder", 12));
        nanosOfWrong(passwords, "nobody");
        long cheap = nanosOfWrong(passwords, "alice");
        long dear = nanosOfWrong(passwords, "bob");
        assertThat(cheap).isGreaterThan(dear / 4);
        assertThat(passwords.isRight("alice", "wonder", new ClientAddress(4, 2)))
                .isTrue();
    }
}
