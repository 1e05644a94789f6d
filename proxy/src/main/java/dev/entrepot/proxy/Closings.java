package dev.entrepot.proxy;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is open, to be closed in the opposite order of its opening. What fails to close is logged, and the rest is
 * closed all the same.
 */
final class Closings implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Closings.class);

    /** Something to close. */
    interface Closing {
        /** Closes it. */
        void close() throws IOException;
    }

    private final Deque<Closing> open = new ArrayDeque<>();

    /** Adds what is closed first from now on. */
    void push(Closing closing) {
        open.push(closing);
    }

    @Override
    public void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (IOException | RuntimeException | Error e) {
                LOG.error("closing: {}", e.toString(), e);
            }
        }
    }
}
