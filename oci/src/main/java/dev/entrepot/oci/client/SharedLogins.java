package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The logins that this process has renewed, by the file that they came from, for all its clients: what one renews is
 * there for the others, also where the file cannot be written, since a refresh token may be good for one use. One for
 * each file that the configuration leads to. Safe for all threads.
 */
public final class SharedLogins {
    // Longer than a renewal, which is asked for twice at most.
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    private final Map<Path, OfFile> all = new ConcurrentHashMap<>();

    /** With none renewed. */
    public SharedLogins() {}

    /** What is known of the login in a file. */
    public OfFile of(Path file) {
        return all.computeIfAbsent(file.toAbsolutePath().normalize(), key -> new OfFile());
    }

    /** Asks for something. */
    @FunctionalInterface
    public interface Work<T> {
        /** Does it. Bounded in time. */
        T result() throws IOException;
    }

    /** The login of one file. */
    public static final class OfFile {
        private final ReentrantLock lock = new ReentrantLock();
        private volatile Optional<Renewal> last = Optional.empty();

        private OfFile() {}

        private record Renewal(StoredLogin file, StoredLogin login) {}

        /** What counts: what is in the file, unless that is still what was there when it was renewed here. */
        public StoredLogin atHand(StoredLogin file) {
            return last.filter(renewal -> renewal.file().accessToken().equals(file.accessToken()))
                    .map(Renewal::login)
                    .orElse(file);
        }

        /**
         * Notes a renewal.
         *
         * @param file what the file held then
         */
        public void renewed(StoredLogin file, StoredLogin login) {
            last = Optional.of(new Renewal(file, login));
        }

        /**
         * Does what no two may do at the same time.
         *
         * @throws OutageException if somebody else does not come to an end with it within 60 s, or the thread is
         *     interrupted
         * @throws IOException as {@code work} does
         */
        public <T> T alone(Work<T> work) throws IOException {
            try {
                if (!lock.tryLock(LONGEST_WAIT.toSeconds(), TimeUnit.SECONDS)) {
                    throw new OutageException(Reason.TOKEN_SERVICE, "another renewal of the same login takes too long");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new OutageException(Reason.NOT_ASKED, "interrupted while waiting for the renewal of a login", e);
            }
            try {
                return work.result();
            } finally {
                lock.unlock();
            }
        }
    }
}
