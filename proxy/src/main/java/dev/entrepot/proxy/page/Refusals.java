package dev.entrepot.proxy.page;

import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The last requests that clients were not given what they asked for, with the reason that they were told. That an
 * upstream does not have something is an answer, and no refusal; nor is it one that a client is asked who it is, which
 * is how every pull begins. Takes no lock. Safe for all threads.
 */
public final class Refusals implements RequestObserver {
    /** How many are kept. */
    static final int KEPT = 200;

    private static final int LONGEST_PATH = 512;
    private static final int LONGEST_AGENT = 120;
    private static final int LONGEST_REASON = 1000;

    private final AtomicReferenceArray<@Nullable Refused> slots = new AtomicReferenceArray<>(KEPT);
    private final AtomicLong count = new AtomicLong();

    private record Refused(
            long number,
            long atMillis,
            int status,
            boolean cut,
            String method,
            String path,
            String namespace,
            String upstream,
            String client,
            String agent,
            byte @Nullable [] error) {}

    /** None yet. */
    public Refusals() {}

    @Override
    public void finished(RequestRecord request) {
        if (!isRefusal(request)) {
            return;
        }
        long number = count.incrementAndGet();
        slots.set(
                (int) (number % KEPT),
                new Refused(
                        number,
                        request.startedMillis(),
                        request.status(),
                        request.ending() == Ending.CUT,
                        request.method(),
                        cut(request.path(), LONGEST_PATH),
                        cut(request.namespace(), LONGEST_PATH),
                        request.upstream() == null ? "" : request.upstream().value(),
                        address(request.client()),
                        cut(request.userAgent(), LONGEST_AGENT),
                        request.error()));
    }

    private static boolean isRefusal(RequestRecord request) {
        if (request.ending() == Ending.CUT) {
            return true;
        }
        return switch (request.status()) {
            case 401 -> request.credentials() || request.kind() == RequestKind.TOKEN;
            case 404 -> request.upstream() == null;
            case 406, 416 -> false;
            default -> request.status() >= 400;
        };
    }

    private static String cut(String text, int most) {
        return text.length() <= most ? text : text.substring(0, most) + "…";
    }

    private static String address(@Nullable SocketAddress client) {
        return client instanceof InetSocketAddress internet && internet.getAddress() != null
                ? internet.getAddress().getHostAddress()
                : "";
    }

    /** How many there were since the start. */
    long count() {
        return count.get();
    }

    /** {@code {"count", "kept", "refusals": [...]}}, the newest first. */
    ObjectNode json() {
        ObjectNode json = OciJson.mapper().createObjectNode();
        long newest = count.get();
        json.put("count", newest);
        json.put("kept", KEPT);
        ArrayNode array = json.putArray("refusals");
        for (long number = newest; number > Math.max(0, newest - KEPT); number--) {
            Refused refused = slots.get((int) (number % KEPT));
            if (refused != null && refused.number() == number) {
                array.add(json(refused));
            }
        }
        return json;
    }

    private static ObjectNode json(Refused refused) {
        Optional<JsonNode> error = error(refused.error());
        String code = error.map(node -> node.path("code").asString("")).orElse("");
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("number", refused.number());
        json.put("at", Instant.ofEpochMilli(refused.atMillis()).toString());
        json.put("kind", kind(refused, code));
        json.put("status", refused.status());
        json.put("code", code);
        json.put(
                "reason",
                cut(error.map(node -> node.path("message").asString("")).orElse(""), LONGEST_REASON));
        json.put("method", refused.method());
        json.put("path", refused.path());
        json.put("namespace", refused.namespace());
        json.put("upstream", refused.upstream());
        json.put("client", refused.client());
        json.put("userAgent", refused.agent());
        return json;
    }

    private static Optional<JsonNode> error(byte @Nullable [] document) {
        if (document == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    OciJson.mapper().readTree(document).path("errors").path(0));
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    private static String kind(Refused refused, String code) {
        if (refused.cut()) {
            return "cut";
        }
        return switch (refused.status()) {
            case 400 -> "malformed";
            case 401 -> "unauthorized";
            case 403 -> "denied";
            case 404 -> code.equals("NAME_UNKNOWN") ? "unknown upstream" : "no such endpoint";
            case 405 -> "push";
            case 429 -> "too many";
            case 500 -> "own fault";
            case 502 -> code.equals("UNAVAILABLE") ? "upstream out" : "bad content";
            case 503 -> code.equals("TOOMANYREQUESTS") ? "too many" : "upstream out";
            case 504 -> "upstream out";
            default -> "refused";
        };
    }
}
