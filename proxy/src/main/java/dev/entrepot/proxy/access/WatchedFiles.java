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
 * Has files read again that change while a server runs. It looks at their content, every two seconds, which works for
 * files of every kind, mounted and linked ones too; a content counts when it was the same at two looks, so that a file
 * that is being written is not read, and certificate and key change together. What cannot be read leaves what was read
 * before in effect, is a {@link #problems() problem}, and is tried again after ten seconds, then twenty, and so on up
 * to five minutes: what was wrong may have been something else than the files. Safe for all threads.
 */
public final class WatchedFiles implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WatchedFiles.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final int MOST_BYTES = 4 * 1024 * 1024;
    /** Looks before what could not be read is tried again. */
    static final int FIRST_PAUSE = 5;

    private static final int LONGEST_PAUSE = 150;

    /** Reads files and puts them into effect. */
    public interface Reading {
        /**
         * Reads.
         *
         * @throws IOException if that fails; then nothing has changed
         */
        void read() throws IOException;
    }

    /**
     * What files had in them at one time.
     *
     * @param files the files
     * @param digests of each, in their order; empty for what could not be read
     */
    public record Contents(List<Path> files, List<Optional<Digest>> digests) {
        /** Copies the lists. */
        public Contents {
            files = List.copyOf(files);
            digests = List.copyOf(digests);
        }
    }

    private static final class Watched {
        private final String what;
        private final Reading reading;
        private Contents inEffect;
        private Contents seen;
        private Optional<Contents> failed = Optional.empty();
        private int pause;
        private int looksToWait;
        private volatile Optional<String> problem = Optional.empty();

        Watched(String what, Contents inEffect, Reading reading) {
            this.what = what;
            this.reading = reading;
            this.inEffect = inEffect;
            this.seen = inEffect;
        }
    }

    private final List<Watched> watched = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicLong succeeded = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();

    /**
     * Watches files that have just been read, together.
     *
     * @param what what they are, for logs
     * @param before what was in them before they were read, so that no change after that is missed
     */
    public void add(String what, Contents before, Reading reading) {
        watched.add(new Watched(what, before, reading));
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
            Contents now = contents(files.inEffect.files());
            boolean settled = now.equals(files.seen);
            files.seen = now;
            if (!settled) {
                continue;
            }
            if (now.equals(files.inEffect)) {
                // As it was: what had been put in its place meanwhile does not matter any more.
                files.failed = Optional.empty();
                files.problem = Optional.empty();
            } else if (!files.failed.equals(Optional.of(now))) {
                files.pause = FIRST_PAUSE;
                read(files, now);
            } else if (--files.looksToWait <= 0) {
                files.pause = Math.min(2 * files.pause, LONGEST_PAUSE);
                read(files, now);
            }
        }
    }

    private void read(Watched files, Contents now) {
        try {
            files.reading.read();
            files.inEffect = now;
            files.failed = Optional.empty();
            files.problem = Optional.empty();
            succeeded.incrementAndGet();
            LOG.info("{} read again, because a file has changed", files.what);
        } catch (IOException | RuntimeException | Error e) {
            // An Error, too, as for want of memory: else no file would ever be read again.
            String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            Optional<String> problem =
                    Optional.of(files.what + " cannot be read again, and the former stays in effect: " + reason);
            if (!problem.equals(files.problem)) {
                LOG.error("{} not read again, and the former stays in effect: {}", files.what, reason);
            }
            failed.incrementAndGet();
            files.problem = problem;
            files.failed = Optional.of(now);
            files.looksToWait = files.pause;
        }
    }

    /** What files have in them now. */
    public static Contents contents(List<Path> files) {
        List<Optional<Digest>> contents = new ArrayList<>();
        for (Path file : files) {
            try (InputStream in = Files.newInputStream(file)) {
                contents.add(Optional.of(Digest.sha256(in.readNBytes(MOST_BYTES))));
            } catch (IOException e) {
                contents.add(Optional.empty());
            }
        }
        return new Contents(files, contents);
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
