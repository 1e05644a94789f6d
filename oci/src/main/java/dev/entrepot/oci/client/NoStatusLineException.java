package dev.entrepot.oci.client;

import java.io.IOException;

/**
 * What came where an answer must begin is none in HTTP/1: nothing of it is skipped, since what stands behind it may be
 * the answer to another request.
 */
final class NoStatusLineException extends IOException {
    private static final long serialVersionUID = 1L;

    /** With what the HTTP library says of it. */
    NoStatusLineException(Exception cause) {
        super("no status line where an answer must begin", cause);
    }
}
