package dev.entrepot.proxy.http;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.proxy.http.Meanings.Meaning;
import dev.entrepot.proxy.http.Meanings.Words;
import dev.entrepot.proxy.http.RegistryRequest.BlobRequest;
import dev.entrepot.proxy.http.RegistryRequest.Catalog;
import dev.entrepot.proxy.http.RegistryRequest.Elsewhere;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import dev.entrepot.proxy.http.RegistryRequest.Ping;
import dev.entrepot.proxy.http.RegistryRequest.Push;
import dev.entrepot.proxy.http.RegistryRequest.ReferrersRequest;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.HttpPrologue;
import io.helidon.http.Method;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles every request of the registry port, as the server's only filter; there are no routes behind it, because they
 * would match decoded and normalised paths. A request's body is never read: whatever carries one is answered and its
 * connection closed, so that the body cannot be taken for the next request (what still comes of it is dropped, by
 * {@link UnreadBodies}); only the form of a request for a token is. Safe for all threads. It is long because each
 * request goes through it from end to end, and all that stands in its way stands here.
 */
final class FrontDoor implements Filter {
    private static final Logger LOG = LoggerFactory.getLogger(FrontDoor.class);
    private static final HeaderName SEC_FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");
    private static final HeaderName TRACEPARENT = HeaderNames.create("traceparent");
    private static final byte[] PING_BODY = {'{', '}'};

    private final ServedRepositories repositories;
    private final UpstreamRouter router;
    private final Gate gate;
    private final OwnCredentials own;
    private final Optional<RequestRates<Object>> rates;
    private final TokenHandler tokens;
    private final String scheme;
    private final Passing passing;
    private final Meanings meanings;
    private final ManifestHandler manifests = new ManifestHandler();
    private final BlobHandler blobs;
    private final ReplySender sender;
    private final FailureLog failures;
    private final UnreadBodies unread;
    private final RequestObserver observer;
    private final Optional<RequestTracing> tracing;
    private final InstantSource clock;
    private final LongSupplier nanoClock;
    private final AnswersUnderWay underWay = new AnswersUnderWay();
    private volatile boolean draining;

    FrontDoor(
            ServedRepositories repositories,
            UpstreamRouter router,
            Gate gate,
            OwnCredentials own,
            Optional<RequestRates<Object>> rates,
            String scheme,
            Passing passing,
            BlobHandler blobs,
            ReplySender sender,
            UnreadBodies unread,
            RequestObserver observer,
            Optional<RequestTracing> tracing,
            InstantSource clock,
            LongSupplier nanoClock) {
        this.repositories = repositories;
        this.router = router;
        this.meanings = new Meanings(router);
        this.gate = gate;
        this.own = own;
        this.rates = rates;
        this.scheme = scheme;
        this.passing = passing;
        this.tokens = new TokenHandler(gate, router);
        this.blobs = blobs;
        this.sender = sender;
        this.unread = unread;
        this.observer = observer;
        this.tracing = tracing;
        this.clock = clock;
        this.nanoClock = nanoClock;
        this.failures = new FailureLog(repositories::outagesOver, nanoClock);
    }

    /** The answers that have not been reported yet. */
    AnswersUnderWay underWay() {
        return underWay;
    }

    /** From now on every answer is the last of its connection. */
    void drain() {
        draining = true;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        Exchange exchange = new Exchange(request, clock.millis(), nanoClock.getAsLong());
        underWay.begin();
        boolean close;
        try {
            observer.started();
            if (tracing.isPresent()) {
                close = traced(tracing.get(), request, response, exchange);
            } else {
                try {
                    close = answer(request, response, exchange);
                } finally {
                    observer.finished(exchange.toRecord(nanoClock.getAsLong()));
                }
            }
        } finally {
            if (draining && !exchange.isComplete()) {
                underWay.unfinished();
            }
            underWay.reported();
        }
        if (close) {
            if (!exchange.hasTakenBody()) {
                unread.drop(request);
            }
            // The server itself would go on reading this connection, and take an unread body for a request.
            throw new CloseConnectionException("connection: close");
        }
        // Others that are ready go first, and the client's next request is likely there when this thread reads again:
        // finding it so costs far less than waiting for it does.
        Thread.yield();
    }

    private boolean traced(RequestTracing by, RoutingRequest request, RoutingResponse response, Exchange exchange) {
        RequestTracing.Followed followed = by.begin(request.prologue().method().text(), traceparent(request.headers()));
        try {
            return followed.during(() -> answer(request, response, exchange));
        } finally {
            RequestRecord ended = exchange.toRecord(nanoClock.getAsLong());
            observer.finished(ended);
            followed.ended(ended);
        }
    }

    // Where there are several, none of them counts.
    private static Optional<String> traceparent(ServerRequestHeaders headers) {
        return headers.contains(TRACEPARENT) && headers.get(TRACEPARENT).valueCount() == 1
                ? Optional.of(headers.get(TRACEPARENT).get())
                : Optional.empty();
    }

