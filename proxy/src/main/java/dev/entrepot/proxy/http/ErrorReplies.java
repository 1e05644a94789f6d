package dev.entrepot.proxy.http;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.UnauthorizedException;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where a failure becomes a status and an error code (distribution-spec, "Error Codes"). Faults of our
 * own are logged here, once; their messages, which may name paths, do not leave the process.
 */
final class ErrorReplies {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorReplies.class);
    private static final Duration RETRY_AFTER_RATE_LIMIT = Duration.ofSeconds(30);
    private static final Duration RETRY_AFTER_MAX = Duration.ofHours(1);

    private ErrorReplies() {}

    /**
     * The answer to a request that failed before its first byte was sent.
     *
     * @param verdict where the answer comes from; empty if no cache was asked
     */
    static Reply of(Throwable failure, Optional<Verdict> verdict) {
        return switch (failure) {
            case RegistryException e -> remote(e, verdict);
            case AccessRefusedException e -> refusedAccess(e);
            case InvalidNameException e -> error(Status.BAD_REQUEST_400, nameCode(e), message(e), verdict);
            case InterruptedIOException _ ->
                error(Status.SERVICE_UNAVAILABLE_503, "UNAVAILABLE", "the request was interrupted; try again", verdict);
            case IOException e -> {
                LOG.error("request failed: local storage", e);
                yield error(Status.INTERNAL_SERVER_ERROR_500, "UNKNOWN", "the mirror's storage failed", verdict);
            }
            default -> {
                LOG.error("request failed: defect", failure);
                yield error(
                        Status.INTERNAL_SERVER_ERROR_500, "UNKNOWN", "the mirror failed; its log says why", verdict);
            }
        };
    }

    private static Reply remote(RegistryException failure, Optional<Verdict> verdict) {
        return switch (failure) {
            case NotFoundException e -> error(Status.NOT_FOUND_404, notFoundCode(e.kind()), message(e), verdict);
            case UnauthorizedException e ->
                e.status() == 403
                        ? error(Status.FORBIDDEN_403, "DENIED", message(e), verdict)
                        : error(Status.UNAUTHORIZED_401, "UNAUTHORIZED", message(e), verdict);
            case RefusedException e -> refused(e, verdict);
            case OutageException e -> outage(e, verdict);
            case BlockedException e -> blocked(e, verdict);
            case InvalidContentException e -> error(Status.BAD_GATEWAY_502, "UNKNOWN", message(e), verdict);
        };
    }

    // Here a challenge is sent: it is this server that wants to know.
    private static Reply refusedAccess(AccessRefusedException e) {
        Header[] headers = AccessRefusal.headers(e).toArray(Header[]::new);
        String code = switch (e.kind()) {
            case UNKNOWN -> "UNAUTHORIZED";
            case DENIED -> "DENIED";
            case TOO_OFTEN -> "TOOMANYREQUESTS";
            case UNDECIDED -> "UNAVAILABLE";
        };
        return error(AccessRefusal.status(e), code, message(e), Optional.empty(), headers);
    }

    /**
     * Final, so that clients show the reason and do not repeat the request at once: a 429 or 503 would be repeated, and
     * a 404 taken for the truth about the content.
     */
    private static Reply blocked(BlockedException e, Optional<Verdict> verdict) {
        if (e.kind() == BlockedException.Kind.UNVERIFIABLE) {
            // Final as well, and clients that may ask the registry itself do so then.
            return error(Status.NOT_FOUND_404, "MANIFEST_UNKNOWN", message(e), verdict);
        }
        Header[] retryAfter = e
                .retryAfter()
                .map(wait -> HeaderValues.create(
                        HeaderNames.RETRY_AFTER,
                        Math.max(1, wait.plusMillis(999).toSeconds())))
                .stream()
                .toArray(Header[]::new);
        return error(Status.FORBIDDEN_403, "DENIED", message(e), verdict, retryAfter);
    }

    private static Reply refused(RefusedException e, Optional<Verdict> verdict) {
        boolean clientError = e.status() >= 400 && e.status() < 500;
        Status status = clientError ? Status.create(e.status()) : Status.BAD_GATEWAY_502;
        return error(status, isCode(e.code()) ? e.code() : "UNSUPPORTED", message(e), verdict);
    }

    private static boolean isCode(String code) {
        return !code.isEmpty() && code.chars().allMatch(c -> c >= 'A' && c <= 'Z' || c == '_');
    }

    /**
     * A rate limit of the upstream is not passed on as 429: clients repeat that at once, several times, and without a
     * pause.
     */
    private static Reply outage(OutageException e, Optional<Verdict> verdict) {
        return switch (e.reason()) {
            case RATE_LIMITED, QUOTA -> {
                Duration wanted = e.retryAfter().orElse(RETRY_AFTER_RATE_LIMIT);
                yield error(Status.SERVICE_UNAVAILABLE_503, "TOOMANYREQUESTS", message(e), verdict, retryAfter(wanted));
            }
            case TIMEOUT -> error(Status.GATEWAY_TIMEOUT_504, "UNAVAILABLE", message(e), verdict);
            case NOT_ASKED -> {
                Header[] more =
                        e.retryAfter().stream().map(ErrorReplies::retryAfter).toArray(Header[]::new);
                yield error(Status.SERVICE_UNAVAILABLE_503, "UNAVAILABLE", message(e), verdict, more);
            }
            // For a client it makes no difference which of the two services is silent, or known to be out.
            case TOKEN_SERVICE -> e.getCause() instanceof OutageException how ? outage(how, verdict) : down(e, verdict);
            case UNREACHABLE, DNS, TLS, SERVER_ERROR -> down(e, verdict);
        };
    }

    private static Reply down(OutageException e, Optional<Verdict> verdict) {
        return error(Status.BAD_GATEWAY_502, "UNAVAILABLE", message(e), verdict);
    }

    /** When to come again: in 1 s to an hour, rounded up. */
    static Header retryAfter(Duration wanted) {
        long seconds = Math.clamp(wanted.plusMillis(999).toSeconds(), 1, RETRY_AFTER_MAX.toSeconds());
        return HeaderValues.create(HeaderNames.RETRY_AFTER, seconds);
    }

    private static String notFoundCode(NotFoundException.Kind kind) {
        return switch (kind) {
            case NAME -> "NAME_UNKNOWN";
            case MANIFEST -> "MANIFEST_UNKNOWN";
            case BLOB -> "BLOB_UNKNOWN";
        };
    }

    /**
     * The answer to a request for what has a digest of an algorithm that is not computed here. It is final and says
     * that there is no such thing here, so that clients may ask for it by another digest, or ask the registry itself.
     */
    static Reply unverifiable(NotFoundException.Kind kind, Digest digest) {
        return error(
                Status.NOT_FOUND_404,
                notFoundCode(kind),
                digest
                        + " cannot be verified here: this mirror compares sha256 and sha512, and passes nothing on that it"
                        + " cannot compare; ask for it by such a digest, or at the registry itself",
                Optional.empty());
    }

    private static String nameCode(InvalidNameException e) {
        return switch (e.what()) {
            case "tag" -> "TAG_INVALID";
            case "digest", "digest algorithm" -> "DIGEST_INVALID";
            case PageRequest.LIMIT -> "PAGINATION_NUMBER_INVALID";
            case QueryParameters.NAME, RequestTarget.WHAT -> "UNSUPPORTED";
            default -> e.what().startsWith(QueryParameters.VALUE) ? "UNSUPPORTED" : "NAME_INVALID";
        };
    }

    private static String message(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    /** An error answer with one error in its body. */
    static Reply error(Status status, String code, String message, Optional<Verdict> verdict, Header... more) {
        List<Header> headers = new ArrayList<>(more.length + 2);
        headers.add(ReplyHeaders.JSON);
        headers.add(ReplyHeaders.NO_STORE);
        headers.addAll(List.of(more));
        return Reply.of(status, headers, body(code, message), verdict);
    }

    /** The JSON of one error. */
    static byte[] body(String code, String message) {
        return JsonDocuments.error(code, message);
    }
}
