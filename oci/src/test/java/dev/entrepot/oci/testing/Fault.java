package dev.entrepot.oci.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.zip.GZIPOutputStream;

/**
 * Something that goes wrong with a request: before it is handled, in its upload, instead of an answer, or with the
 * answer. Several faults of one request add up. Offsets in bodies count from the first byte of that answer's body, not
 * of the blob.
 */
public interface Fault {
    /** The request that the registry sees. May block. */
    default Request before(Request request) throws IOException, InterruptedException {
        return request;
    }

    /** What is in the way of the request's body. */
    default Optional<Obstacle> upload() {
        return Optional.empty();
    }

    /** An answer that is given without asking the registry. */
    default Optional<Response> instead(Request request) {
        return Optional.empty();
    }

    /** The answer that the client sees. */
    default Response after(Response response) {
        return response;
    }

    /** The connection is reset after so many bytes of the answer's body. */
    static Fault resetAfter(long bodyBytes) {
        return obstructed(Obstacle.cut(bodyBytes, true));
    }

    /**
     * The connection is closed in order after so many bytes of the answer's body, short of what {@code Content-Length}
     * states.
     */
    static Fault truncateAfter(long bodyBytes) {
        return obstructed(Obstacle.cut(bodyBytes, false));
    }

    /** The answer's body stops after so many bytes until the gate lets it go on. */
    static Fault stallAfter(long bodyBytes, Gate gate) {
        return obstructed(Obstacle.gateAt(bodyBytes, gate));
    }

    /** The answer's body comes in steps of so many bytes, each let through by the gate. */
    static Fault dribble(int stepBytes, Gate gate) {
        return obstructed(Obstacle.gateEach(stepBytes, gate));
    }

    /** The answer's body comes in steps of so many bytes, each after a pause of real time. */
    static Fault dribble(int stepBytes, Duration pause) {
        return obstructed(Obstacle.drip(stepBytes, pause));
    }

    /** One byte of the answer's body is wrong. */
    static Fault corruptAt(long offset) {
        return answer(response -> response.withBody(response.body().corruptedAt(offset)));
    }

    /** The answer's body is another one, of which the length is stated. */
    static Fault body(byte[] bytes) {
        return answer(response -> response.withBody(Content.of(bytes)));
    }

    /** The answer's body has these bytes too many, and states the longer length. */
    static Fault extraBytes(byte[] bytes) {
        return answer(response -> response.withBody(response.body().followedBy(bytes)));
    }

    /**
     * The answer states this length; its body is sent as it is, then the connection ends. After a length that is too
     * short, what follows arrives where the client may expect the next answer.
     */
    static Fault statedLength(long bytes) {
        return header("Content-Length", Long.toString(bytes));
    }

    /** The answer does not state its length but comes in chunks. */
    static Fault chunked() {
        return answer(response -> response.withoutHeader("Content-Length").header("Transfer-Encoding", "chunked"));
    }

    /** The answer has a header field with this value. */
    static Fault header(String name, String value) {
        return answer(response -> response.header(name, value));
    }

    /** The answer lacks a header field, for example {@code Docker-Content-Digest}. */
    static Fault withoutHeader(String name) {
        return answer(response -> response.withoutHeader(name));
    }

    /** The answer's body is compressed, and says so in {@code Content-Encoding}. */
    static Fault gzip() {
        return answer(
                response -> response.withBody(Content.of(gzip(response.body()))).header("Content-Encoding", "gzip"));
    }

    /** The answer is changed in any other way. */
    static Fault answer(UnaryOperator<Response> change) {
        return new Fault() {
            @Override
            public Response after(Response response) {
                return change.apply(response);
            }
        };
    }

    /** The registry is not asked; the answer is this one. */
    static Fault instead(Response response) {
        return insteadOf(request -> response);
    }

    /** The registry is not asked; the answer is an error of this status with an error code of the specification. */
    static Fault error(int status, String code) {
        return instead(Response.error(status, code));
    }

    /** The registry is not asked; the answer has this status and no body. */
    static Fault status(int status) {
        return instead(Response.of(status));
    }

    /** The registry is not asked; the answer is a redirect (307) to a location, absolute or relative. */
    static Fault redirect(Function<Request, String> location) {
        return insteadOf(request -> Response.of(307).header("Location", location.apply(request)));
    }

    /** As above, to the same path and query on another server. */
    static Fault redirectTo(URI server) {
        return redirect(request -> server + request.target());
    }

    /** The header {@code Range} is not seen: the answer is the whole content. */
    static Fault ignoreRange() {
        return new Fault() {
            @Override
            public Request before(Request request) {
                return request.withHeaders(request.headers().without("Range"));
            }
        };
    }

    /** The request waits at the gate before it is handled; it is never answered if the gate is never opened. */
    static Fault hold(Gate gate) {
        return first(gate::pass);
    }

    /** The connection is closed without an answer. */
    static Fault hangUp() {
        return first(() -> {
            throw new ConnectionCut(false);
        });
    }

    /** The connection is reset without an answer. */
    static Fault reset() {
        return first(() -> {
            throw new ConnectionCut(true);
        });
    }

    /** Something else happens first, for example another client's push; then the request is handled as always. */
    static Fault first(Action action) {
        return new Fault() {
            @Override
            public Request before(Request request) throws IOException, InterruptedException {
                action.run();
                return request;
            }
        };
    }

    /** The connection is reset when so many bytes of the request's body have been read. */
    static Fault resetUploadAfter(long bodyBytes) {
        return uploadBehind(Obstacle.cut(bodyBytes, true));
    }

    /** The request's body is not read further than so many bytes until the gate lets it go on. */
    static Fault stallUploadAfter(long bodyBytes, Gate gate) {
        return uploadBehind(Obstacle.gateAt(bodyBytes, gate));
    }

    /** What {@link #first(Action)} does. */
    @FunctionalInterface
    interface Action {
        /** Does it; may block, and may throw to end the connection. */
        void run() throws IOException, InterruptedException;
    }

    private static Fault obstructed(Obstacle obstacle) {
        return answer(response -> response.behind(obstacle));
    }

    private static Fault insteadOf(Function<Request, Response> answer) {
        return new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                return Optional.of(answer.apply(request));
            }
        };
    }

    private static Fault uploadBehind(Obstacle obstacle) {
        return new Fault() {
            @Override
            public Optional<Obstacle> upload() {
                return Optional.of(obstacle);
            }
        };
    }

    private static byte[] gzip(Content content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(content.bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
