package dev.entrepot.oci.client;

import java.io.IOException;

/**
 * Carries a fault of a request body's source through the HTTP library and the exchanges to {@link Calls}, so that it is
 * not taken for one of the wire, nor an outage of the one registry for one of the other.
 */
final class SourceFault extends IOException {
    private final IOException cause;

    SourceFault(IOException cause) {
        super(cause);
        this.cause = cause;
    }

    IOException cause() {
        return cause;
    }
}
