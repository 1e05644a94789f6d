package dev.entrepot.proxy.http;

import io.helidon.http.Header;

/** For whom an answer is, which caches between here and the client must know. */
public enum Audience {
    /** Whoever asks. */
    EVERYBODY,
    /**
     * Those who may: it was asked for with credentials, the client's to this server or this server's to the upstream.
     */
    SOME,
    /** The one whose credentials the upstream was asked with: nobody keeps it, not even for the same client. */
    ONE;

    /** The narrower of two. */
    Audience and(Audience other) {
        return compareTo(other) >= 0 ? this : other;
    }

    /** A header for this audience: {@code Cache-Control} says so, all others stay as they are. */
    Header header(Header header) {
        return switch (this) {
            case EVERYBODY -> header;
            case SOME ->
                header == ReplyHeaders.IMMUTABLE
                        ? ReplyHeaders.PRIVATE_IMMUTABLE
                        : header == ReplyHeaders.NO_CACHE ? ReplyHeaders.PRIVATE_NO_CACHE : header;
            case ONE ->
                header == ReplyHeaders.IMMUTABLE || header == ReplyHeaders.NO_CACHE ? ReplyHeaders.NO_STORE : header;
        };
    }
}
