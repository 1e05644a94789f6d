package dev.entrepot.replicator.events;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Posts messages to one receiver, once each, signed where there is a key, and says what came of it. Safe for all
 * threads.
 */
final class EventPost {
    // The receiver is not there, or not now.
    private static final Set<Integer> PASSING = Set.of(408, 425, 429, 502, 503, 504);
    private static final Set<Integer> NEVER = Set.of(501, 505);

    private final EventSink sink;
    private final Optional<String> secret;

    /** What one attempt came to. */
    enum Outcome {
        /** 2xx. */
        TAKEN,
        /**
         * An answer that is the same however often one asks: 3xx (nothing is followed), 4xx, 501, 505; but not 408, 425
         * and 429.
         */
        REFUSED,
        /** Another 5xx than 502, 503 and 504: the receiver is there, and fails at this message or at all. */
        FAILED,
        /** No answer, or one of somebody before the receiver, or one that asks for another time. */
        AWAY
    }

    /**
     * What one attempt came to.
     *
     * @param why what a log says of it
     */
    record Result(Outcome outcome, String why) {}

    EventPost(EventSink sink, Optional<String> secret) {
        this.sink = sink;
        this.secret = secret;
    }

    /**
     * Posts a message.
     *
     * @throws InterruptedException if the thread was interrupted meanwhile: what came of it says nothing of the
     *     receiver then
     */
    Result once(EventQueue.Message message) throws InterruptedException {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", message.contentType());
        secret.ifPresent(
                key -> headers.put(EventFormats.SIGNATURE_HEADER, EventFormats.signature(message.body(), key)));
        Result result;
        try {
            int status = sink.post(headers, message.body());
            result = new Result(outcome(status), "it answered " + status);
        } catch (IOException | RuntimeException e) {
            // One message is never the end of the thread.
            result = new Result(Outcome.AWAY, String.valueOf(e.getMessage()));
        }
        if (result.outcome() != Outcome.TAKEN && Thread.interrupted()) {
            throw new InterruptedException("closed while a message was delivered");
        }
        return result;
    }

    private static Outcome outcome(int status) {
        if (status >= 200 && status < 300) {
            return Outcome.TAKEN;
        }
        if (PASSING.contains(status)) {
            return Outcome.AWAY;
        }
        return status / 100 == 5 && !NEVER.contains(status) ? Outcome.FAILED : Outcome.REFUSED;
    }
}
