package dev.entrepot.proxy.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.ServerRequestHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * How a command on the data folder asks for a blob that is not to be kept because of it: by a header with the token
 * that it found there. Nobody else may, because what is not kept is asked of the upstream each time.
 */
public final class Passing {
    /** The name of the header. */
    public static final String HEADER = "X-Entrepot-Pass";

    private static final HeaderName NAME = HeaderNames.create(HEADER);

    private final byte[] token;

    /** For a token; empty where there are no such commands. */
    Passing(String token) {
        this.token = token.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether a request is one of those. */
    boolean isAsked(ServerRequestHeaders headers) {
        return token.length > 0
                && headers.contains(NAME)
                && MessageDigest.isEqual(headers.get(NAME).get().getBytes(StandardCharsets.UTF_8), token);
    }
}
