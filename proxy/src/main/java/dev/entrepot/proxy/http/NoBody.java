package dev.entrepot.proxy.http;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.RoutingResponse;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Sends answers that have neither a body nor a length of one: 304, of which a length would be that of the answer 200
 * (RFC 9110, section 15.4.5), and those to a HEAD of what has no known length. The server puts a length of 0 into the
 * first, and again into one that has none when it is sent, and calls the others chunked and sends the end of the chunks
 * behind them; but what is written to its stream where there was a length has the headers that it has when the first
 * byte is written, which may be none; as long as the server does not collect small writes, for which it is set up so.
 */
final class NoBody {
    private static final byte[] NOTHING = {};

    private NoBody() {}

    /**
     * Sends an answer whose status and headers are set.
     *
     * @throws IOException if it cannot be written
     */
    static void send(RoutingResponse response) throws IOException {
        response.headers().contentLength(0);
        OutputStream out = response.outputStream();
        response.headers().remove(HeaderNames.CONTENT_LENGTH);
        out.write(NOTHING);
        out.close();
        response.commit();
    }
}
