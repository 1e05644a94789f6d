package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Pace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;

/**
 * Keeps to the {@link Pace} of what a request is sent for: each request that goes over the wire counts as one, and so
 * do the bytes that come back. It waits before there is a slot for the request, so that nobody else waits for that, and
 * before anything is sent, so that nobody counts the time. Bodies of blobs wait while they are read. Those of
 * documents, which are short and bounded as a whole, only count: how long one is shows when it has come. So that they
 * are paid for all the same, whatever has a body is not sent while bytes are owed. What somebody waits for keeps to no
 * pace, and what shows whether the registry is back, which all wait for, only counts.
 */
final class PacedExchange implements Exchange {
    private final Exchange next;
    private final StatusErrors errors;
    private final boolean waits;

    private PacedExchange(Exchange next, StatusErrors errors, boolean waits) {
        this.next = next;
        this.errors = errors;
        this.waits = waits;
    }

    /** Sends requests to a registry. */
    static PacedExchange waiting(Exchange next, StatusErrors errors) {
        return new PacedExchange(next, errors, true);
    }

    /** Sends requests that only count: those for tokens, which others may wait for. */
    static PacedExchange counting(Exchange next, StatusErrors errors) {
        return new PacedExchange(next, errors, false);
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        Optional<Pace> current = Pace.current();
        if (current.isEmpty() || waits && request.priority() == Priority.INTERACTIVE) {
            return next.send(request);
        }
        Pace pace = current.get();
        if (waits && !request.probe()) {
            await(request, pace);
        } else {
            pace.requests().count(1);
        }
        ApiResponse response = next.send(request);
        if (waits && (response.status() == 429 || response.status() == 503)) {
            pace.refusals().refused(response.status(), errors.retryAfter(response));
        }
        boolean blob = request.operation() == Operation.BLOB && request.method().equals("GET");
        response.onReceived(blob ? pace.bytes()::take : pace.bytes()::count);
        return response;
    }

    private static void await(ApiRequest request, Pace pace) throws OutageException {
        try {
            if (request.method().equals("GET")) {
                pace.bytes().settle();
            }
            pace.requests().take(1);
        } catch (InterruptedIOException e) {
            throw new OutageException(
                    Reason.NOT_ASKED, request.what() + ": interrupted while waiting for its turn to be sent", e);
        }
    }
}
