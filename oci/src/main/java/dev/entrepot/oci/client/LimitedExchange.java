package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.time.Duration;

/**
 * Takes a slot for each request, until its answer is read to the end or closed. A body that is streamed out takes none: it waits for its
 * source, which may need a slot of the same registry.
 */
final class LimitedExchange implements Exchange {
    private static final int BACKGROUND_PATIENCE = 10;

    private final Exchange next;
    private final RequestLimiter limiter;
    private final Duration patience;

    /**
     * Limits an exchange.
     *
     * @param patience how long an interactive request waits for a slot; a background request waits ten times as long
     */
    LimitedExchange(Exchange next, RequestLimiter limiter, Duration patience) {
        this.next = next;
        this.limiter = limiter;
        this.patience = patience;
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        if (request.body() instanceof RequestBody.Stream) {
            return adapted(request, next.send(request));
        }
        RequestLimiter.Permit permit = permit(request);
        try {
            ApiResponse response = adapted(request, next.send(request));
            response.onEnd(permit::close);
            return response;
        } catch (IOException | RuntimeException e) {
            permit.close();
            throw e;
        }
    }

    private ApiResponse adapted(ApiRequest request, ApiResponse response) {
        if (response.status() == 429) {
            limiter.throttled();
        } else if (request.priority() == Priority.BACKGROUND && response.status() < 500) {
            limiter.succeeded();
        }
        return response;
    }

    private RequestLimiter.Permit permit(ApiRequest request) throws OutageException {
        boolean interactive = request.priority() == Priority.INTERACTIVE;
        Duration longest = interactive ? patience : patience.multipliedBy(BACKGROUND_PATIENCE);
        try {
            return limiter.acquire(request.priority(), longest)
                    .orElseThrow(() -> new OutageException(
                            Reason.NOT_ASKED,
                            request.what() + ": all slots for requests to " + request.host() + " were taken for "
                                    + longest.toSeconds() + " s"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(Reason.NOT_ASKED, request.what() + ": interrupted while waiting for a slot", e);
        }
    }
}
