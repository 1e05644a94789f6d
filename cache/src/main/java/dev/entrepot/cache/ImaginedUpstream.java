package dev.entrepot.cache;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import java.util.Optional;

/**
 * An upstream that fails in one way, or answers as it did when it was asked last.
 *
 * @param down how it fails; empty if it answers
 */
record ImaginedUpstream(Optional<StaleCause> down) {
    /** One that answers. */
    static final ImaginedUpstream UP = new ImaginedUpstream(Optional.empty());

    /** How it fails when it is asked for something; empty if it answers. */
    Optional<RegistryException> failure(Object what) {
        return down.map(cause -> switch (cause) {
            case RATE_LIMITED -> outage(OutageException.Reason.RATE_LIMITED, what);
            case SERVER_ERROR -> outage(OutageException.Reason.SERVER_ERROR, what);
            case TIMEOUT -> outage(OutageException.Reason.TIMEOUT, what);
            case UNREACHABLE -> outage(OutageException.Reason.UNREACHABLE, what);
            case DELETED -> new NotFoundException(NotFoundException.Kind.MANIFEST, what + " would not be found");
        });
    }

    private static RegistryException outage(OutageException.Reason reason, Object what) {
        return new OutageException(reason, "there would be no answer about " + what);
    }
}
