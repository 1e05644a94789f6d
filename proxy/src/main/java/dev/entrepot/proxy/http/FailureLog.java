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
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log why requests fail before their first byte: the access log has no more than their status. An upstream
 * that is out fails all of them in the same way, so that each kind of cause is said once in ten minutes for each
 * upstream, and anew when it has answered and is out again: six times at most, and once more each ten minutes, of one
 * that comes and goes. An outage that is over counts for all kinds of requests: when blobs come again while tags do
 * not, what fails of tags may be said once more. That something is not there, or that a rule refuses it, is an answer
 * and not said. Safe for all threads.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    private static final double LINES_PER_SECOND = 1.0 / 600;

    private static final int MOST_AT_ONCE = 6;

    private final ToLongFunction<RegistryHost> outagesOver;
    private final RequestRates<InOutage> lines;
    private final RequestRates<Failing> all;

    private record Failing(RegistryHost upstream, String kind) {}

    /** What fails between the end of an outage and the end of the next. */
    private record InOutage(Failing failing, long outagesOver) {}

    /**
     * An empty log.
     *
     * @param outagesOver how many outages of an upstream are over
     */
    FailureLog(ToLongFunction<RegistryHost> outagesOver, LongSupplier nanoClock) {
        this.outagesOver = outagesOver;
        this.lines = new RequestRates<>(LINES_PER_SECOND, 1, nanoClock);
        this.all = new RequestRates<>(LINES_PER_SECOND, MOST_AT_ONCE, nanoClock);
    }

    /**
     * A request for something of a repository is answered with a failure.
     *
     * @param path what was asked for; names tag or digest
     */
    void failed(RegistryException failure, Repository repository, String path) {
        Optional<String> kind = kind(failure);
        if (kind.isPresent() && mayBeSaid(repository.registry(), kind.get(), isRefusal(failure))) {
            LOG.warn(
                    "{} of {} cannot be served: {} (what fails at {} in the same way is not said for ten minutes)",
                    Text.printable(RequestTarget.withoutUser(path), 1024),
                    repository,
                    failure.getMessage(),
                    repository.registry());
        }
    }

    // That an upstream is not asked says less than why, and keeps nobody from saying that.
    private boolean mayBeSaid(RegistryHost upstream, String kind, boolean refusal) {
        InOutage cause = new InOutage(new Failing(upstream, kind), outagesOver.applyAsLong(upstream));
        if (lines.take(cause).isPresent()) {
            return false;
        }
        if (!refusal) {
            return all.take(cause.failing()).isEmpty();
        }
        lines.giveBack(cause);
        Failing notAsked = new Failing(upstream, "not asked: " + kind);
        return lines.take(new InOutage(notAsked, cause.outagesOver())).isEmpty()
                && all.take(notAsked).isEmpty();
    }

    // Of a token service, too, of which the cause tells.
    private static boolean isRefusal(@Nullable Throwable failure) {
        return failure instanceof OutageException e
                && (e.reason() != e.underlying() || e.isHeld() || isRefusal(e.getCause()));
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
