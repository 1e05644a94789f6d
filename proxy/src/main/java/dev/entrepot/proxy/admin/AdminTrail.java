package dev.entrepot.proxy.admin;

import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.RequestRates;
import dev.entrepot.proxy.http.RequestTarget;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.RoutingRequest;
import java.net.InetSocketAddress;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * What the log says of those who use the admin API: a line for whatever was asked to be done, with who asked, and one
 * for whoever was refused. What came to nothing, as a notification that concerns no rule, is for debugging: registries
 * tell of each pull, too. Of one address at most sixty refusals at once and one a second are logged; the metrics count
 * all. Reading leaves no line, nor does being asked who one is. Of the URL only the path is logged, never the query, in
 * which a secret may be. Safe for all threads.
 */
final class AdminTrail {
    private static final Logger LOG = LoggerFactory.getLogger(AdminTrail.class);
    private static final int LINES_AT_ONCE = 60;
    private static final int LONGEST_PATH = 300;

    private final RequestRates<ClientAddress> lines;

    AdminTrail(LongSupplier nanoClock) {
        this.lines = new RequestRates<>(1, LINES_AT_ONCE, nanoClock);
    }

    /**
     * Somebody asked for something to be done, and got an answer. Where it is that what he has shown is wrong, he is
     * refused.
     */
    void changed(RoutingRequest request, String who, AdminReply reply) {
        if (reply.outcome() == AdminReply.Outcome.REFUSED) {
            warn(request, reply);
            return;
        }
        LOG.atLevel(reply.outcome() == AdminReply.Outcome.NOTHING ? Level.DEBUG : Level.INFO)
                .log(
                        "admin: {} {} by {} from {}: {}",
                        method(request),
                        path(request),
                        who,
                        address(request),
                        reply.status());
    }

    /**
     * Somebody was refused for what he showed, for what he may not do, or because it is a page of another site. Who he
     * claimed to be is not said.
     */
    void refused(RoutingRequest request, AdminReply reply) {
        boolean asked = reply.status() == 401 && !shows(request);
        if (!asked) {
            warn(request, reply);
        }
    }

    private void warn(RoutingRequest request, AdminReply reply) {
        if (lines.take(ClientAddress.of(request.remotePeer().address())).isEmpty()) {
            LOG.warn(
                    "admin: {} {} from {} refused, {}: {}",
                    method(request),
                    path(request),
                    address(request),
                    reply.status(),
                    OciJson.mapper().readTree(reply.json()).path("error").asString(""));
        }
    }

    // In a header, or in the query, as senders of notifications may that can set none.
    private static boolean shows(RoutingRequest request) {
        return request.headers().contains(HeaderNames.AUTHORIZATION)
                || ("&" + request.prologue().query().rawValue()).contains("&secret=");
    }

    private static String method(RoutingRequest request) {
        return request.prologue().method().text();
    }

    private static String path(RoutingRequest request) {
        String path = RequestTarget.withoutUser(request.prologue().uriPath().rawPath());
        return path.length() <= LONGEST_PATH ? path : path.substring(0, LONGEST_PATH) + "...";
    }

    private static String address(RoutingRequest request) {
        return request.remotePeer().address() instanceof InetSocketAddress internet && internet.getAddress() != null
                ? internet.getAddress().getHostAddress()
                : "an unknown address";
    }
}
