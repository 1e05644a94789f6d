package dev.entrepot.oci.testing;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts manifest pulls as Docker Hub does: GET counts, HEAD only shows what is left. Safe for all threads. */
final class Quota {
    private static final String WINDOW = ";w=21600";

    private final AtomicInteger limit = new AtomicInteger(Integer.MAX_VALUE);
    private final AtomicInteger used = new AtomicInteger();

    void allow(int pulls, int usedUp) {
        limit.set(pulls);
        used.set(usedUp);
    }

    /** Whether the request exceeds the quota; if it is a pull and does not, it is counted. */
    boolean exceeded(Request request) {
        if (!request.method().equals("GET")) {
            return false;
        }
        int max = limit.get();
        return used.getAndUpdate(n -> n < max ? n + 1 : n) >= max;
    }

    Response refusal() {
        return show(Response.error(429, "TOOMANYREQUESTS").header("Retry-After", "60"));
    }

    Response show(Response response) {
        int max = limit.get();
        return max == Integer.MAX_VALUE
                ? response
                : response.header("RateLimit-Limit", max + WINDOW)
                        .header("RateLimit-Remaining", (max - used.get()) + WINDOW);
    }
}
