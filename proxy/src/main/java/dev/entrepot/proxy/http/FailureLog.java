package dev.entrepot.proxy.http;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.UnauthorizedException;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log why requests fail before their first byte: the access log has no more than their status. An upstream
 * that is out fails all of them in the same way, so that each kind of cause is said once in ten minutes for each
 * upstream. That something is not there, or that a rule refuses it, is an answer and not said. Safe for all threads.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    private static final double LINES_PER_SECOND = 1.0 / 600;

    private final RequestRates<Failing> lines;

    private record Failing(RegistryHost upstream, String kind) {}

    FailureLog(LongSupplier nanoClock) {
        this.lines = new RequestRates<>(LINES_PER_SECOND, 1, nanoClock);
    }

    /**
     * A request for something of a repository is answered with a failure.
     *
     * @param path what was asked for; names tag or digest
     */
    void failed(RegistryException failure, Repository repository, String path) {
        Optional<String> kind = kind(failure);
        if (kind.isPresent()
                && lines.take(new Failing(repository.registry(), kind.get())).isEmpty()) {
            LOG.warn(
                    "{} of {} cannot be served: {} (what fails at {} in the same way is not said for ten minutes)",
                    Text.printable(RequestTarget.withoutUser(path), 1024),
                    repository,
                    failure.getMessage(),
                    repository.registry());
        }
    }

    private static Optional<String> kind(RegistryException failure) {
        return switch (failure) {
            case NotFoundException _ -> Optional.empty();
            // Rules do what they are told; of what cannot be served at all nobody else tells the operator.
            case BlockedException e ->
                e.kind() == BlockedException.Kind.UNVERIFIABLE ? Optional.of("unverifiable") : Optional.empty();
            case InvalidContentException _ -> Optional.of("content");
            case UnauthorizedException e -> Optional.of("status " + e.status());
            case RefusedException e -> Optional.of("status " + e.status());
            // Of what a rule keeps offline nothing else is known.
            case OutageException e ->
                Optional.of(e.underlying())
                        .filter(reason -> reason != OutageException.Reason.NOT_ASKED)
                        .map(Enum::name);
        };
    }
}
