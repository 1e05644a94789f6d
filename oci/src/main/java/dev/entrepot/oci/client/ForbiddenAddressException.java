package dev.entrepot.oci.client;

import java.net.UnknownHostException;

/** A host that a registry named resolves to an address that it may not send this process to. */
final class ForbiddenAddressException extends UnknownHostException {
    ForbiddenAddressException(String message) {
        super(message);
    }
}
