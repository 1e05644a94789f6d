package dev.entrepot.cache;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a running server does for its disk without being asked. At the start and every ten seconds it looks whether
 * something has to go: others may fill the file system, the capacity may be lower than before, and what is served from
 * the disk asks for no room. Every hour it drops what was kept for a time only: what lies in quarantine, unfinished
 * blobs, lists, and indexes that were put aside. From the second look on it sees to the {@link Ballast}.
 */
public final class Housekeeping implements AutoCloseable {
    /** How long between two looks. */
    static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);
    /** The looks from one tidying up to the next: an hour. */
    static final int LOOKS_TO_TIDY = 360;

    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final Duration POLICY_FIRST = Duration.ofMinutes(1);
    private static final Duration ENDS = Duration.ofSeconds(40);

    private final ContentStore store;
    private final CacheIndex index;
    private final Evictor evictor;
    private final Clock clock;
    private final Scrub.Pacer pacer;
    private int looks;
    private int nextBallast = 1;
    private @Nullable Thread thread;

    /**
     * Housekeeping that has not begun.
     *
     * @param pacer how it waits between looks
     */
    public Housekeeping(ContentStore store, CacheIndex index, Evictor evictor, Clock clock, Scrub.Pacer pacer) {
        this.store = store;
        this.index = index;
        this.evictor = evictor;
        this.clock = clock;
        this.pacer = pacer;
    }

    /** Begins, in the background, once it is known what is worth keeping, or after a minute. */
    public synchronized void start() {
        thread = Thread.ofVirtual().name("housekeeping").start(this::lookAgainAndAgain);
    }

    private void lookAgainAndAgain() {
        try {
            evictor.awaitPolicy(POLICY_FIRST);
            while (!Thread.currentThread().isInterrupted()) {
                look();
                pacer.pause(BETWEEN_LOOKS);
            }
        } catch (InterruptedException e) {
            LOG.debug("nobody looks after the disk any more");
        }
    }

    /** Looks once. */
    void look() {
        try {
            evictor.trimNow();
            index.pinListing().catchUp();
            if (looks++ % LOOKS_TO_TIDY == 0) {
                tidy();
            }
            keepBallast();
        } catch (IOException e) {
            LOG.warn("the data folder could not be tidied up and will be within an hour: {}", e.toString());
        } catch (RuntimeException | Error e) {
            // Also for want of memory: else nobody would look again until a restart.
            LOG.error("the disk could not be looked after", e);
        }
    }

    // Not with the first look, which comes with the first requests; and in an hour, where the disk refuses.
    private void keepBallast() {
        if (looks <= nextBallast) {
            return;
        }
        try {
            Ballast ballast = store.ballast();
            long wanted = Ballast.bytesFor(evictor.capacityBytes());
            if (ballast.look() != wanted && evictor.claim(ballast, wanted)) {
                ballast.make(wanted);
            }
        } catch (IOException e) {
            nextBallast = looks + LOOKS_TO_TIDY;
            LOG.warn(
                    "no ballast for a start on a full disk could be made; it is tried again in an hour: {}",
                    e.toString());
        }
    }

    private void tidy() throws IOException {
        index.lists().forgetOld();
        store.quarantine().tidy();
        IndexReplacement.dropOld(store.layout(), clock.instant());
        int dropped = store.ingests().deleteIdleBefore(clock.instant().minus(StoreOpening.PARTIAL_LIFE));
        if (dropped > 0) {
            LOG.info("dropped {} unfinished blobs that nobody has asked for again in a day", dropped);
        }
    }

    /** Stops, waiting for the file in hand. */
    @Override
    public synchronized void close() {
        Thread running = thread;
        if (running == null) {
            return;
        }
        running.interrupt();
        try {
            if (!running.join(ENDS)) {
                LOG.warn("what looks after the disk did not end within {} s", ENDS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