    /** Sends an answer, and tells whether the connection is to be closed. */
    private boolean answer(RoutingRequest request, RoutingResponse response, Exchange exchange) {
        HttpPrologue prologue = request.prologue();
        boolean head = prologue.method().text().equals("HEAD");
        boolean close = draining || endsConnection(request.headers());
        Words words = new Words(
                prologue.uriPath().rawPath(),
                prologue.hasQuery() ? prologue.query().rawValue() : "",
                request.authority());
        try {
            Meaning known = head || prologue.method().equals(Method.GET) ? meanings.lately(words) : null;
            RequestTarget target;
            try {
                target = known != null ? known.target() : RequestTarget.of(words.path(), words.authority());
            } catch (InvalidNameException e) {
                return sender.send(ErrorReplies.of(e, Optional.empty()), head, true, response, exchange);
            }
            Reply reply = reply(
                    request,
                    words,
                    target,
                    known,
                    new ClientCall(head, passing.isAsked(request.headers()), request.headers()),
                    exchange);
            try {
                return sender.send(reply, head, close, response, exchange);
            } catch (ClientStream.ClientGone e) {
                throw e;
            } catch (IOException | RuntimeException | Error e) {
                // An Error, too, as for want of memory: else the server would answer in our name, and not know of what.
                if (exchange.bodyBytes() > 0 || !response.reset()) {
                    exchange.ended(Ending.CUT);
                    if (e instanceof RegistryException remote) {
                        exchange.failed(ErrorReplies.of(remote, Optional.empty()));
                    }
                    LOG.warn("{} was cut after {} bytes: {}", words.path(), exchange.bodyBytes(), said(e));
                    throw new CloseConnectionException("the content failed in the middle: " + e.getMessage(), e);
                }
                return sender.send(failure(e, words, exchange), head, close, response, exchange);
            }
        } catch (ClientStream.ClientGone e) {
            exchange.ended(e.stalled() ? Ending.STALLED : Ending.GONE);
            throw new CloseConnectionException("the client has gone", e);
        } catch (IOException e) {
            throw new CloseConnectionException("an error could not be sent", e);
        }
    }

    // What we throw ourselves says all that there is to say; what others throw often no more than by its name.
    private static String said(Throwable failure) {
        return failure instanceof RegistryException ? String.valueOf(failure.getMessage()) : failure.toString();
    }

    private static boolean endsConnection(ServerRequestHeaders headers) {
        return headers.contains(HeaderNames.CONNECTION) && headers.containsToken(HeaderValues.CONNECTION_CLOSE)
                || UnreadBodies.isAnnounced(headers);
    }

    private Reply reply(
            RoutingRequest request,
            Words words,
            RequestTarget target,
            @Nullable Meaning known,
            ClientCall call,
            Exchange exchange) {
        if (isOfForeignPage(request.headers())) {
            return ErrorReplies.error(
                    Status.FORBIDDEN_403, "DENIED", "pages of other sites may not pull here", Optional.empty());
        }
        try {
            if (gate.givesTokens() && target.path().equals(TokenHandler.PATH)) {
                exchange.parsed(RequestKind.TOKEN);
                Approach approach = approach(request, target);
                limit(approach.address());
                return tokens.handle(request, words.query(), target.host(), approach, exchange);
            }
            Meaning meaning = known != null
                    ? known
                    : meanings.read(request.prologue().method().text(), words, target);
            exchange.means(meaning);
            return handle(meaning, guest(request, target, exchange), call, exchange);
        } catch (IOException | RuntimeException | Error e) {
            return failure(e, words, exchange);
        }
    }

    private Reply failure(Throwable failure, Words words, Exchange exchange) {
        Optional<Repository> asked = exchange.repository();
        // Who shows credentials of his own is told by the answer that they do not do.
        boolean theirs = failure instanceof UnauthorizedException
                && asked.map(Repository::registry).filter(own::areAskedBy).isPresent();
        if (failure instanceof RegistryException remote && asked.isPresent() && !theirs) {
            failures.failed(remote, asked.get(), words.path());
        }
        return ErrorReplies.of(failure, exchange.failureVerdict(failure));
    }

    // It could read no answer, but have pulls made that cost quota and disk. No client of registries sends this header.
    private static boolean isOfForeignPage(ServerRequestHeaders headers) {
        if (!headers.contains(SEC_FETCH_SITE)) {
            return false;
        }
        String site = headers.get(SEC_FETCH_SITE).get();
        return !site.equals("none") && !site.equals("same-origin");
    }

    /** Finds out who the client is, where that matters. */
    private Guest guest(RoutingRequest request, RequestTarget target, Exchange exchange) throws AccessRefusedException {
        if (gate.isOpen()) {
            if (rates.isPresent()) {
                limit(ClientAddress.of(request.remotePeer().address()));
            }
            return own.areAsked() ? new Guest(Gate.OPEN, Visitor.ANYBODY, approach(request, target)) : Guest.ANYBODY;
        }
        exchange.isFor(Audience.SOME);
        Approach approach = approach(request, target);
        Visitor visitor;
        try {
            visitor = gate.identify(approach);
        } catch (AccessRefusedException e) {
            limit(approach.address());
            throw e;
        }
        exchange.identified(visitor);
        // Many machines may share one name, as the nodes of a cluster do, and many people one address.
        limit(visitor.isAnybody() ? approach.address() : new RatedUser(visitor.user(), approach.address()));
        return new Guest(gate, visitor, approach);
    }

