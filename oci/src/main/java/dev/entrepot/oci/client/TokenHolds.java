package dev.entrepot.oci.client;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Leaves a token service alone for as long as its 429 asked. Tokens that are at hand need no request. */
final class TokenHolds implements Exchange {
    private final Exchange next;
    private final TooManyCounts counts;
    private final Holds holds;
    private final LimitLog limits;
    private final StatusErrors errors;

    TokenHolds(Exchange next, TooManyCounts counts, Holds holds, LimitLog limits, StatusErrors errors) {
        this.next = next;
        this.counts = counts;
        this.holds = holds;
        this.limits = limits;
        this.errors = errors;
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        Optional<Duration> wait = holds.wait(TooManyKind.TOKEN);
        if (wait.isPresent()) {
            throw QuotaExchange.held(request.what(), "the token service " + request.host(), wait.get());
        }
        ApiResponse response = next.send(request);
        if (response.status() == 429) {
            counts.answered(TooManyKind.TOKEN);
            holds.hold(TooManyKind.TOKEN, errors.retryAfter(response))
                    .ifPresent(until -> limits.held(TooManyKind.TOKEN, until));
        } else {
            limits.answered(TooManyKind.TOKEN);
        }
        return response;
    }
}
