package dev.entrepot.oci.client;

import java.net.SocketException;

/**
 * An address was not reached, by what the system says of the way to it: no network, no route, no address to go from.
 * Nobody there has refused anything, and no connection broke.
 */
final class UnreachedAddressException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** Says what the system says. */
    UnreachedAddressException(SocketException cause) {
        super(String.valueOf(cause.getMessage()));
        initCause(cause);
    }
}