    private Approach approach(RoutingRequest request, RequestTarget target) {
        Optional<String> authorization = request.headers().contains(HeaderNames.AUTHORIZATION)
                ? Optional.of(request.headers().get(HeaderNames.AUTHORIZATION).get())
                : Optional.empty();
        return new Approach(
                authorization,
                request.remotePeer().tlsPrincipal(),
                ClientAddress.of(request.remotePeer().address()),
                scheme + "://" + target.host());
    }

    /** One user at one address. */
    private record RatedUser(String user, ClientAddress address) {}

    private void limit(Object client) throws AccessRefusedException {
        if (rates.isEmpty()) {
            return;
        }
        Optional<Duration> wait = rates.get().take(client);
        if (wait.isPresent()) {
            throw AccessRefusedException.tooOften("too many requests of one client; try again later", wait.get());
        }
    }

    private Reply handle(Meaning meaning, Guest guest, ClientCall call, Exchange exchange) throws IOException {
        String host = meaning.target().host();
        return switch (meaning.request()) {
            case ManifestRequest r -> manifests.handle(r, open(r.name(), meaning, guest, call, exchange), call);
            case BlobRequest r -> blobs.handle(r, open(r.name(), meaning, guest, call, exchange), call);
            case TagsRequest r -> TagsHandler.handle(r, open(r.name(), meaning, guest, call, exchange), call);
            case ReferrersRequest r -> ReferrersHandler.handle(r, open(r.name(), meaning, guest, call, exchange), call);
            case Catalog r -> {
                guest.requireCatalog();
                requireKnown(r.scope(), guest, host);
                exchange.asked(r.scope());
                exchange.isFor(own.areAsked() ? Audience.ONE : Audience.EVERYBODY);
                Predicate<Repository> lately = own.mayList(guest.approach());
                yield CatalogHandler.handle(
                        r, repositories, router, host, found -> guest.mayPull(found) && lately.test(found));
            }
            case Ping r -> ping(r, guest, host, exchange);
            case Push r -> push(r, guest, host);
            case Elsewhere _ ->
                ErrorReplies.error(
                        Status.NOT_FOUND_404,
                        "UNSUPPORTED",
                        "no such endpoint; this is a registry mirror and its API is under /v2/",
                        Optional.empty());
        };
    }

    private ServedRepository open(RequestedName name, Meaning meaning, Guest guest, ClientCall call, Exchange exchange)
            throws IOException {
        Route route;
        try {
            route = meaning.route() != null
                    ? meaning.route()
                    : router.route(name, meaning.target().host());
        } catch (NotFoundException e) {
            guest.requirePing();
            throw unrouted(e, guest);
        }
        Repository repository = route.repository();
        guest.requirePull(repository);
        if (own.areAskedBy(repository.registry())) {
            exchange.isFor(Audience.ONE);
            ServedRepository opened = own.open(repository, guest.approach());
            exchange.routed(route);
            return opened;
        }
        exchange.isFor(repositories.audience(repository.registry()));
        exchange.routed(route);
        return call.passing() ? repositories.openInBackground(repository) : repositories.open(repository);
    }

    // The message says what is configured, which is for those only who have said who they are.
    private static NotFoundException unrouted(NotFoundException e, Guest guest) {
        return guest.isStranger()
                ? new NotFoundException(e.kind(), "the registry that is meant is not one that this mirror serves")
                : e;
    }

    private void requireKnown(RequestScope scope, Guest guest, String host) throws NotFoundException {
        try {
            router.registryOf(scope, host);
        } catch (NotFoundException e) {
            throw unrouted(e, guest);
        }
    }

    private Reply ping(Ping ping, Guest guest, String host, Exchange exchange) throws IOException {
        guest.requirePing();
        requireKnown(ping.scope(), guest, host);
        own.requirePing(router.registryOf(ping.scope(), host), guest.approach());
        exchange.asked(ping.scope());
        return Reply.of(
                Status.OK_200,
                List.of(ReplyHeaders.JSON, ReplyHeaders.API_VERSION, ReplyHeaders.NO_CACHE),
                PING_BODY,
                Optional.empty());
    }

    private Reply push(Push push, Guest guest, String host) {
        return ErrorReplies.error(
                Status.METHOD_NOT_ALLOWED_405,
                "UNSUPPORTED",
                "this is a pull-through mirror; push to " + pushTarget(push, guest, host) + " directly",
                Optional.empty(),
                push.readable() ? ReplyHeaders.ALLOW_READING : ReplyHeaders.ALLOW_NOTHING);
    }

    private String pushTarget(Push push, Guest guest, String host) {
        try {
            return push.name().isPresent() && !guest.isStranger()
                    ? router.route(push.name().get(), host)
                            .repository()
                            .registry()
                            .value()
                    : "the registry itself";
        } catch (RegistryException | IllegalArgumentException e) {
            return "the registry itself";
        }
    }
}
