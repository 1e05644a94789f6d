package dev.entrepot.oci.client;

import dev.entrepot.oci.MediaType;
import java.io.IOException;
import java.io.InputStream;

/** The body of a request. All of them can be sent again. */
sealed interface RequestBody {
    /** No body, and no {@code Content-Length}. */
    RequestBody NONE = new None();

    /** No body. */
    record None() implements RequestBody {}

    /** Bytes in memory; may be none, which is sent as {@code Content-Length: 0}. */
    record Bytes(byte[] bytes, MediaType type) implements RequestBody {}

    /**
     * A stream of exactly {@code length} bytes, opened before each sending, so that no peer waits for its first byte,
     * and closed after it. What it is cut from may stay open for longer: that is for whoever opens it.
     */
    record Stream(Opener opener, long length, MediaType type) implements RequestBody {}

    /** Opens the stream of a body. */
    @FunctionalInterface
    interface Opener {
        /** Opens it at its start. Returns when its first bytes are there. */
        InputStream open() throws IOException;
    }

    /** An empty body that is stated as such. */
    static RequestBody empty() {
        return new Bytes(new byte[0], MediaType.OCTET_STREAM);
    }
}
