package dev.entrepot.cache;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import java.util.Locale;

/** Why something is served that the upstream has not confirmed. */
public enum StaleCause {
    /** The upstream answers 429, or is not asked because its quota is used up. */
    RATE_LIMITED,
    /** The upstream, or its token service, answers 5xx or with what makes no sense. */
    SERVER_ERROR,
    /** The upstream does not answer in time. */
    TIMEOUT,
    /**
     * The upstream cannot be connected to. One that was not asked because it is known to be out counts as what it is
     * known for.
     */
    UNREACHABLE,
    /** The upstream answers that it does not have the thing any more. */
    DELETED;

    /** The name as people write it: {@code rate-limited}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The cause that a failure is, which is an outage or content that is not what it should be. */
    static StaleCause of(RegistryException failure) {
        return failure instanceof OutageException outage ? of(outage.underlying()) : SERVER_ERROR;
    }

    private static StaleCause of(OutageException.Reason reason) {
        return switch (reason) {
            case RATE_LIMITED, QUOTA -> RATE_LIMITED;
            case SERVER_ERROR, TOKEN_SERVICE -> SERVER_ERROR;
            case TIMEOUT -> TIMEOUT;
            case UNREACHABLE, DNS, TLS, NOT_ASKED -> UNREACHABLE;
        };
    }
}
