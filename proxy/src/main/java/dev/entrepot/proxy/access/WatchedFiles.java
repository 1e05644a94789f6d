package dev.entrepot.proxy.access;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has files read again that change while a server runs. It looks at their content, every two seconds, which works for files of every kind, mounted and linked ones
 * too; a content counts when it was the same at two looks, so that a file that is being written is not read, and certificate and key change together. What
 * cannot be read leaves what was read before in effect, and is a {@link #problems() problem}. Safe for all threads.
 */
public final class WatchedFiles implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WatchedFiles.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final int MOST_BYTES = 4 * 1024 * 1024;

    /** Reads files and puts them into effect. */
    public interface Reading {
        /**
         * Reads.
         *
         * @throws IOException if that fails; then nothing has changed
         */
        void read() throws IOException;
    }

    private static final class Watched {
        private final String what;
        private final List<Path> files;
        private final Reading reading;
        private List<Optional<Digest>> inEffect;
        private List<Optional<Digest>> seen;
        private volatile Optional<String> problem = Optional.empty();

        Watched(String what, List<Path> files, Reading reading) {
            this.what = what;
            this.files = List.copyOf(files);
            this.reading = reading;
            this.inEffect = contents(this.files);
            this.seen = inEffect;
        }
    }

    private final List<Watched> watched = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicLong succeeded = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();

    /**
     * Watches files that have just been read.
     *
     * @param what what they are, for logs
     * @param files which are read together
     */
    public void add(String what, List<Path> files, Reading reading) {
        watched.add(new Watched(what, files, reading));
    }

    /** Looks at the files from time to time until this is closed. */
    public void start() {
        if (watched.isEmpty()) {
            return;
        }
        Thread.ofVirtual().name("files").start(() -> {
            try {
                while (!closed.await(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS)) {
                    look();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Looks once, and reads what has changed and was the same at the look before. */
    public synchronized void look() {
        for (Watched files : watched) {
            List<Optional<Digest>> now = contents(files.files);
            boolean settled = now.equals(files.seen);
            files.seen = now;
            if (settled && !now.equals(files.inEffect)) {
                files.inEffect = now;
                read(files);
            }
        }
    }

    private void read(Watched files) {
        try {
            files.reading.read();
            files.problem = Optional.empty();
            succeeded.incrementAndGet();
            LOG.info("{} read again, because a file has changed", files.what);
        } catch (IOException | RuntimeException e) {
            failed.incrementAndGet();
            files.problem = Optional.of(
                    files.what + " cannot be read again, and the former stays in effect: " + e.getMessage());
            LOG.error("{} not read again, and the former stays in effect: {}", files.what, e.getMessage());
        }
    }

    private static List<Optional<Digest>> contents(List<Path> files) {
        List<Optional<Digest>> contents = new ArrayList<>();
        for (Path file : files) {
            try (InputStream in = Files.newInputStream(file)) {
                contents.add(Optional.of(Digest.sha256(in.readNBytes(MOST_BYTES))));
            } catch (IOException e) {
                contents.add(Optional.empty());
            }
        }
        return contents;
    }

    /** What could not be read when it last was to be. */
    public List<String> problems() {
        return watched.stream()
                .map(files -> files.problem)
                .flatMap(Optional::stream)
                .toList();
    }

    /** How often files were read again. */
    public long succeeded() {
        return succeeded.get();
    }

    /** How often they could not be. */
    public long failed() {
        return failed.get();
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
