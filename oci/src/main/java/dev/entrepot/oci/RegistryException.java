package dev.entrepot.oci;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can go wrong between this process and a registry. The family is closed so that its translation into
 * HTTP statuses and exit codes is complete. It extends {@link IOException} so that the body of an answer, which is an
 * input stream, can throw it; any other {@code IOException} is a fault of the local disk. {@link BlockedException} is
 * the word of this process itself, by one of its rules.
 *
 * <p>The distinction that matters most is between an <em>answer</em> ({@link NotFoundException},
 * {@link UnauthorizedException}, {@link RefusedException}) and an <em>outage</em> ({@link OutageException}): only an
 * outage may be papered over with what is kept.
 */
public abstract sealed class RegistryException extends IOException
        permits NotFoundException,
                UnauthorizedException,
                RefusedException,
                OutageException,
                InvalidContentException,
                BlockedException {

    /** With a message that names the operation, repository, reference and host, and never a secret. */
    RegistryException(String message) {
        super(message);
    }

    /** As above, with what led to it. */
    RegistryException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Whether a registry gave this answer to an earlier question, and was not asked now. */
    public boolean isRemembered() {
        return false;
    }
}
