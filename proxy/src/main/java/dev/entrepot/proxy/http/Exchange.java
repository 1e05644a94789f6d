package dev.entrepot.proxy.http;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Meanings.Meaning;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.http.ServerRequest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is found out about one request while it is handled. Used by the thread of the request only. */
final class Exchange {
    private final ServerRequest request;
    private final long startedMillis;
    private final long startedNanos;
    private RequestKind kind = RequestKind.OTHER;
    private @Nullable String path;
    private String namespace = "";
    private String user = "";
    private Audience audience = Audience.EVERYBODY;
    private @Nullable Repository repository;
    private boolean cacheAsked;
    private Optional<Verdict> verdict = Optional.empty();
    private int status;
    private byte @Nullable [] error;
    private long bodyBytes;
    private boolean hasTakenBody;
    private Ending ending = Ending.COMPLETE;

    Exchange(ServerRequest request, long startedMillis, long startedNanos) {
        this.request = request;
        this.startedMillis = startedMillis;
        this.startedNanos = startedNanos;
    }

    void parsed(RequestKind parsedKind) {
        kind = parsedKind;
    }

    /** It is known what is asked for. */
    void means(Meaning meaning) {
        kind = meaning.request().kind();
        path = meaning.words().path();
    }

    /** The body of the request has been read to its end. */
    void tookBody() {
        hasTakenBody = true;
    }

    boolean hasTakenBody() {
        return hasTakenBody;
    }

    /** It is known who makes the request. */
    void identified(Visitor visitor) {
        user = visitor.user();
    }

    /** The answer is for no more than these. */
    void isFor(Audience narrower) {
        audience = audience.and(narrower);
    }

    /** For whom the answer is. */
    Audience audience() {
        return audience;
    }

    /** From here on, a failure is one of the cache or the upstream. */
    void routed(Route route) {
        repository = route.repository();
        namespace = route.namespace();
        cacheAsked = true;
    }

    /** The repository that the cache was asked about; empty if it was not asked. */
    Optional<Repository> repository() {
        return Optional.ofNullable(repository);
    }

    /** The request names a registry but no repository. */
    void asked(RequestScope scope) {
        namespace = scope.namespace();
    }

    /**
     * The verdict of a failure: none where the cache was not asked or a rule of this process refused, and a hit where
     * the answer of the upstream is remembered.
     */
    Optional<Verdict> failureVerdict(Throwable failure) {
        if (!cacheAsked || failure instanceof BlockedException) {
            return Optional.empty();
        }
        boolean remembered = failure instanceof RegistryException remote && remote.isRemembered();
        return Optional.of(remembered ? Verdict.HIT : Verdict.MISS);
    }

    /** The connection. */
    ConnectionChannels.Ends ends() {
        return new ConnectionChannels.Ends(
                request.remotePeer().address(), request.localPeer().address());
    }

    /** The namespace that routed the request, or empty. */
    String namespace() {
        return namespace;
    }

    void sending(Reply reply) {
        status = reply.status().code();
        verdict = reply.verdict();
        error = status >= 400 && reply.body() instanceof ReplyBody.Bytes(byte[] document) ? document : null;
    }

    /** The answer that would have been given, had the failure come before the first byte. */
    void failed(Reply reply) {
        error = reply.body() instanceof ReplyBody.Bytes(byte[] document) ? document : null;
    }

    void wrote(long bytes) {
        bodyBytes += bytes;
    }

    long bodyBytes() {
        return bodyBytes;
    }

    void ended(Ending how) {
        ending = how;
    }

    /** Whether nothing has cut it short. */
    boolean isComplete() {
        return ending == Ending.COMPLETE;
    }

    RequestRecord toRecord(long endedNanos) {
        HttpPrologue prologue = request.prologue();
        return new RequestRecord(
                startedMillis,
                request.remotePeer().address(),
                user,
                prologue.method().text(),
                RequestTarget.withoutUser(
                        path != null ? path : prologue.uriPath().rawPath()),
                namespace,
                kind,
                status,
                bodyBytes,
                endedNanos - startedNanos,
                verdict,
                repository == null ? null : repository.registry(),
                request.headers().contains(HeaderNames.USER_AGENT)
                        ? request.headers().get(HeaderNames.USER_AGENT).get()
                        : "",
                ending,
                error,
                request.headers().contains(HeaderNames.AUTHORIZATION));
    }
}
