package dev.entrepot.proxy.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.webserver.http.RoutingResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.function.Function;

/**
 * Writes answers, and adds the headers that every answer carries. A HEAD never gets a body, and gets the Content-Length
 * of the GET wherever that is known. Safe for all threads.
 */
final class ReplySender {
    private final StallWatchdog watchdog;
    private final Function<ConnectionChannels.Ends, Optional<SocketChannel>> sockets;

    /**
     * A sender.
     *
     * @param sockets the socket of a connection, where the body of an answer may be written to it directly
     */
    ReplySender(StallWatchdog watchdog, Function<ConnectionChannels.Ends, Optional<SocketChannel>> sockets) {
        this.watchdog = watchdog;
        this.sockets = sockets;
    }

    /**
     * Sends an answer; closes its body in any case.
     *
     * @param close whether the connection is to be closed in any case
     * @return whether the connection is to be closed now
     * @throws IOException if the content could not be had; if nothing was sent yet, another answer can be sent instead
     * @throws ClientStream.ClientGone if the client has gone or stalled
     */
    boolean send(Reply reply, boolean head, boolean close, RoutingResponse response, Exchange exchange)
            throws IOException {
        exchange.sending(reply);
        response.status(reply.status());
        ServerResponseHeaders headers = response.headers();
        for (Header header : reply.headers()) {
            headers.set(exchange.audience().header(header));
        }
        headers.set(HeaderValues.X_CONTENT_TYPE_OPTIONS_NOSNIFF);
        headers.set(ReplyHeaders.verdict(reply.verdict()));
        if (!exchange.namespace().isEmpty()) {
            headers.set(ReplyHeaders.namespace(exchange.namespace()));
        }
        boolean last = close || reply.closesConnection();
        if (last) {
            headers.set(HeaderValues.CONNECTION_CLOSE);
        }
        StallWatchdog.Transfer transfer = watchdog.watch();
        switch (reply.body()) {
            case ReplyBody.None _ -> bodiless(response, transfer);
            case ReplyBody.Bytes(byte[] bytes) -> {
                if (head || bytes.length <= ClientStream.MOST_AT_ONCE) {
                    bytes(bytes, head, response, transfer, exchange);
                } else {
                    slices(bytes, response, transfer, exchange);
                }
            }
            case ReplyBody.Unopened unopened -> unopened(unopened, response, transfer);
            case ReplyBody.Stream stream -> stream(stream, response, transfer, exchange);
        }
        return last;
    }

    private static void bodiless(RoutingResponse response, StallWatchdog.Transfer transfer) {
        ClientStream.guarded(transfer, () -> NoBody.send(response));
    }

    private static void bytes(
            byte[] bytes, boolean head, RoutingResponse response, StallWatchdog.Transfer transfer, Exchange exchange) {
        if (head) {
            response.headers().contentLength(bytes.length);
            ClientStream.guarded(transfer, response::send);
        } else {
            ClientStream.guarded(transfer, () -> response.send(bytes));
            exchange.wrote(bytes.length);
        }
    }

    // The server would copy all of it, and its head, into one buffer that the connection keeps until the client has
    // taken it: a client that takes nothing would hold several megabytes. The array itself is shared by all.
    private static void slices(
            byte[] bytes, RoutingResponse response, StallWatchdog.Transfer transfer, Exchange exchange) {
        response.headers().contentLength(bytes.length);
        OutputStream out = response.outputStream();
        new ClientStream(out, transfer, exchange, Optional.empty()).write(bytes, 0, bytes.length);
        end(out, response, transfer);
    }

    private static void end(OutputStream out, RoutingResponse response, StallWatchdog.Transfer transfer) {
        ClientStream.guarded(transfer, () -> {
            out.close();
            response.commit();
        });
    }

    // Of a length that is not known nothing is said; the connection is closed then.
    private static void unopened(
            ReplyBody.Unopened unopened, RoutingResponse response, StallWatchdog.Transfer transfer) {
        if (unopened.length().isPresent()) {
            response.headers().contentLength(unopened.length().getAsLong());
            ClientStream.guarded(transfer, response::send);
        } else {
            bodiless(response, transfer);
        }
    }

    // The server counts what goes through its own stream, and minds only when that is more than was announced.
    private void stream(
            ReplyBody.Stream stream, RoutingResponse response, StallWatchdog.Transfer transfer, Exchange exchange)
            throws IOException {
        try (ReplyBody.Writer writer = stream.writer()) {
            stream.length().ifPresent(response.headers()::contentLength);
            Optional<SocketChannel> socket =
                    stream.length().isPresent() ? sockets.apply(exchange.ends()) : Optional.empty();
            OutputStream out = response.outputStream();
            writer.writeTo(new ClientStream(out, transfer, exchange, socket));
            end(out, response, transfer);
        }
    }
}
