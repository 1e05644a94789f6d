package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.RequestRecord;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** The parts of log lines that are dear to format and often the same as in the line before. Used by one thread. */
final class LogFields {
    private static final DateTimeFormatter SECOND =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC);

    private long second = Long.MIN_VALUE;
    private String secondText = "";
    private @Nullable InetAddress address;
    private String addressText = "";

    /** Appends the time of a request, in UTC, to the millisecond. */
    void addTime(RequestRecord request, LineBuffer out) {
        long wanted = Math.floorDiv(request.startedMillis(), 1000L);
        if (wanted != second) {
            second = wanted;
            secondText = SECOND.format(Instant.ofEpochSecond(wanted));
        }
        out.add(secondText)
                .add('.')
                .addPadded((int) Math.floorMod(request.startedMillis(), 1000L), 3)
                .add('Z');
    }

    /** The client's address, without its port. */
    String client(RequestRecord request) {
        SocketAddress client = request.client();
        if (!(client instanceof InetSocketAddress inet) || inet.getAddress() == null) {
            return "-";
        }
        if (!inet.getAddress().equals(address)) {
            address = inet.getAddress();
            addressText = inet.getAddress().getHostAddress();
        }
        return addressText;
    }

    /** Appends a duration in milliseconds with three decimals. */
    static void addMillis(long nanos, LineBuffer out) {
        long micros = nanos / 1000;
        out.add(micros / 1000).add('.').addPadded((int) (micros % 1000), 3);
    }

    /** The verdict in a word. */
    static String verdict(RequestRecord request) {
        return request.verdict().isPresent() ? request.verdict().get().headerValue() : "none";
    }

    /** The upstream's name. */
    static String upstream(RequestRecord request) {
        return request.upstream() == null ? "-" : request.upstream().value();
    }
}
