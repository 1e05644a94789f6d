package dev.entrepot.oci.client;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Asks the services that give credentials for a registry: addresses that the operator or this program's authors have
 * named, never one out of an answer of a registry. A connection for each request, since there are few of them; no
 * redirects; 5 s to connect, 10 s without a byte, 20 s in all, 1 MiB. Safe for all threads.
 */
public final class ServiceClient {
    private static final int MAX_ANSWER_BYTES = 1024 * 1024;
    private static final int ATTEMPTS = 2;
    private static final Duration PAUSE = Duration.ofMillis(300);
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofSeconds(20);
    private static final Pattern CODE = Pattern.compile("[A-Za-z][A-Za-z0-9_.#-]{0,79}");
    private static final Pattern XML_CODE = Pattern.compile("<Error>.{0,200}<Code>([^<]*)</Code>", Pattern.DOTALL);

    private final RegistryEndpoint registry;
    private final ClientEnvironment environment;

    /**
     * A client for the services behind one registry.
     *
     * @param registry whose proxy and authorities count for them, too; its client certificate is shown to the registry
     *     alone
     */
    public ServiceClient(RegistryEndpoint registry, ClientEnvironment environment) {
        this.registry = registry;
        this.environment = environment;
    }

    /**
     * An answer.
     *
     * @param status its status: no 408, 410, 429 and 5xx
     * @param challenge its field {@code WWW-Authenticate}, the first if there are several
     * @param body its body, which may be a secret
     */
    public record Answer(int status, Optional<String> challenge, String body) {
        @Override
        public String toString() {
            return "Answer[" + status + "]";
        }
    }

    /**
     * Asks for JSON.
     *
     * @throws UnauthorizedException if the service refuses
     * @throws OutageException if it is out, or answers with something else
     */
    public JsonNode json(ServiceRequest request) throws IOException {
        return parsed(request, ok(request));
    }

    /**
     * Asks for a text.
     *
     * @throws UnauthorizedException if the service refuses
     * @throws OutageException if it is out
     */
    public String ok(ServiceRequest request) throws IOException {
        Answer answer = send(request);
        if (answer.status() != 200) {
            throw failure(request, answer);
        }
        return answer.body();
    }

