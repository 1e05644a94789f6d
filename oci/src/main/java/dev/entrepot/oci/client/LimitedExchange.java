package dev.entrepot.oci.client;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Pace;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Takes a slot for each request. Bodies of blobs, which may take hours, have slots of their own: a request for one
 * waits for a body's slot first, and gives the request's slot back when the head of the answer is there; so slow bodies
 * never keep manifests and tags from being asked for. All other answers are short and keep their slot until they are
 * read to the end or closed. A body that is streamed out takes no slot: it waits for its source, which may need one of
 * the same registry. Bodies that are read at a pace ({@link Pace}) are held back for long in which the registry has
 * nothing to do: they are counted apart, so that they keep nobody else waiting, and shared among those whose pace it
 * is.
 *
 * <p>How many of each there may be in the background adapts to how the registry answers requests of that kind.
 *
 * <p>Who waits for a request's slot waits so long and no longer. Who waits for a body's slot waits as long as any body
 * moves. What shows whether the registry is back, which all wait for, has a slot as what somebody waits for has, and
 * waits no longer than for a request's.
 */
final class LimitedExchange implements Exchange {
    private static final int BACKGROUND_PATIENCE = 10;

    private final Exchange next;
    private final RequestLimiter requests;
    private final RequestLimiter bodies;
    private final Duration patience;
    private final Duration backgroundPatience;
    private final AtomicLong progress = new AtomicLong();

    /**
     * Limits an exchange.
     *
     * @param patience how long an interactive request waits for a slot; a background request waits ten times as long
     */
    LimitedExchange(Exchange next, RequestLimiter requests, RequestLimiter bodies, Duration patience) {
        this.next = next;
        this.requests = requests;
        this.bodies = bodies;
        this.patience = patience;
        this.backgroundPatience = patience.multipliedBy(BACKGROUND_PATIENCE);
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        if (request.body() instanceof RequestBody.Stream) {
            return adapted(request, next.send(request));
        }
        boolean blob = request.operation() == Operation.BLOB && request.method().equals("GET");
        return blob ? sendForBody(request) : sendShort(request);
    }

    private ApiResponse sendShort(ApiRequest request) throws IOException {
        RequestLimiter.Permit permit = permit(request, requests, "requests");
        try {
            ApiResponse response = adapted(request, next.send(request));
            response.onEnd(permit::close);
            return response;
        } catch (IOException | RuntimeException | Error e) {
            permit.close();
            throw e;
        }
    }

    private ApiResponse sendForBody(ApiRequest request) throws IOException {
        RequestLimiter.Permit body = permit(request, bodies, "bodies");
        try {
            ApiResponse response = sendForHead(request);
            response.onProgress(progress::incrementAndGet);
            response.onEnd(() -> {
                progress.incrementAndGet();
                body.close();
            });
            return response;
        } catch (IOException | RuntimeException | Error e) {
            body.close();
            throw e;
        }
    }

    private ApiResponse sendForHead(ApiRequest request) throws IOException {
        RequestLimiter.Permit permit = permit(request, requests, "requests");
        try {
            return adapted(request, next.send(request));
        } finally {
            permit.close();
        }
    }

    private ApiResponse adapted(ApiRequest request, ApiResponse response) {
        boolean refused = response.status() == 429;
        boolean succeeded = request.priority() == Priority.BACKGROUND && response.status() < 500 && !refused;
        adapt(requests, isAbout(request, requests), refused, succeeded);
        adapt(bodies, isAbout(request, bodies), refused, succeeded);
        return response;
    }

    // Registries limit kinds of requests apart: one that refuses blobs may well answer everything else. Uploads have a
    // limit of whoever sends them.
    private boolean isAbout(ApiRequest request, RequestLimiter limiter) {
        return switch (request.operation()) {
            case UPLOAD, MOUNT -> false;
            case BLOB -> limiter == bodies;
            case PING,
                    ENTER,
                    CATALOG,
                    RESOLVE,
                    MANIFEST,
                    STAT_BLOB,
                    TAGS,
                    REFERRERS,
                    PUSH_MANIFEST,
                    DELETE_MANIFEST,
                    TOKEN -> limiter == requests;
        };
    }

    private static void adapt(RequestLimiter limiter, boolean its, boolean refused, boolean succeeded) {
        if (refused && its) {
            limiter.throttled();
        } else if (succeeded && its) {
            limiter.succeeded();
        } else if (succeeded) {
            limiter.succeededElsewhere();
        }
    }

    private RequestLimiter.Permit permit(ApiRequest request, RequestLimiter limiter, String what)
            throws OutageException {
        boolean interactive = request.priority() == Priority.INTERACTIVE || request.probe();
        Duration longest = interactive ? patience : backgroundPatience;
        try {
            return (limiter == bodies && !request.probe()
                            ? bodyPermit(request.priority(), longest)
                            : limiter.acquire(interactive ? Priority.INTERACTIVE : Priority.BACKGROUND, longest))
                    .orElseThrow(() -> new OutageException(
                            Reason.NOT_ASKED,
                            request.what() + ": all slots for " + what + " at " + request.host() + " were taken for "
                                    + longest.toSeconds() + " s"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(Reason.NOT_ASKED, request.what() + ": interrupted while waiting for a slot", e);
        }
    }

    private Optional<RequestLimiter.Permit> bodyPermit(Priority priority, Duration longest)
            throws InterruptedException {
        Optional<Meter> account = priority == Priority.INTERACTIVE ? Optional.empty() : Pace.currentAccount();
        return account.isPresent()
                ? bodies.acquirePaced(account.get(), longest, progress::get)
                : bodies.acquire(priority, longest, progress::get);
    }
}
