package dev.entrepot.oci.testing;

import java.io.IOException;

/** Asks the server to end the connection here, by a reset or by an orderly close. */
final class ConnectionCut extends IOException {
    private final boolean reset;

    ConnectionCut(boolean reset) {
        super(reset ? "reset by order" : "closed by order");
        this.reset = reset;
    }

    boolean reset() {
        return reset;
    }
}
