package dev.entrepot.proxy.http;

import dev.entrepot.cache.Verdict;
import io.helidon.http.Header;
import io.helidon.http.Status;
import java.util.List;
import java.util.Optional;

/**
 * What a request is answered with. Headers that every answer carries are added by {@link ReplySender}.
 *
 * @param status the status
 * @param headers headers of this answer, without Content-Length
 * @param body the body
 * @param verdict where the content came from; empty if the cache was not asked
 */
record Reply(Status status, List<Header> headers, ReplyBody body, Optional<Verdict> verdict) {
    /** An answer with a body in memory. */
    static Reply of(Status status, List<Header> headers, byte[] body, Optional<Verdict> verdict) {
        return new Reply(status, headers, new ReplyBody.Bytes(body), verdict);
    }

    /** Whether the connection is to be closed after this answer, whatever the client asked for. */
    boolean closesConnection() {
        return status == Status.METHOD_NOT_ALLOWED_405
                || body instanceof ReplyBody.Unopened unopened
                        && unopened.length().isEmpty();
    }
}
