package dev.entrepot.replicator;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Pace;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stands before one host during one run: limits the requests that run at once, repeats those that met an outage, never
 * asks before the time that the host named, and gives up after many outages in a row, or until that time if it is
 * further away than the longest pause. All of that is done for each {@link RequestKind} by itself, so that uploads that
 * are refused hold up no HEAD; a host that does not answer at all is left alone altogether. What is known of the host
 * is shared with the other runs that go there ({@link KnownHost}). No permit is held during a pause. Safe for all
 * threads.
 *
 * <p>All requests of a kind wait while it is paused, not only the one that met the outage: a host that answers 429 is
 * left alone. What was not sent because the host is known to be out waits until it may be asked, and says nothing new
 * of the host; what a quota of pulls stopped is not repeated in this run's time.
 */
final class HostGate {
    /**
     * Bytes from which a blob is large: more of them at once would bring none there sooner, and whoever is killed has
     * more of them half done.
     */
    static final long LARGE_BYTES = 8 * 1024 * 1024;

    private static final int LARGE_AT_ONCE = 8;

    private final String host;
    private final Map<RequestKind, RequestLimit> requests = new EnumMap<>(RequestKind.class);
    private final RequestLimit transfers;
    private final RequestLimit largeTransfers;
    private final AdaptiveLimit uploads;
    private final BackOff.View whole;
    private final Map<RequestKind, BackOff.View> kinds;
    private final RetryPolicy policy;
    private final Pace pace;
    private final boolean heeded;
    private final Time time;
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong progress = new AtomicLong();

    /**
     * The gate of a run that begins now.
     *
     * @param host the host's name, for messages
     * @param concurrency transfers at once, and as many small requests of each kind; of large blobs, and of those that
     *     are sent at a pace, a quarter of that or eight, whichever is more
     * @param known what is known of the host
     * @param pace at what pace the wire is used; only requests that go over the wire count
     */
    HostGate(String host, int concurrency, KnownHost known, RetryPolicy policy, Pace pace, Time time) {
        this.host = host;
        for (RequestKind kind : RequestKind.values()) {
            requests.put(kind, new RequestLimit(concurrency));
        }
        this.transfers = new RequestLimit(concurrency);
        this.largeTransfers = new RequestLimit(Math.min(concurrency, Math.max(LARGE_AT_ONCE, concurrency / 4)));
        this.uploads = known.uploads();
        this.whole = known.whole();
        this.kinds = known.kinds();
        this.policy = policy;
        this.pace = pace;
        this.heeded = known.isHeeded();
        this.time = time;
    }

    /** Makes a small request, which must be repeatable. */
    <T> T request(RequestKind kind, RequestLimit.Request<T> request) throws IOException {
        return call(kind, of(requests, kind)::send, request);
    }

    /** Uploads a small blob as fast as it goes; the request must be repeatable. */
    <T> T transfer(RequestLimit.Request<T> request) throws IOException {
        return transfer(0, Meter.NONE, request);
    }

    /**
     * Uploads a blob; the request must be repeatable.
     *
     * @param bytes how large the blob is
     * @param bandwidth what the upload takes of as it goes
     */
    <T> T transfer(long bytes, Meter bandwidth, RequestLimit.Request<T> request) throws IOException {
        // Those that share a bandwidth take turns, and the more they are the longer each stands still between two.
        boolean small = bytes < LARGE_BYTES && bandwidth.account() == Meter.NONE;
        return call(
                RequestKind.UPLOAD,
                small
                        ? upload -> upload(bandwidth, upload)
                        : upload -> largeTransfers.send(() -> upload(bandwidth, upload)),
                request);
    }

    private <T> Optional<T> upload(Meter bandwidth, RequestLimit.Request<Optional<T>> upload) throws IOException {
        return transfers.send(() -> {
            Optional<T> moved = uploads.send(bandwidth.account(), upload);
            if (moved.isPresent()) {
                uploads.succeeded();
            }
            return moved;
        });
    }

    /** Sends a request when there is room for it, and its turn is not over by then. */
    private interface Limit<T> {
        Optional<T> send(RequestLimit.Request<Optional<T>> request) throws IOException;
    }

    /** When a request was sent: how often what it is about had failed by then. */
    private record Sent(RequestKind kind, long wholeRound, long kindRound) {}

