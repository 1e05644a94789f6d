package dev.entrepot.oci.testing;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An answer to a request. {@code Content-Length} is that of the body unless the headers state it or
 * {@code Transfer-Encoding: chunked}; to a HEAD the body is not sent.
 *
 * @param status the HTTP status
 * @param headers the header fields
 * @param body the body
 * @param obstacles what is in the way of the body
 */
public record Response(int status, Headers headers, Content body, List<Obstacle> obstacles) {
    /** Copies the list. */
    public Response {
        obstacles = List.copyOf(obstacles);
    }

    /** An answer without a body. */
    public static Response of(int status) {
        return new Response(status, Headers.NONE, Content.EMPTY, List.of());
    }

    /** An answer with a body of a type. */
    public static Response of(int status, String contentType, Content body) {
        return of(status).header("Content-Type", contentType).withBody(body);
    }

    /** An answer with JSON. */
    public static Response json(int status, String json) {
        return of(status, "application/json", Content.of(json.getBytes(StandardCharsets.UTF_8)));
    }

    /** An error answer of the distribution specification. */
    public static Response error(int status, String code) {
        return json(status, "{\"errors\":[{\"code\":\"" + code + "\",\"message\":\"test registry\"}]}");
    }

    /** This answer with a header field, in place of those of that name. */
    public Response header(String name, String value) {
        return new Response(status, headers.with(name, value), body, obstacles);
    }

    /** This answer without the header fields of that name. */
    public Response withoutHeader(String name) {
        return new Response(status, headers.without(name), body, obstacles);
    }

    /** This answer with another body. */
    public Response withBody(Content other) {
        return new Response(status, headers, other, obstacles);
    }

    /** This answer with one more obstacle. */
    public Response behind(Obstacle obstacle) {
        List<Obstacle> more = new ArrayList<>(obstacles);
        more.add(obstacle);
        return new Response(status, headers, body, more);
    }
}
