package dev.entrepot.replicator.events;

import java.io.IOException;
import java.util.Map;

/** Posts one message to one receiver. */
@FunctionalInterface
public interface EventSink {
    /**
     * Posts.
     *
     * @param headers the content type, and the signature if there is one
     * @return the HTTP status of the answer
     * @throws IOException if there was none
     */
    int post(Map<String, String> headers, byte[] body) throws IOException;
}
