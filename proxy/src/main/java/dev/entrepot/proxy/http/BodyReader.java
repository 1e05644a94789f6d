package dev.entrepot.proxy.http;

import io.helidon.common.buffers.DataReader;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.RoutingRequest;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * Reads the bodies of requests, which are small and come at once, or not at all. Bodies without a length are refused
 * before they are touched: the server takes in a chunk whole before it hands it on, however large the sender declares
 * it.
 */
public final class BodyReader {
    /** A body cannot be read; the status says why. */
    public static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;

        RefusedException(int status, String message) {
            super(message);
            this.status = status;
        }

        /** The status to answer with. */
        public int status() {
            return status;
        }
    }

    private final int maxBytes;
    private final Duration patience;
    private final int ofOneClient;
    private final Semaphore reading;
    private final Map<ClientAddress, Integer> underWay = new ConcurrentHashMap<>();

    /**
     * Of at most so many bytes, within so much time.
     *
     * @param atOnce how many are read at one time: who sends slowly must not hold the whole port
     * @param ofOneClient how many of them may be of one client: nor must he keep the others out
     */
    public BodyReader(int maxBytes, Duration patience, int atOnce, int ofOneClient) {
        this.maxBytes = maxBytes;
        this.patience = patience;
        this.ofOneClient = ofOneClient;
        this.reading = new Semaphore(atOnce);
    }

    /**
     * The whole body, empty if there is none.
     *
     * @throws RefusedException if it is too large, too slow, or not there
     */
    public byte[] read(RoutingRequest request) throws RefusedException {
        if (request.headers().contains(HeaderNames.TRANSFER_ENCODING)) {
            throw new RefusedException(411, "the body must come with Content-Length, not in chunks");
        }
        OptionalLong length = request.headers().contentLength();
        if (length.isEmpty() || length.getAsLong() == 0) {
            return new byte[0];
        }
        if (length.getAsLong() > maxBytes) {
            throw new RefusedException(
                    413, "the body has " + length.getAsLong() + " bytes; " + maxBytes + " are allowed");
        }
        if (!reading.tryAcquire()) {
            throw tooMany();
        }
        ClientAddress client = ClientAddress.of(request.remotePeer().address());
        try {
            if (underWay.merge(client, 1, Integer::sum) > ofOneClient) {
                throw tooMany();
            }
            return read(request, (int) length.getAsLong());
        } finally {
            underWay.computeIfPresent(client, (_, count) -> count > 1 ? count - 1 : null);
            reading.release();
        }
    }

    private static RefusedException tooMany() {
        return new RefusedException(503, "too many bodies are being sent at once; try again");
    }

    private byte[] read(RoutingRequest request, int length) throws RefusedException {
        Thread reader = Thread.currentThread();
        Thread guard = Thread.ofVirtual().name("body-guard").start(() -> interruptLater(reader));
        try (InputStream in = request.content().inputStream()) {
            byte[] body = in.readNBytes(length);
            if (body.length < length) {
                throw new RefusedException(400, "the body ended after " + body.length + " of " + length + " bytes");
            }
            return body;
        } catch (DataReader.InsufficientDataAvailableException e) {
            throw new RefusedException(400, "the connection ended within the body");
        } catch (IOException e) {
            throw new RefusedException(408, "the body did not come");
        } finally {
            end(guard);
        }
    }

    private void interruptLater(Thread reader) {
        try {
            Thread.sleep(patience);
            reader.interrupt();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void end(Thread guard) {
        guard.interrupt();
        try {
            guard.join();
        } catch (InterruptedException e) {
            // The guard's own interrupt, which came too late to matter.
        }
        Thread.interrupted();
    }
}
