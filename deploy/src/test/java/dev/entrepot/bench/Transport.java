package dev.entrepot.bench;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * A connected byte stream that can throw bytes away more cheaply than by reading them. Used by one thread at a time.
 */
interface Transport extends Closeable {
    /** Sends all of these bytes. */
    void send(byte[] bytes) throws IOException;

    /** Reads into the buffer; returns the count, or 0 at the end of the stream. Waits at most a minute. */
    long receive(MemorySegment buffer) throws IOException;

    /**
     * Throws away at most {@code limit} bytes; returns how many, or 0 at the end of the stream. Waits at most a minute.
     */
    long discard(long limit) throws IOException;

    /** Opens the fitting transport to a port of 127.0.0.1. */
    static Transport open(Place place) throws IOException {
        return place.tls() ? TlsTransport.connect(place.port()) : PlainTransport.connect(place.port());
    }
}