    /**
     * Asks, and hands over whatever the service answers; once more if it is out at first.
     *
     * @throws OutageException with {@link Reason#TOKEN_SERVICE} if it is out
     */
    public Answer send(ServiceRequest request) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return exchange(request);
            } catch (OutageException e) {
                if (attempt == ATTEMPTS || !pause()) {
                    throw new OutageException(Reason.TOKEN_SERVICE, String.valueOf(e.getMessage()), e.retryAfter(), e);
                }
            }
        }
    }

    private boolean pause() {
        try {
            environment.sleeper().sleep(PAUSE);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Answer exchange(ServiceRequest request) throws IOException {
        Origin origin;
        try {
            origin = Origin.of(request.uri());
        } catch (IllegalArgumentException e) {
            throw new IOException(request.what() + ": what is to be asked is no http(s) URL");
        }
        HttpUriRequestBase message = message(request);
        RequestObserver.Sending sending =
                environment.observer().sending(registry.registry(), Operation.TOKEN, request.method(), request.uri());
        Instant start = environment.clock().instant();
        OptionalInt status = OptionalInt.empty();
        Thread bound = Thread.ofVirtual().name("bound of " + request).start(() -> cancelLater(message));
        try (HttpTransport transport = open(request, origin);
                ClassicHttpResponse response = transport
                        .http()
                        .executeOpen(new HttpHost(origin.scheme(), origin.host(), origin.port()), message, null)) {
            status = OptionalInt.of(response.getCode());
            return answer(request, response);
        } catch (IOException e) {
            throw WireFaults.translate(e, request.what(), origin.host());
        } finally {
            bound.interrupt();
            Duration took = Duration.between(start, environment.clock().instant());
            sending.ended(status);
            environment.observer().completed(registry.registry(), Operation.TOKEN, status, took);
        }
    }

    private static HttpUriRequestBase message(ServiceRequest request) {
        HttpUriRequestBase message = new HttpUriRequestBase(request.method(), request.uri());
        message.setHeader("Accept-Encoding", "identity");
        request.headers().forEach(message::setHeader);
        if (!request.body().isEmpty()) {
            message.setEntity(new ByteArrayEntity(request.body().getBytes(StandardCharsets.UTF_8), null));
        }
        return message;
    }

    private static void cancelLater(HttpUriRequestBase message) {
        try {
            Thread.sleep(LONGEST);
            message.cancel();
        } catch (InterruptedException e) {
            // The answer came in time.
            return;
        }
    }

    private HttpTransport open(ServiceRequest request, Origin origin) throws IOException {
        boolean own = origin.equals(Origin.of(registry.baseUrl()));
        TlsSettings tls = own ? registry.tls() : registry.tls().withoutClientCertificate();
        RegistryEndpoint service = RegistryEndpoint.of(registry.registry(), URI.create(origin.toString()))
                .withTls(tls)
                .withMaxConcurrentRequests(1)
                .withTimeouts(CONNECT, SILENCE);
        ProxyRules proxies =
                request.direct() ? ProxyRules.direct() : new ProxyRules(registry.httpProxy(), environment.variables());
        return HttpTransport.open(service, proxies, SystemDefaultDnsResolver.INSTANCE, environment);
    }

    private static Answer answer(ServiceRequest request, ClassicHttpResponse response) throws IOException {
        int status = response.getCode();
        String host = request.uri().getHost();
        if (StatusErrors.isOutage(status) || status == 410) {
            throw new OutageException(Reason.TOKEN_SERVICE, request.what() + ": " + host + " answered " + status);
        }
        HttpEntity entity = response.getEntity();
        try (InputStream in = entity == null ? InputStream.nullInputStream() : entity.getContent()) {
            byte[] bytes = in.readNBytes(MAX_ANSWER_BYTES + 1);
            if (bytes.length > MAX_ANSWER_BYTES) {
                throw new OutageException(
                        Reason.TOKEN_SERVICE,
                        request.what() + ": " + host + " sent more than the limit of " + MAX_ANSWER_BYTES + " bytes");
            }
            Optional<String> challenge = Optional.ofNullable(response.getFirstHeader("WWW-Authenticate"))
                    .map(Header::getValue);
            return new Answer(status, challenge, new String(bytes, StandardCharsets.UTF_8));
        }
    }

    /** What an answer means that is not the one that was wanted. */
    public IOException failure(ServiceRequest request, Answer answer) {
        String code = code(answer.body());
        String message = request.what() + ": " + request.uri().getHost() + " answered " + answer.status()
                + (code.isEmpty() ? "" : " " + code);
        int status = answer.status();
        // AWS says 400 where it asks for patience, and where it could not ask who vouches for somebody.
        boolean passing = code.contains("Throttling") || code.equals("IDPCommunicationError");
        return status < 400 || passing
                ? new OutageException(Reason.TOKEN_SERVICE, message)
                : new UnauthorizedException(status == 403 ? 403 : 401, message);
    }

    // OAuth 2 has "error", which Google nests sometimes, AWS "__type", and its older services XML.
    private static String code(String body) {
        String text;
        try {
            JsonNode root = OciJson.mapper().readTree(body);
            JsonNode error = root.path("error");
            JsonNode code = error.isObject() ? error.path("status") : error.isString() ? error : root.path("__type");
            text = code.asString("");
        } catch (JacksonException e) {
            Matcher xml = XML_CODE.matcher(body);
            text = xml.find() ? xml.group(1) : "";
        }
        return CODE.matcher(text).matches() ? text : "";
    }

    /**
     * An answer as JSON.
     *
     * @throws OutageException if it is none
     */
    public static JsonNode parsed(ServiceRequest request, String body) throws OutageException {
        try {
            return OciJson.mapper().readTree(body);
        } catch (JacksonException e) {
            // The cause would quote the answer.
            throw unusable(request);
        }
    }

    /** A service's answer lacks what it was asked for. */
    public static OutageException unusable(ServiceRequest request) {
        return new OutageException(
                Reason.TOKEN_SERVICE,
                request.what() + ": " + request.uri().getHost() + " answered with something that is no token");
    }
}
