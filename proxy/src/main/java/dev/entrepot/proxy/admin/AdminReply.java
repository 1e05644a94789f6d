package dev.entrepot.proxy.admin;

/**
 * An answer of the admin API.
 *
 * @param status the HTTP status
 * @param json the body
 */
public record AdminReply(int status, String json) {}
