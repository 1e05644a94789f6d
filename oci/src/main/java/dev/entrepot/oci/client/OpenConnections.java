package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The connections of all clients of this process. Each has its own, and many clients together would keep thousands that
 * nobody uses, each with its buffers: of those of one client some are kept for long and the others go soon, and when
 * there are too many of all clients, before another is opened, those go that are idle. None goes that has a request on
 * it, so there may be more while there are as many requests. Safe for all threads.
 */
public final class OpenConnections {
    private static final int MOST = 1000;
    // As many as somebody who pulls an image uses at a time.
    private static final int KEPT = 4;
    private static final Duration IDLE = Duration.ofSeconds(10);
    // Who works uses its connections again within this time.
    private static final Duration AT_WORK = Duration.ofSeconds(1);

    private final int most;
    private final int kept;
    private final Duration idle;
    private final OverdueWatch watch;
    private final Set<HttpTransport> all = ConcurrentHashMap.newKeySet();

    /** None; from 1000 in all on, idle ones go at once, and of more than four of a client after 10 s. */
    public OpenConnections() {
        this(MOST, KEPT, IDLE);
    }

    /**
     * As above, with other bounds.
     *
     * @param most connections from which idle ones go before another is opened
     * @param kept idle connections of one client that are kept for as long as they are good
     * @param idle how long the others are kept; they go by an eighth of it later
     */
    OpenConnections(int most, int kept, Duration idle) {
        this.most = most;
        this.kept = kept;
        this.idle = idle;
        this.watch = new OverdueWatch(idle);
    }

    /** Counts the connections of a client from now on, until it is removed. */
    void add(HttpTransport transport) {
        all.add(transport);
    }

    /** Counts them no more. */
    void remove(HttpTransport transport) {
        watch.remove(transport);
        all.remove(transport);
    }

    /**
     * A connection of a client is about to be idle.
     *
     * @param others how many of its connections are idle
     * @param good how long it is good
     * @return how long to keep it
     */
    Duration keep(HttpTransport transport, int others, Duration good) {
        watch.add(transport);
        return others < kept || good.compareTo(idle) < 0 ? good : idle;
    }

    /** Says that a client has no connections, until {@link #keep} is asked about one. */
    void none(HttpTransport transport) {
        watch.remove(transport);
    }

    /** Makes room for another connection, of whichever client, if there is something that can go. */
    void makeRoom() {
        if (open() >= most) {
            all.forEach(transport -> transport.dropIdle(AT_WORK));
            if (open() >= most) {
                all.forEach(HttpTransport::dropIdle);
            }
        }
    }

    private int open() {
        return all.stream().mapToInt(HttpTransport::open).sum();
    }
}
