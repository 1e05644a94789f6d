package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.ClientAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PasswordsTest {
    @TempDir
    private Path folder;

    private static String hash(String password, int cost) {
        return BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(cost, password.toCharArray());
    }

    private Passwords passwords(String... lines) throws Exception {
        Path file = folder.resolve("users");
        Files.write(file, List.of(lines));
        return new Passwords(new PasswordFile(file), new byte[32], System::nanoTime);
    }

    @Test
    void aCheckKeepsNoProcessorFromVirtualThreads() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 13));
        AtomicReference<Boolean> right = new AtomicReference<>();
        Thread client = Thread.ofVirtual().start(() -> {
            try {
                right.set(passwords.isRight("alice", "wonder", new ClientAddress(1)));
            } catch (AccessRefusedException e) {
                right.set(false);
            }
        });
        while (passwords.checks() == 0) {
            Thread.onSpinWait();
        }
        boolean waited = false;
        while (client.isAlive()) {
            waited |= client.getState() == Thread.State.WAITING;
        }
        assertThat(waited).isTrue();
        assertThat(right.get()).isTrue();
    }

    private static long nanosOfWrong(Passwords passwords, String user) throws Exception {
        long start = System.nanoTime();
        assertThat(passwords.isRight(user, "wrong", new ClientAddress(2))).isFalse();
        return System.nanoTime() - start;
    }

    @Test
    void aWrongPasswordTakesAsLongWhetherTheHashIsCheapOrDear() throws Exception {
        Passwords passwords = passwords("alice:" + hash("wonder", 4), "bob:" + hash("builder", 12));
        nanosOfWrong(passwords, "nobody");
        long cheap = nanosOfWrong(passwords, "alice");
        long dear = nanosOfWrong(passwords, "bob");
        assertThat(cheap).isGreaterThan(dear / 4);
        assertThat(passwords.isRight("alice", "wonder", new ClientAddress(2))).isTrue();
    }
}
