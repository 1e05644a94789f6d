package dev.entrepot.proxy.admin;

import dev.entrepot.oci.OciJson;
import java.util.Map;

/**
 * An answer of the admin API.
 *
 * @param status the HTTP status
 * @param json the body
 * @param outcome what the log says of it, where something was asked to be done
 * @param headers what else is said, by the names of headers
 */
public record AdminReply(int status, String json, Outcome outcome, Map<String, String> headers) {
    /** Copies the headers. */
    public AdminReply {
        headers = Map.copyOf(headers);
    }

    /** What came of a request to do something. */
    public enum Outcome {
        /** It was done, or could not be. */
        DONE,
        /** Nothing was done, although it was asked for rightly: what the log has no line for. */
        NOTHING,
        /** What was shown with the request was wrong, as its body told. */
        REFUSED
    }

    /** The answer to what was done, or asked only to be read. */
    public AdminReply(int status, String json) {
        this(status, json, Outcome.DONE);
    }

    /** An answer without headers of its own. */
    public AdminReply(int status, String json, Outcome outcome) {
        this(status, json, outcome, Map.of());
    }

    /** The answer that something is not done, or not there. */
    public static AdminReply error(int status, String message) {
        return new AdminReply(
                status,
                OciJson.mapper().createObjectNode().put("error", message).toString());
    }

    /** The same answer, as one to somebody who was refused for what he has shown. */
    public AdminReply refused() {
        return new AdminReply(status, json, Outcome.REFUSED, headers);
    }
}