    private <T> T call(RequestKind kind, Limit<T> limit, RequestLimit.Request<T> request) throws IOException {
        Optional<OutageException> last = Optional.empty();
        int attempt = 1;
        while (true) {
            awaitTurn(kind, last);
            try {
                Optional<T> result = limit.send(() -> sendInTurn(kind, request));
                if (result.isPresent()) {
                    return result.get();
                }
            } catch (OutageException e) {
                if (attempt >= policy.attempts()
                        || isOut(kind)
                        || e.reason() == OutageException.Reason.QUOTA
                        || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                attempt++;
                last = Optional.of(e);
            }
        }
    }

    /**
     * Sends a request for which there is room; empty if it is not to be sent now. It may have waited long for its room,
     * which whoever had it before gives up only when what came of that is noted.
     */
    private <T> Optional<T> sendInTurn(RequestKind kind, RequestLimit.Request<T> request) throws IOException {
        Sent sent = now(kind);
        if (untilTurn(kind).isPositive()) {
            return Optional.empty();
        }
        AtomicBoolean heard = new AtomicBoolean();
        Pace heedful = heeded ? pace : pace.heardBy((status, retryAfter) -> heard(kind, status, retryAfter, heard));
        count.incrementAndGet();
        try {
            T result = heedful.<T, IOException>call(request::send);
            answered(kind);
            return Optional.of(result);
        } catch (OutageException e) {
            // What is broken off here says nothing of the host.
            if (!Thread.currentThread().isInterrupted()) {
                failed(e, sent, heard.get());
            }
            throw e;
        } catch (BlobTransfer.SourceFault e) {
            // Where the source breaks off, nothing was heard of this host: neither that it is out, nor that it is not.
            throw e;
        } catch (IOException e) {
            if (!Thread.currentThread().isInterrupted()) {
                answered(kind);
            }
            throw e;
        }
    }

    // One that has failed before does not wait for a host that is out by now, whoever found that.
    private void awaitTurn(RequestKind kind, Optional<OutageException> last) throws IOException {
        for (Duration wait = untilTurn(kind); wait.isPositive(); wait = untilTurn(kind)) {
            if (last.isPresent() && isOut(kind)) {
                throw last.get();
            }
            time.pause(wait);
        }
    }

    private Duration untilTurn(RequestKind kind) throws OutageException {
        Duration ofWhole = whole.untilTurn(host);
        Duration ofKind = view(kind).untilTurn(host);
        return ofWhole.compareTo(ofKind) > 0 ? ofWhole : ofKind;
    }

    private Sent now(RequestKind kind) {
        return new Sent(kind, whole.round(), view(kind).round());
    }

    // Others may have asked in between: what counts is how often the host has failed in a row.
    private boolean isOut(RequestKind kind) {
        return whole.isOut() || view(kind).isOut();
    }

    private void answered(RequestKind kind) {
        whole.answered();
        view(kind).answered();
        progress.incrementAndGet();
    }

    /**
     * Takes note of an outage that something of this kind met outside of the gate, and makes all requests that it is
     * about wait.
     */
    void failed(RequestKind kind, OutageException outage) {
        failed(outage, now(kind), false);
    }

    // The registry's client repeats a refused request by itself: others are not to be refused meanwhile, and only
    // then be told.
    private void heard(RequestKind kind, int status, Optional<Duration> retryAfter, AtomicBoolean heard) {
        if (status == 429 && kind == RequestKind.UPLOAD) {
            heard.set(true);
            uploads.throttled();
        }
        retryAfter.ifPresent(view(kind)::hold);
    }

    private void failed(OutageException outage, Sent sent, boolean heard) {
        switch (outage.reason()) {
            case QUOTA -> {}
            case UNREACHABLE, DNS, TLS, TOKEN_SERVICE -> whole.failed(outage, sent.wholeRound);
            case NOT_ASKED -> {
                if (outage.retryAfter().isPresent()) {
                    view(sent.kind).failed(outage, sent.kindRound);
                }
            }
            case TIMEOUT -> view(sent.kind).failed(outage, sent.kindRound);
            case RATE_LIMITED -> {
                whole.answered();
                boolean news = view(sent.kind).failed(outage, sent.kindRound);
                if (news && !heard && sent.kind == RequestKind.UPLOAD) {
                    uploads.throttled();
                }
            }
            case SERVER_ERROR -> {
                whole.answered();
                view(sent.kind).failed(outage, sent.kindRound);
            }
        }
    }

    private BackOff.View view(RequestKind kind) {
        return of(kinds, kind);
    }

    private static <V> V of(Map<RequestKind, V> all, RequestKind kind) {
        V value = all.get(kind);
        if (value == null) {
            throw new IllegalStateException("nothing for " + kind);
        }
        return value;
    }

    /**
     * At what pace the wire to the host is used; what is read of an answer after its request has passed keeps to it,
     * too.
     */
    Pace pace() {
        return pace;
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

    /**
     * What was let through so far, repetitions by this gate included. An upload counts as one, however many requests it
     * takes, and so does a list of several pages; tokens, redirects and repetitions by the registry's client are not
     * seen here.
     */
    long requestCount() {
        return count.get();
    }
}
