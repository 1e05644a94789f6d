package dev.entrepot.replicator;

import dev.entrepot.oci.OutageException;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stands before one host during one run: limits the requests that run at once, repeats those that met an outage, never asks before the time that
 * the host named, and gives the host up after many outages in a row, or until that time if it is further away than the longest pause. Transfers of blobs have permits of their own, so that they do not hold
 * up the small requests. No permit is held during a pause. Safe for all threads.
 *
 * <p>All requests wait while the host is paused, not only the one that met the outage: a host that answers 429 is left alone. What was not sent because
 * the host is known to be out waits until it may be asked, and says nothing new of the host; what a quota of pulls stopped is not repeated in this run's time.
 */
final class HostGate {
    private final String host;
    private final RequestLimit requests;
    private final RequestLimit transfers;
    private final AdaptiveLimit uploads;
    private final RetryPolicy policy;
    private final RateLimit rate;
    private final Time time;
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong progress = new AtomicLong();
    private Instant notBefore = Instant.MIN;
    private Instant closedUntil = Instant.MIN;
    private String closedBy = "";
    private int failures;
    private long round;

    /**
     * A gate that is open.
     *
     * @param host the host's name, for messages
     * @param concurrency transfers at once, and as many small requests
     * @param rate requests per second
     */
    HostGate(String host, int concurrency, RetryPolicy policy, RateLimit rate, Time time) {
        this(host, concurrency, new AdaptiveLimit(concurrency, time), policy, rate, time);
    }

    /**
     * As above.
     *
     * @param uploads transfers at once to where the host is, of all gates before it
     */
    HostGate(String host, int concurrency, AdaptiveLimit uploads, RetryPolicy policy, RateLimit rate, Time time) {
        this.host = host;
        this.requests = new RequestLimit(concurrency);
        this.transfers = new RequestLimit(concurrency);
        this.uploads = uploads;
        this.policy = policy;
        this.rate = rate;
        this.time = time;
    }

    /** Makes a small request, which must be repeatable. */
    <T> T request(RequestLimit.Request<T> request) throws IOException {
        return call(requests::send, request);
    }

    /** Moves a blob; the request must be repeatable. */
    <T> T transfer(RequestLimit.Request<T> request) throws IOException {
        return call(
                upload -> transfers.send(() -> {
                    T moved = uploads.send(upload);
                    uploads.succeeded();
                    return moved;
                }),
                request);
    }

    /** Sends a request when there is room for it. */
    private interface Limit<T> {
        T send(RequestLimit.Request<T> request) throws IOException;
    }

    private <T> T call(Limit<T> limit, RequestLimit.Request<T> request) throws IOException {
        Optional<OutageException> last = Optional.empty();
        for (int attempt = 1; ; attempt++) {
            long sentIn = awaitTurn(last);
            try {
                T result = limit.send(() -> {
                    count.incrementAndGet();
                    return request.send();
                });
                answered();
                return result;
            } catch (OutageException e) {
                failed(e, sentIn);
                if (attempt >= policy.attempts() || isOut() || e.reason() == OutageException.Reason.QUOTA) {
                    throw e;
                }
                last = Optional.of(e);
            } catch (IOException e) {
                answered();
                throw e;
            }
        }
    }

    // Returns the round that the request is sent in. One that has failed before does not wait for a host that is out by
    // now,
    // whoever found that.
    private long awaitTurn(Optional<OutageException> last) throws IOException {
        rate.take(1);
        while (true) {
            long now = round();
            Duration wait = untilTurn();
            if (wait.isNegative() || wait.isZero()) {
                return now;
            }
            if (last.isPresent() && isOut()) {
                throw last.get();
            }
            time.pause(wait);
        }
    }

    private synchronized long round() {
        return round;
    }

    // Others may have asked in between: what counts is how often the host has failed in a row.
    private synchronized boolean isOut() {
        return failures >= policy.attempts() || isClosed();
    }

    private synchronized Duration untilTurn() throws OutageException {
        if (failures >= policy.giveUpAfter()) {
            throw new OutageException(
                    OutageException.Reason.NOT_ASKED,
                    host + " is not asked again in this run after " + failures + " outages in a row");
        }
        Instant now = time.clock().instant();
        if (isClosed()) {
            throw OutageException.notAsked(
                    OutageException.Reason.RATE_LIMITED,
                    host + " asked to be left alone until " + closedUntil + ", and is given up for this run: "
                            + closedBy,
                    Duration.between(now, closedUntil));
        }
        return now.isBefore(notBefore) ? Duration.between(now, notBefore) : Duration.ZERO;
    }

    private synchronized boolean isClosed() {
        return time.clock().instant().isBefore(closedUntil);
    }

    private synchronized void answered() {
        failures = 0;
        progress.incrementAndGet();
    }

    /** Takes note of an outage, and makes all requests wait. */
    void failed(OutageException outage) {
        failed(outage, round());
    }

    // Requests that were on their way together and fail together are one outage, however many they are.
    private synchronized void failed(OutageException outage, long sentIn) {
        boolean asked = outage.reason() != OutageException.Reason.NOT_ASKED;
        if (outage.reason() == OutageException.Reason.QUOTA
                || !asked && outage.retryAfter().isEmpty()) {
            return;
        }
        Duration pause = outage.retryAfter().orElse(Duration.ZERO);
        if (sentIn == round && asked) {
            round++;
            failures++;
            if (outage.reason() == OutageException.Reason.RATE_LIMITED) {
                uploads.throttled();
            }
            pause = outage.retryAfter().orElseGet(() -> spread(policy.pause(failures)));
        }
        Instant now = time.clock().instant();
        boolean tooLong = outage.retryAfter()
                .filter(named -> named.compareTo(policy.longest()) > 0)
                .isPresent();
        if (tooLong) {
            Instant opens = now.plus(pause);
            if (opens.isAfter(closedUntil)) {
                closedUntil = opens;
                closedBy = String.valueOf(outage.getMessage());
            }
            return;
        }
        Instant until = now.plus(pause.compareTo(policy.longest()) > 0 ? policy.longest() : pause);
        if (until.isAfter(notBefore)) {
            notBefore = until;
        }
    }

    private Duration spread(Duration pause) {
        return pause.multipliedBy(750 + time.random().nextInt(501)).dividedBy(1000);
    }

    /** The name of the host. */
    String host() {
        return host;
    }

    /** Notes that bytes moved, so that those who wait for this host know that it lives. */
    void moved() {
        progress.incrementAndGet();
    }

    /** A number that changes as long as the host answers or bytes move. */
    long progress() {
        return progress.get();
    }

    /** Requests made so far, repeated ones included; a list of several pages counts as one. */
    long requestCount() {
        return count.get();
    }
}
