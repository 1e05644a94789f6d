package dev.entrepot.proxy.http;

import dev.entrepot.oci.RegistryException;
import java.util.Optional;

/** What clients are answered when a request fails, for those who explain it. */
public final class FailureStatus {
    private FailureStatus() {}

    /** The HTTP status. */
    public static int of(RegistryException failure) {
        return ErrorReplies.of(failure, Optional.empty()).status().code();
    }
}
