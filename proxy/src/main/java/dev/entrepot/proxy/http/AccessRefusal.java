package dev.entrepot.proxy.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import java.util.ArrayList;
import java.util.List;

/** What a refused access is in HTTP, for those who pull as for those who look after the server. */
public final class AccessRefusal {
    private AccessRefusal() {}

    /** The status of the answer. */
    public static Status status(AccessRefusedException refused) {
        return switch (refused.kind()) {
            case UNKNOWN -> Status.UNAUTHORIZED_401;
            case DENIED -> Status.FORBIDDEN_403;
            case TOO_OFTEN -> Status.TOO_MANY_REQUESTS_429;
            case UNDECIDED -> Status.SERVICE_UNAVAILABLE_503;
        };
    }

    /** What must be shown, and when to come again. */
    public static List<Header> headers(AccessRefusedException refused) {
        List<Header> headers = new ArrayList<>(1);
        refused.challenge().ifPresent(text -> headers.add(ReplyHeaders.checked(HeaderNames.WWW_AUTHENTICATE, text)));
        refused.retryAfter().ifPresent(wait -> headers.add(ErrorReplies.retryAfter(wait)));
        return headers;
    }
}
