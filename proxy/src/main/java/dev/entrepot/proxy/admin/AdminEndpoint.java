package dev.entrepot.proxy.admin;

import java.io.IOException;
import java.util.Optional;

/** A part of the admin API. Called by many threads at once. */
@FunctionalInterface
public interface AdminEndpoint {
    /**
     * Answers a request.
     *
     * @return empty if the path is none of this part's
     * @throws IOException if it fails here, which is answered with 500 and the message
     */
    Optional<AdminReply> answer(AdminRequest request) throws IOException;

    /**
     * Answers a GET with something other than JSON; asked before {@link #answer}.
     *
     * @return empty if the path is none of this part's, or answered in JSON
     * @throws IOException if it fails here, which is answered with 500 and the message
     */
    default Optional<AdminContent> content(AdminRequest request) throws IOException {
        return Optional.empty();
    }

    /**
     * Refuses a POST before its body is waited for.
     *
     * @param request the request, with an empty body
     * @return empty to have the body read, and {@link #answer} asked
     */
    default Optional<AdminReply> refusal(AdminRequest request) {
        return Optional.empty();
    }

    /**
     * Answers an OPTIONS, by which a server asks whether it may post here later. One of a browser does not come here.
     *
     * @return empty if nobody is told that of the path
     */
    default Optional<AdminReply> permission(AdminRequest request) {
        return Optional.empty();
    }

    /** Whether this part finds out itself who makes a request, so that nobody else does. */
    default boolean guardsItself(AdminRequest request) {
        return false;
    }
}
