package dev.entrepot.replicator.bundle;

import java.io.IOException;

/**
 * A bundle, inventory, receipt or key is not what it should be. The message names the file or document, what is wrong,
 * and what to do.
 */
public final class BundleException extends IOException {
    private static final long serialVersionUID = 1;

    /** Says what is wrong. */
    public BundleException(String message) {
        super(message);
    }

    /** As above, with the cause. */
    public BundleException(String message, Throwable cause) {
        super(message, cause);
    }
}
