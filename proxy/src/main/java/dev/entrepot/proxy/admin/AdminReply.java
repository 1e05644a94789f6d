package dev.entrepot.proxy.admin;

/**
 * An answer of the admin API.
 *
 * @param status the HTTP status
 * @param json the body
 * @param didNothing whether nothing was done, although it was asked for rightly: what the log has no line for
 */
public record AdminReply(int status, String json, boolean didNothing) {
    /** The answer to what was done, refused, or asked only to be read. */
    public AdminReply(int status, String json) {
        this(status, json, false);
    }
}
